package org.xenolith.cpu.interp;

import org.xenolith.cpu.Cpu;

/**
 * One instruction, or two (see {@link Pairs}), bound to its operands, ready to run. Operations of a
 * block are linked; each returns its successor, so that the loop around them is two lines. An
 * instruction changes no register before all its memory accesses have succeeded.
 *
 * <p>Operations are small objects, with fields no wider than their values: where code does not
 * repeat itself much, the time goes into fetching them from memory.
 */
public abstract class Op {
    /**
     * The operation after this one, read after this one's stores: when a store hits the block
     * itself it has become a {@link Leave}.
     */
    Op next;

    private static final int START_BITS = 13;
    private static final int LENGTH_BITS = 6;
    private static final int POSITION_BITS = 6;

    /** Lowest bits of the parts of {@link #place} behind the start. */
    private static final int LENGTH = START_BITS;

    private static final int POSITION = LENGTH + LENGTH_BITS;
    private static final int TWO = 1 << POSITION + POSITION_BITS;
    private static final int FLAGS_STALE = TWO << 1;
    private static final int ENTERABLE = FLAGS_STALE << 1;

    /**
     * Where the instruction stands, and three bits more: in one word, since it is asked for at the
     * ends of blocks only.
     */
    private int place;

    /**
     * Runs the instruction.
     *
     * @return what runs next; null to return to the {@link Interpreter}, with RIP set
     * @throws org.xenolith.cpu.GuestFault state is as before the instruction
     */
    public abstract Op execute(Cpu cpu);

    /**
     * Says where the instruction stands.
     *
     * @param start its first byte, from the page's start
     * @param end the byte behind it, up to 63 further
     * @param position instructions of the block before it; jumps inside the page that were followed
     *     count too
     */
    final void standAt(int start, int end, int position) {
        place = start | end - start << LENGTH | position << POSITION;
    }

    /** It executes the instruction behind its own, too. */
    final void coverTwo() {
        place |= TWO;
    }

    /**
     * Behind it the arithmetic flags are not as the instructions so far have set them: the next
     * ones of the block overwrite them, and the interpreter must not stop.
     */
    final void leaveFlagsStale() {
        place |= FLAGS_STALE;
    }

    /** First byte, from the page's start. */
    final int start() {
        return place & (1 << START_BITS) - 1;
    }

    /** The byte behind it, from the page's start. */
    final int end() {
        return start() + (place >>> LENGTH & (1 << LENGTH_BITS) - 1);
    }

    /** Instructions of the block before it. */
    final int position() {
        return place >>> POSITION & (1 << POSITION_BITS) - 1;
    }

    /** Instructions of the block up to and with it. */
    final int executed() {
        return position() + ((place & TWO) != 0 ? 2 : 1);
    }

    final boolean leavesFlagsExact() {
        return (place & FLAGS_STALE) == 0;
    }

    /**
     * A valid block is entered here, by a jump that remembers the operation: nothing else of the
     * block need be fetched then.
     */
    final boolean isEnterable() {
        return (place & ENTERABLE) != 0;
    }

    /** Only who holds the lock of the block's page says so; anybody may ask. */
    final void setEnterable(boolean enterable) {
        place = enterable ? place | ENTERABLE : place & ~ENTERABLE;
    }

    /** Sets the successor; an operation that wraps another one passes it on. */
    void link(Op successor) {
        next = successor;
    }

    /** Its place is known: for who wraps an operation that stands there, too. */
    void placed() {}

    /**
     * A jump back stands before it in the block, which is no operation: this may be what closes a
     * loop.
     */
    void followsJumpBack() {}

    /** Its block is dropped: lets go of the blocks that it remembers. */
    void forget() {}

    /**
     * Where the return of a call has led: the next one may go there if that is the call's frame.
     */
    void returnsTo(Block block) {}

    /**
     * Whether a non-canonical address in this operation is a stack fault: it uses RSP or RBP as
     * base.
     */
    boolean addressesStack() {
        return false;
    }

    /** Linear address of the instruction in the page that runs now. */
    final long address(Cpu cpu) {
        return cpu.r[Cpu.CODE_BASE] + start();
    }

    /** Linear address of the next instruction. */
    final long nextAddress(Cpu cpu) {
        return cpu.r[Cpu.CODE_BASE] + end();
    }

    /** Ends the unit in front of the next instruction. */
    final Op leaveAfter(Cpu cpu) {
        cpu.rip = nextAddress(cpu);
        cpu.budget -= executed();
        return null;
    }

    /**
     * Ends the unit so that this instruction runs again; the part that is done counts as one
     * instruction.
     */
    final Op leaveToRepeat(Cpu cpu) {
        cpu.rip = address(cpu);
        cpu.budget -= position() + 1;
        return null;
    }
}

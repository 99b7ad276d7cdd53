package org.xenolith.cpu.interp;

import org.xenolith.cpu.Cpu;

/**
 * One instruction (now and then half of one) bound to its operands, ready to run. Operations of a
 * block are linked; each returns its successor, so that the loop around them is two lines. An
 * operation changes no register before all its memory accesses have succeeded.
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

    /** Where the instruction starts and where it ends, in bytes from its page's start. */
    short start;

    short end;

    /**
     * Instructions of the block before this one; jumps inside the page that were followed count
     * too.
     */
    byte position;

    /**
     * Instructions that this operation executes: two where a comparison and its branch are one
     * operation.
     */
    byte instructions = 1;

    /**
     * Behind it the arithmetic flags are as the instructions so far have set them; where not, the
     * next ones of the block overwrite them, and the interpreter must not stop.
     */
    boolean leavesFlagsExact = true;

    /**
     * A valid block is entered here, by a jump that remembers the operation: nothing else of the
     * block need be fetched then.
     */
    boolean enterable;

    /**
     * Runs the instruction.
     *
     * @return what runs next; null to return to the {@link Interpreter}, with RIP set
     * @throws org.xenolith.cpu.GuestFault state is as before the instruction
     */
    public abstract Op execute(Cpu cpu);

    /** Says where the instruction stands: in the page, and among those of its block. */
    final void standAt(int firstByte, int behind, int before) {
        start = (short) firstByte;
        end = (short) behind;
        position = (byte) before;
    }

    /** Sets the successor; an operation that wraps another one passes it on. */
    void link(Op successor) {
        next = successor;
    }

    /** Copies the place to an operation that this one wraps. */
    void placeInner() {}

    /**
     * A jump back stands before it in the block, which is no operation: this may be what closes a
     * loop.
     */
    void followsJumpBack() {}

    /** Its block is dropped: lets go of the blocks that it remembers. */
    void forget() {}

    /** What a call has behind it, in the same page: its return may go there. */
    void returnsTo(Op entry) {}

    /**
     * Whether a non-canonical address in this operation is a stack fault: it uses RSP or RBP as
     * base.
     */
    boolean addressesStack() {
        return false;
    }

    /** Linear address of the instruction in the page that runs now. */
    final long address(Cpu cpu) {
        return cpu.r[Cpu.CODE_BASE] + start;
    }

    /** Linear address of the next instruction. */
    final long nextAddress(Cpu cpu) {
        return cpu.r[Cpu.CODE_BASE] + end;
    }

    /** Ends the unit in front of the next instruction. */
    final Op leaveAfter(Cpu cpu) {
        cpu.rip = nextAddress(cpu);
        cpu.budget -= position + instructions;
        return null;
    }

    /**
     * Ends the unit so that this instruction runs again; the part that is done counts as one
     * instruction.
     */
    final Op leaveToRepeat(Cpu cpu) {
        cpu.rip = address(cpu);
        cpu.budget -= position + 1;
        return null;
    }
}

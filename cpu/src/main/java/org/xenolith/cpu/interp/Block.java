package org.xenolith.cpu.interp;

import org.xenolith.cpu.Cpu;

import java.lang.invoke.VarHandle;

/**
 * Decoded straight-line code inside one page: at most {@link #MAX_INSTRUCTIONS} instructions up to
 * the first that may go elsewhere; unconditional jumps inside the page are followed. The unit of
 * look-up and of invalidation; where one runs often, a {@link TranslatedUnit} takes its place.
 */
public final class Block {
    public static final int MAX_INSTRUCTIONS = 48;

    /**
     * A block that did this part of the way to a translation counts as busy. The handlers of a
     * bytecode interpreter are not all equally busy: what its unit leaves out makes a second one,
     * and the two then run by turns.
     */
    private static final int BUSY_PART = 256;

    /** What a block takes up beside its operations, in operations of average size. */
    private static final int OWN_WEIGHT = 8;

    /** What is left of a dropped block beside operations: itself, and where to leave it. */
    private static final int REMAINING_WEIGHT = 4;

    /** {@link #heat} of a block that shall not be translated. */
    static final int COLD = Integer.MAX_VALUE;

    /**
     * What runs: the first operation, or a {@link UnitOp} in its place; a {@link Leave} when the
     * block is dropped.
     */
    volatile Op entry;

    /** The first operation, whether there is a unit or not; a {@link Leave} when dropped. */
    volatile Op plain;

    /** The code of the frame that it stands in; null if it may end in another one. */
    final CodePage page;

    /** First byte, from the page's start. */
    final int start;

    /** Number of instructions. */
    final int count;

    /**
     * Entries from loops, calls and look-ups until the block counts as hot. vCPUs count in it
     * without synchronisation: a lost decrement does no harm.
     */
    int heat = COLD;

    /** What {@link #heat} began with: it differs with the vCPU's age and the page's past. */
    private int asked;

    /** When counting began: millions of instructions of the vCPU that counted first. */
    int since;

    /** It is part of another block's unit, and has not become hot again since. */
    volatile boolean covered;

    /** It was hot, or on its way to a unit of its own when it became part of another block's. */
    volatile boolean busy;

    /** See {@link HotCode#isRough}. */
    volatile boolean rough;

    /** Null when dropped; only who holds the lock of the page asks for it. */
    private CodeBytes code;

    /**
     * The operations once more, null when dropped. A copying collector puts what an array refers to
     * side by side, and what a chain links far apart; apart, they cost half the speed of serving
     * pages.
     */
    private Op[] operations;

    private final int weight;

    /** Of the domain that has decoded it; only who holds the lock of the page asks for it. */
    private CodeWeight counted;

    private volatile boolean valid = true;

    Block(CodePage page, Op[] operations, int start, int count, CodeBytes code) {
        this.page = page;
        this.operations = operations;
        this.entry = operations[0];
        this.plain = entry;
        entry.setEnterable(true);
        this.start = start;
        this.count = count;
        this.code = code;
        this.weight = OWN_WEIGHT + weightOf(operations);
    }

    private static int weightOf(Op[] operations) {
        int weight = operations.length;
        for (Op op : operations) {
            weight += moreWeightOf(op);
        }
        return weight;
    }

    private static int moreWeightOf(Op op) {
        return op instanceof WrappedOp ? WrappedOp.MORE_WEIGHT : 0;
    }

    /**
     * Counts anew.
     *
     * @param entries until the block is hot
     * @param now millions of instructions the vCPU has executed
     */
    void beginCounting(int entries, int now) {
        asked = entries;
        heat = entries;
        since = now;
    }

    /** Whether it is entered often, translated or on its way to be. */
    boolean isBusy() {
        return busy || entry != plain || heat < asked - asked / BUSY_PART;
    }

    /** Counts an entry, and those that were not counted since. True when the block is hot now. */
    boolean count(Cpu cpu) {
        heat -= cpu.entryWeight;
        return heat < 0;
    }

    boolean isValid() {
        return valid;
    }

    /** It belongs to a page from now on, and counts among the blocks of a domain. */
    void countsIn(CodeWeight weights) {
        counted = weights;
    }

    CodeWeight countedIn() {
        return counted;
    }

    /** How much of the heap it takes up, in operations of some 32 bytes. */
    int weight() {
        return weight;
    }

    /**
     * Whether bytes {@code from} to {@code to} (exclusive) of the page touch the block's
     * instructions.
     */
    boolean overlaps(int from, int to) {
        return code.overlaps(from, to);
    }

    /** Whether the frame at {@code hostBase} still holds the bytes that were decoded. */
    boolean matches(long hostBase) {
        return code.matches(hostBase);
    }

    /** Puts an operation that stands for a unit in the place of the first, or of another unit. */
    void replaceEntry(Op by) {
        entry.setEnterable(false);
        by.setEnterable(true);
        entry = by;
    }

    /**
     * Makes whoever is inside, on any thread, leave behind its current instruction, or as soon
     * behind it as the flags are exact: behind a store they always are. Jumps in other blocks may
     * refer to this one for long; its own let go, or dropped blocks would keep one another, and it
     * lets go of its bytes and operations. Where it was entered stays, up to the first operation
     * that leaves: a sibling may just be there, and tables of vCPUs refer to it.
     *
     * @return what is left of it, as {@link #weight}
     */
    int drop() {
        valid = false;
        operations = null;
        code = null;
        entry.setEnterable(false);
        Op first = plain;
        plain = new Leave(start, 0);
        entry = plain;
        return REMAINING_WEIGHT + relink(first);
    }

    /** Returns what the operations weigh that the first one still leads to. */
    private static int relink(Op first) {
        int remaining = 0;
        boolean isLeft = false;
        Op op = first;
        while (op != null && !(op instanceof Leave)) {
            Op following = op.next;
            op.forget();
            remaining += isLeft ? 0 : 1 + moreWeightOf(op);
            if (following != null && op.leavesFlagsExact()) {
                Leave leave = new Leave(op.end(), op.executed());
                // Siblings inside come upon it without a lock: complete, or not yet.
                VarHandle.releaseFence();
                op.link(leave);
                isLeft = true;
            }
            op = following;
        }
        return remaining;
    }
}

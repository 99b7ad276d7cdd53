package org.xenolith.cpu.translate;

import java.util.ArrayList;
import java.util.List;

/** A basic block of a region. */
final class RegionBlock {
    /** How a block goes on behind its last instruction. */
    enum End {
        /** At {@link #next}: the following instruction, or the target of a jump. */
        GOES_ON,
        /** At {@link #taken} or {@link #next}. */
        BRANCHES,
        /** Where its last instruction says; it may be {@link Region#computedTargets}. */
        COMPUTED,
        /** Behind a call that it made, maybe from {@link Region#returnTargets}. */
        RETURNS,
        /** Elsewhere: its last instruction has set RIP. */
        LEAVES
    }

    static final int NONE = Integer.MIN_VALUE;

    final int start;
    final List<GuestInstruction> instructions = new ArrayList<>();

    End end = End.GOES_ON;

    /** Offsets of what may follow, from the page's start; {@link #NONE} without one. */
    int next = NONE;

    int taken = NONE;

    // ---- found out later

    /** The blocks at these offsets, null where they are not of the region. */
    RegionBlock nextBlock;

    RegionBlock takenBlock;

    /** Its number in {@link Region#blocks}. */
    int place;

    /** The region may be entered here. */
    boolean entry;

    /** Blocks of the region that go on here, and one more if it is an entry. */
    int predecessors;

    /** Reached from itself or a block behind it: the head of a loop. */
    boolean loopHead;

    /** Between a block that goes back and the one it goes back to, in the order of blocks. */
    boolean inLoop;

    /** The budget is compared here. */
    boolean checksBudget;

    /** A walk over all ways has come here and not got back yet. */
    boolean underWay;

    /** What the budget must allow at a comparison here: the longest way to the next one. */
    int need;

    boolean flagsLiveIn;

    RegionBlock(int start) {
        this.start = start;
    }

    /** Instructions, jumps included. */
    int count() {
        return instructions.size();
    }

    boolean goesTo(RegionBlock block) {
        return nextBlock == block || takenBlock == block;
    }
}

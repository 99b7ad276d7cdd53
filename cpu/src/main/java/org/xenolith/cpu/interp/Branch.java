package org.xenolith.cpu.interp;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.decode.Instruction;
import org.xenolith.cpu.mmu.Ram;

/**
 * The end of a block: a direct jump with one or two ways on. Targets in the same page are linked to
 * the block there once it is known; of another one the block is remembered, and used where the
 * fetch TLB finds its frame: the page beside may be another one in the next address space.
 */
abstract class Branch extends Op {
    private final CodePage page;

    /** Bytes from the page's start; may lie outside the page. */
    private final int target;

    private static final int TAKEN = 1;
    private static final int NEXT = 2;

    /**
     * Which way may lead to the head of a loop or a function, so that entries through here count:
     * {@link #TAKEN}, {@link #NEXT} or both.
     */
    private byte counted;

    /** Where to go on, while that is {@link Op#enterable}. */
    private Op takenEntry;

    private Op nextEntry;

    /**
     * The block behind {@link #takenEntry}, to count entries. Where the target is in another page:
     * the block that was there the last time.
     */
    private Block takenBlock;

    /** Instructions of the block up to and with it. */
    private byte executed;

    Branch(Binding b) {
        page = b.page;
        target = targetOf(b);
        counted = (byte) (target <= b.start || this instanceof ControlOps.Call ? TAKEN : 0);
    }

    @Override
    final void placed() {
        executed = (byte) executed();
    }

    @Override
    final void followsJumpBack() {
        counted = TAKEN | NEXT;
    }

    /** Whether it leads to 16 bits of its target only: that of 32-bit code with a 66 prefix. */
    static boolean cutsTarget(Instruction in) {
        return in.code32 && in.operandSize == 2;
    }

    /** Target of a relative jump, from the start of the page it stands in. */
    static int targetOf(Binding b) {
        return b.end + (int) b.in.immediate;
    }

    final Op taken(Cpu cpu) {
        cpu.budget -= executed;
        Op entry = takenEntry;
        if (entry != null && entry.isEnterable() && cpu.budget >= cpu.needed) {
            if ((counted & TAKEN) != 0 && cpu.isEntryCounted()) {
                count(cpu, takenBlock);
            }
            return entry;
        }
        return takenSlow(cpu);
    }

    private void count(Cpu cpu, Block block) {
        // A sibling that has just found the way may have told us the entry before the block.
        if (block != null && block.count(cpu)) {
            Interpreter.hot(cpu, page, block);
        }
    }

    final Op notTaken(Cpu cpu) {
        cpu.budget -= executed;
        Op entry = nextEntry;
        if (entry != null && entry.isEnterable() && cpu.budget >= cpu.needed) {
            if ((counted & NEXT) != 0 && cpu.isEntryCounted()) {
                count(cpu, find(end()));
            }
            return entry;
        }
        return notTakenSlow(cpu);
    }

    /** For a call, whose return may go to the block behind it. */
    final Op nextEntry() {
        return nextEntry;
    }

    @Override
    final void returnsTo(Block block) {
        if (isBehind(block, page, end())) {
            nextEntry = block.entry;
        }
    }

    /**
     * Whether a block to which a call has returned stands behind it in its own frame. The caller's
     * page may lead to another frame meanwhile, and to the call's again: that is for all who share
     * the frame, whatever is mapped where they run.
     */
    static boolean isBehind(Block block, CodePage page, int end) {
        return block.page == page && block.start == end;
    }

    @Override
    final void forget() {
        takenEntry = null;
        takenBlock = null;
        nextEntry = null;
    }

    private Op takenSlow(Cpu cpu) {
        long rip = cpu.r[Cpu.CODE_BASE] + target;
        if (!isInPage(target)) {
            return takenFar(cpu, rip);
        }
        Block block = page.find(target);
        if (block != null) {
            takenBlock = block;
            takenEntry = block.entry;
        }
        return Interpreter.enter(cpu, rip);
    }

    /** To another page: which frame that is, only the fetch TLB knows. */
    private Op takenFar(Cpu cpu, long rip) {
        Op entry = Interpreter.enterAgain(cpu, rip, takenBlock);
        if (entry == null) {
            entry = Interpreter.enter(cpu, rip);
            takenBlock = entry == null ? null : Interpreter.entered(cpu, rip);
        }
        return entry;
    }

    private Op notTakenSlow(Cpu cpu) {
        Block block = find(end());
        if (block != null) {
            nextEntry = block.entry;
        }
        return Interpreter.enter(cpu, nextAddress(cpu));
    }

    private static boolean isInPage(int offset) {
        return offset >= 0 && offset < Ram.PAGE_SIZE;
    }

    private Block find(int offset) {
        return isInPage(offset) ? page.find(offset) : null;
    }

    final long targetAddress(Cpu cpu) {
        return cpu.r[Cpu.CODE_BASE] + target;
    }
}

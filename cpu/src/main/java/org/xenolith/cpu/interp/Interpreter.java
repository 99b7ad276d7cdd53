package org.xenolith.cpu.interp;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.Exit;
import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.Vector;
import org.xenolith.cpu.decode.CodeSize;
import org.xenolith.cpu.mmu.Breakpoints;
import org.xenolith.cpu.mmu.FetchListener;
import org.xenolith.cpu.mmu.Mmu;
import org.xenolith.cpu.mmu.Ram;
import org.xenolith.cpu.semantics.Flags;

/**
 * Runs decoded blocks of one vCPU. The slow path of everything: it can execute any instruction at
 * any address, and stops after exactly the granted number of instructions.
 */
public sealed class Interpreter permits CompatInterpreter {
    /** {@link #pendingExit} when no operation asked to leave. */
    private static final int NO_EXIT = -1;

    final Cpu cpu;
    final Mmu mmu;
    private final BlockBuilder builder;
    private final StraddleCache straddles;
    private final JumpCache jumps = new JumpCache();
    private final ReturnCache returns = new ReturnCache();

    private int pendingExit = NO_EXIT;

    /** Passes on what the fetch TLB says. */
    private record DroppedFetches(
            JumpCache jumps, ReturnCache returns, StraddleCache straddles, BlockBuilder builder)
            implements FetchListener {
        @Override
        public void pageDropped(long vaddr) {
            jumps.pageDropped(vaddr);
            returns.pageDropped(vaddr);
        }

        @Override
        public void allDropped() {
            jumps.allDropped();
            returns.allDropped();
        }

        @Override
        public void codeDropped() {
            allDropped();
            straddles.forget();
            builder.forget();
        }
    }

    /** Translated code was left in front of an instruction that it cannot execute. */
    private boolean plainNext;

    public Interpreter(Cpu cpu) {
        this(cpu, CodeSize.CODE_64);
    }

    Interpreter(Cpu cpu, CodeSize size) {
        this.cpu = cpu;
        this.mmu = cpu.mmu();
        builder = new BlockBuilder(size);
        straddles = new StraddleCache(builder, size);
        mmu.tellFetchesDropped(new DroppedFetches(jumps, returns, straddles, builder));
    }

    /**
     * Runs until the budget is used up, the processor is kicked or something needs the platform.
     *
     * @param slack what may be left of the budget
     * @return an {@link Exit} code
     */
    public int run(long slack) {
        while (cpu.budget > slack) {
            int exit = cpu.isStepping() ? trapAfterOne() : execute();
            if (exit != NO_EXIT) {
                return exit;
            }
            if (cpu.isKicked() || !isMode()) {
                break;
            }
        }
        return Exit.BUDGET;
    }

    /** Executes one instruction with every flag exact, whatever comes after it. */
    public int step() {
        int exit = cpu.isStepping() ? trapAfterOne() : executeOne();
        return exit == NO_EXIT ? Exit.BUDGET : exit;
    }

    /**
     * Executes one instruction with TF set or breakpoints armed. SDM vol. 3B, 18.3.1: RF holds off
     * instruction breakpoints until an instruction is done, MOV SS and POP SS hold off everything.
     */
    private int trapAfterOne() {
        Breakpoints breakpoints = mmu.breakpoints();
        boolean shadowed = cpu.trapShadow;
        int resume = cpu.systemFlags & Flags.RF;
        int singleStep = (cpu.systemFlags & Flags.TF) != 0 ? Cpu.DR6_SINGLE_STEP : 0;
        if (!shadowed) {
            breakpoints.clearHits();
            int met = resume == 0 ? breakpoints.atInstruction(cpu.rip) : 0;
            if (met != 0) {
                // As a fault, it counts: a guest that meets it forever must reach its poll points.
                cpu.budget--;
                return debugTrap(met);
            }
        }
        cpu.trapShadow = false;
        int exit = executeOne();
        if (exit == Exit.FAULT) {
            return exit;
        }
        int status = singleStep | breakpoints.hits();
        return exit == NO_EXIT && status != 0 && !cpu.trapShadow ? debugTrap(status) : exit;
    }

    private int debugTrap(int status) {
        cpu.setDebugStatus(status);
        cpu.setExitVector(Vector.DEBUG);
        return Exit.DEBUG_TRAP;
    }

    private int executeOne() {
        cpu.systemFlags &= ~Flags.RF;
        Op op = null;
        // With more, a jump would lead into a block; its first operation stands behind the NOPs and
        // the move that it executes first, and no longer says where the block begins.
        long aside = cpu.budget - 1;
        cpu.setAside(aside);
        try {
            op = straddles.block(mmu, page(cpu.rip), cpu.rip).entry;
            op = op.execute(cpu);
            stopBefore(op);
        } catch (GuestFault fault) {
            return fault(op, fault);
        } finally {
            cpu.setAside(-aside);
        }
        return takeExit();
    }

    /**
     * Executes one instruction, every flag exact.
     *
     * @return false when it left by a fault or to the platform
     */
    boolean executeAnother() {
        return executeOne() == NO_EXIT;
    }

    private int takeExit() {
        int exit = pendingExit;
        pendingExit = NO_EXIT;
        return exit;
    }

    /** Asks for a return to the platform; the operation that asks returns null. */
    public void exit(int code) {
        pendingExit = code;
    }

    /** Executes from RIP until an operation leaves or the budget is used up. */
    private int execute() {
        cpu.systemFlags &= ~Flags.RF;
        Op op = null;
        try {
            Block block = locate(cpu.rip);
            boolean plain = plainNext;
            plainNext = false;
            if (block.count > cpu.budget) {
                op = block.plain;
                return executePart(op);
            }
            // With so little left, or a kick, a unit would only say so.
            plain |= cpu.budget < cpu.needed;
            op = plain ? block.plain : block.entry;
            while (op != null) {
                op = op.execute(cpu);
            }
        } catch (GuestFault fault) {
            return fault(op, fault);
        }
        return takeExit();
    }

    /**
     * Executes what the budget allows of a block that is longer: up to the last instruction behind
     * which the flags are exact, and what is left one by one.
     */
    private int executePart(Op first) {
        int exit = NO_EXIT;
        Op last = lastExact(first, cpu.budget);
        if (last != null) {
            exit = executeThrough(first, last);
        }
        while (exit == NO_EXIT && cpu.budget > 0 && !cpu.isStepping() && isMode()) {
            exit = executeOne();
        }
        return exit;
    }

    /** Whether the processor is still in the mode whose code this runs. */
    private boolean isMode() {
        return cpu.interpreter() == this;
    }

    private static Op lastExact(Op first, long budget) {
        Op exact = null;
        for (Op op = first; op != null && op.executed() <= budget; op = op.next) {
            if (op.leavesFlagsExact()) {
                exact = op;
            }
        }
        return exact;
    }

    private int executeThrough(Op first, Op last) {
        Op op = first;
        Op done = null;
        try {
            while (op != null && done != last) {
                done = op;
                op = op.execute(cpu);
            }
        } catch (GuestFault fault) {
            return fault(op, fault);
        }
        if (op != null) {
            // Not in front of op: a jump that was followed without an operation may stand between.
            cpu.rip = last.nextAddress(cpu);
            cpu.budget -= last.executed();
        }
        return takeExit();
    }

    private void stopBefore(Op op) {
        if (op != null) {
            cpu.rip = op.address(cpu);
            cpu.budget -= op.position();
        }
    }

    /** State is that before the faulting instruction; {@code op} is null when its fetch failed. */
    private int fault(Op op, GuestFault fault) {
        pendingExit = NO_EXIT;
        GuestFault delivered = fault;
        if (op != null) {
            cpu.rip = op.address(cpu);
            cpu.budget -= op.position();
            if (isNonCanonical(fault) && op.addressesStack()) {
                delivered = GuestFault.of(Vector.STACK_FAULT);
            }
        }
        // A guest that faults forever must still reach its poll points.
        cpu.budget--;
        // A fault pushes RF: an instruction breakpoint is not met again by the restart.
        cpu.systemFlags |= Flags.RF;
        cpu.setFault(delivered);
        return Exit.FAULT;
    }

    private static boolean isNonCanonical(GuestFault fault) {
        return fault.vector() == Vector.GENERAL_PROTECTION && fault.address() != 0;
    }

    /** The block at a linear address, decoded if need be; makes its page the current one. */
    private Block locate(long rip) {
        CodePage page = page(rip);
        int offset = (int) (rip & Ram.PAGE_OFFSET);
        Block block = page.find(offset);
        if (block == null) {
            block = builder.build(page, offset);
            if (block == null) {
                return straddles.block(mmu, page, rip);
            }
            cpu.code().add(page, block, cpu);
        }
        if (cpu.isEntryCounted() && block.count(cpu)) {
            hot(cpu, page, block);
        }
        return block;
    }

    /**
     * The decoded code of the page that a linear address is in, which becomes the current one.
     *
     * @throws GuestFault when it cannot be fetched
     */
    CodePage page(long rip) {
        cpu.r[Cpu.CODE_BASE] = rip & Ram.PAGE_MASK;
        CodePage page = (CodePage) mmu.attachedFetch(rip);
        if (page == null) {
            page = cpu.code().page(mmu.hostForFetch(rip));
            mmu.attachFetch(rip, page);
        }
        return page;
    }

    /**
     * Continues at a linear address without leaving the loop, if that is decoded already and the
     * budget lets a whole block run.
     *
     * @return null after setting RIP when it is not
     */
    static Op enter(Cpu cpu, long rip) {
        Interpreter interpreter = cpu.interpreter();
        Op entry = cpu.budget >= cpu.needed ? interpreter.entry(rip) : null;
        if (entry == null) {
            cpu.rip = rip;
            return null;
        }
        cpu.r[Cpu.CODE_BASE] = rip & Ram.PAGE_MASK;
        if (cpu.isEntryCounted()) {
            interpreter.count(rip);
        }
        return entry;
    }

    /**
     * As {@link #enter} for a jump that has led to a block before. That the block stands at the
     * address is for the fetch TLB to say, whose few entries are near the processor; the block and
     * its first operation are all else that must be fetched.
     *
     * @param block where the jump led last; null when it does not know
     * @return null, and nothing has happened, when that is not there now or the budget is used up
     */
    static Op enterAgain(Cpu cpu, long rip, Block block) {
        if (block == null
                || block.start != (rip & Ram.PAGE_OFFSET)
                || block.page != cpu.mmu().attachedFetch(rip)
                || cpu.budget < cpu.needed) {
            return null;
        }
        Op entry = block.entry;
        if (!entry.isEnterable()) {
            return null;
        }
        cpu.r[Cpu.CODE_BASE] = rip & Ram.PAGE_MASK;
        if (cpu.isEntryCounted() && block.count(cpu)) {
            hot(cpu, block.page, block);
        }
        return entry;
    }

    /**
     * The block behind the entry that {@link #enter} has just returned for an address, for {@link
     * #enterAgain}.
     */
    static Block entered(Cpu cpu, long rip) {
        return cpu.interpreter().jumps.block(rip);
    }

    /**
     * A call has pushed the address of the instruction behind it. While this vCPU is kicked it may
     * have been told within its block that the page is mapped otherwise: then the call itself is
     * one of the old page, and what it knows does not stand behind the address any more.
     *
     * @param rsp where the address stands
     * @param back the address
     * @param entry what is there, in the caller's page; null when it does not know
     */
    static void called(Cpu cpu, long rsp, long back, Op entry, Op caller) {
        if (cpu.isKicked()) {
            return;
        }
        long key = JumpCache.key(back, cpu.mmu().asid(back));
        cpu.interpreter().returns.called(rsp, key, entry, caller);
    }

    /**
     * As {@link #enter} for a return.
     *
     * @param rsp where the address stood
     */
    static Op enterBehindCall(Cpu cpu, long rsp, long rip) {
        ReturnCache returns = cpu.interpreter().returns;
        long key = JumpCache.key(rip, cpu.mmu().asid(rip));
        Op entry = returns.find(rsp, key);
        if (entry != null && entry.isEnterable() && cpu.budget >= cpu.needed) {
            cpu.r[Cpu.CODE_BASE] = rip & Ram.PAGE_MASK;
            return entry;
        }
        entry = enter(cpu, rip);
        if (entry != null) {
            returns.learn(rsp, key, entered(cpu, rip));
        }
        return entry;
    }

    /** Where the block at a linear address is entered, if it and its page are known. */
    private Op entry(long rip) {
        long asid = mmu.asid(rip);
        Op entry = jumps.find(rip, asid);
        if (entry != null && entry.isEnterable()) {
            return entry;
        }
        Block block = decoded(rip);
        if (block == null) {
            return null;
        }
        jumps.add(rip, asid, block);
        return block.entry;
    }

    /** The block at a linear address, if it and its page are known. */
    Block decoded(long rip) {
        CodePage page = (CodePage) mmu.attachedFetch(rip);
        return page == null ? null : page.find((int) (rip & Ram.PAGE_OFFSET));
    }

    private void count(long rip) {
        Block block = jumps.block(rip);
        if (block.count(cpu)) {
            CodePage page = (CodePage) mmu.attachedFetch(rip);
            if (page == null) {
                // Only its entry of the fetch TLB is gone: next time.
                block.heat = 0;
            } else {
                hot(cpu, block.page, block);
            }
        }
    }

    /** As {@link #enter} at RIP, but the next instruction is executed here, translated or not. */
    static Op interpret(Cpu cpu) {
        long rip = cpu.rip;
        Block block = cpu.budget >= cpu.needed ? cpu.interpreter().decoded(rip) : null;
        if (block == null) {
            cpu.interpreter().plainNext = true;
            return null;
        }
        cpu.r[Cpu.CODE_BASE] = rip & Ram.PAGE_MASK;
        return block.plain;
    }

    /** A block has been entered often enough to be worth a translation. */
    static void hot(Cpu cpu, CodePage page, Block block) {
        cpu.code().hot(cpu, page, block);
    }
}

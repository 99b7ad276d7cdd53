package org.xenolith.core.domain;

import org.xenolith.core.abi.SharedInfo;
import org.xenolith.core.abi.VcpuInfo;
import org.xenolith.core.event.EventTarget;
import org.xenolith.core.mm.GuestContext;
import org.xenolith.core.mm.TlbShootdown;
import org.xenolith.core.mm.VcpuMemory;
import org.xenolith.core.mm.VcpuTlbs;
import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.interp.CodeCache;
import org.xenolith.cpu.mmu.Mmu;

import java.util.random.RandomGenerator;

/**
 * A virtual CPU of a domain: the processor, what Xen keeps for a PV guest beside it, a class for
 * each, and where the vCPU is in its life and its slice.
 *
 * <p>Fields are touched by the thread that runs the vCPU, unless said otherwise; before the vCPU is
 * up, by that which prepares it.
 */
public final class VirtualCpu implements GuestContext, EventTarget {
    /** System time of what does not come. */
    public static final long NEVER = Long.MAX_VALUE;

    private static final long NO_SLICE = -1;

    /** Where the vCPU is in its life. Changed under the scheduler's lock. */
    public enum State {
        /** Not initialised, or taken down. */
        OFFLINE,
        RUNNABLE,
        RUNNING,
        /** Waits for an upcall. */
        BLOCKED,
        /** Waits for one of {@link Waits#polledPorts} or {@link Waits#pollDeadline}. */
        POLLING
    }

    private final Domain domain;
    private final int id;
    private final Cpu cpu;
    private final VcpuTlbs.VcpuTlb tlb;
    private final ControlRegisters control = new ControlRegisters(this);
    private final RandomGenerator random;

    // ---- what the guest sees and sets

    public final VcpuInfoRecord info;
    public final GuestMode mode;
    public final KernelEntry entry = new KernelEntry();
    public final TrapTable traps = new TrapTable();
    public final GdtAndLdt descriptors;
    public final DebugRegisters debug;
    public final VcpuTimers timers = new VcpuTimers();
    public final Runstate runstate;
    public final IoPrivilege ioPrivilege;

    // ---- what it does

    public final TrapDelivery delivery;
    public final VcpuTurn turn;
    public final Waits waits = new Waits(this);
    public final VcpuCounts counts = new VcpuCounts();

    /** What hypercalls cost, while somebody measures. */
    public final HypercallCosts costs = new HypercallCosts();

    /** An NMI waits; masked until the next iret. */
    public volatile boolean nmiPending;

    public boolean nmiMasked;

    // ---- its life

    public volatile State state = State.OFFLINE;

    /**
     * Not up, or told to go down: it stops at its next poll point. Changed with the domain locked.
     */
    public volatile boolean down = true;

    public volatile boolean initialised;

    /** Set by sched_op yield: another vCPU may run now. */
    public boolean yielded;

    /** Its slice is to end before its time. */
    private volatile boolean sliceCut;

    private long interruptedSliceEnd = NO_SLICE;

    VirtualCpu(Domain domain, int id, CodeCache code, RandomGenerator random) {
        this.domain = domain;
        this.id = id;
        this.random = random;
        VcpuMemory memory = new VcpuMemory(domain.pageTypes());
        this.cpu = new Cpu(memory, new VcpuPlatform(this), code);
        this.tlb = domain.frames().tlbs().register(id, cpu.mmu(), this::kick);
        memory.attach(tlb);
        this.info =
                new VcpuInfoRecord(
                        domain.sharedInfo() + SharedInfo.VCPU_INFO + (long) id * VcpuInfo.SIZE);
        this.mode = new GuestMode(cpu);
        this.ioPrivilege = new IoPrivilege(domain, mode, cpu.mmu());
        this.descriptors = new GdtAndLdt(domain.frames(), cpu.mmu(), mode);
        this.debug = new DebugRegisters(cpu);
        this.runstate = new Runstate(this);
        this.turn = new VcpuTurn(cpu);
        this.delivery = new TrapDelivery(this);
        cpu.selectors[Selectors.CS] = Selectors.FLAT_CS64;
        cpu.selectors[Selectors.SS] = Selectors.FLAT_SS;
    }

    public Domain domain() {
        return domain;
    }

    public Cpu cpu() {
        return cpu;
    }

    public VcpuTlbs.VcpuTlb vcpuTlb() {
        return tlb;
    }

    public ControlRegisters control() {
        return control;
    }

    /** Where RDRAND gets its numbers. */
    public RandomGenerator random() {
        return random;
    }

    public long systemTime() {
        return domain.clock().systemTimeNanos(domain.retired());
    }

    /** A system time later, {@link #NEVER} at most. */
    public static long after(long now, long nanos) {
        long later = now + nanos;
        return later < now ? NEVER : later;
    }

    // ---- GuestContext
    // ------------------------------------------------------------------------------------

    @Override
    public int vcpuId() {
        return id;
    }

    @Override
    public Mmu mmu() {
        return cpu.mmu();
    }

    @Override
    public TlbShootdown tlb() {
        return tlb;
    }

    @Override
    public long basePtr() {
        return mode.kernelRoot();
    }

    @Override
    public void newBasePtr(long mfn) {
        mode.setKernelRoot(mfn);
    }

    @Override
    public long userBasePtr() {
        return mode.userRoot();
    }

    @Override
    public void newUserBasePtr(long mfn) {
        mode.setUserRoot(mfn);
    }

    @Override
    public void setLdt(long vaddr, int entries) {
        descriptors.setLdt(vaddr, entries);
    }

    @Override
    public long[] gdtMfns() {
        return descriptors.gdtMfns();
    }

    @Override
    public void setGdt(long[] mfns, int entries) {
        descriptors.setGdt(mfns, entries);
    }

    @Override
    public boolean mustPause() {
        return turn.mustPause();
    }

    @Override
    public boolean mustPauseAfter(int pieces) {
        return turn.mustPauseAfter(pieces);
    }

    @Override
    public void tookLong() {
        turn.lookAtTheTime();
    }

    @Override
    public long again(long a1, long a2, long a3, long a4) {
        turn.continueWith(a1, a2, a3, a4);
        return 0;
    }

    // ---- EventTarget
    // -------------------------------------------------------------------------------------

    @Override
    public long vcpuInfo() {
        return info.host();
    }

    @Override
    public void wakeForUpcall() {
        domain.scheduler().wake(this);
    }

    @Override
    public void wakeIfPolling(int port) {
        if (waits.polls(port)) {
            domain.scheduler().wake(this);
        }
    }

    // ---- kicks and slices
    // --------------------------------------------------------------------------------

    /**
     * Makes the vCPU, if it runs, come to its poll point as soon as its block of code is done; any
     * thread. In virtual time poll points stay where they are, so that runs can be repeated: there
     * no sibling runs that could wait.
     */
    public void kick() {
        if (domain.clock().isLive()) {
            cpu.kick();
        }
    }

    /** Ends the slice at the next poll point, for a vCPU that has just woken; any thread. */
    public void cutSlice() {
        sliceCut = true;
        kick();
    }

    public boolean isSliceCut() {
        return sliceCut;
    }

    /** Called by the scheduler when a slice begins. */
    public void beginSlice() {
        sliceCut = false;
    }

    /** Whether the domain was paused in the middle of a slice that is to go on as it was. */
    public boolean isSliceInterrupted() {
        return interruptedSliceEnd != NO_SLICE;
    }

    /** Where the interrupted slice ends, in instructions retired by this vCPU. */
    public long interruptedSliceEnd() {
        return interruptedSliceEnd;
    }

    /** The slice goes on when the vCPU runs next. */
    public void interruptSlice(long end) {
        interruptedSliceEnd = end;
    }

    long takeSliceEnd() {
        long end = interruptedSliceEnd;
        interruptedSliceEnd = NO_SLICE;
        return end;
    }

    /** The earliest system time at which this vCPU has something to do by itself. */
    public long nextDeadline() {
        long deadline = timers.nextDeadline();
        return state == State.POLLING ? Math.min(deadline, waits.pollDeadline()) : deadline;
    }

    // ---- a new domain
    // ------------------------------------------------------------------------------------

    /**
     * Forgets what the guest registered and bound, as in a new domain: vcpu_info stands in the
     * shared page again, with upcalls masked; there is no runstate area, no timer, no NMI.
     *
     * @return machine address of the vcpu_info that was registered, 0 for none; its frame is the
     *     caller's to unpin
     */
    public long forgetRegistrations() {
        long old = info.unregister();
        runstate.register(0);
        runstate.restart(systemTime());
        timers.stop();
        nmiPending = false;
        nmiMasked = false;
        return old;
    }
}

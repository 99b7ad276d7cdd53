package org.xenolith.core.domain;

import org.xenolith.core.abi.AddressSpace;
import org.xenolith.core.abi.Hypercall;
import org.xenolith.core.abi.SharedInfo;
import org.xenolith.core.abi.VcpuInfo;
import org.xenolith.core.event.EventTarget;
import org.xenolith.core.mm.GuestContext;
import org.xenolith.core.mm.TlbShootdown;
import org.xenolith.core.mm.VcpuMemory;
import org.xenolith.core.mm.VcpuTlbs;
import org.xenolith.core.time.Pvclock;
import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.Platform;
import org.xenolith.cpu.Vector;
import org.xenolith.cpu.interp.CodeCache;
import org.xenolith.cpu.mmu.MachineMemory;
import org.xenolith.cpu.mmu.Mmu;
import org.xenolith.cpu.mmu.Ram;

import java.util.random.RandomGenerator;

/**
 * A virtual CPU of a domain: the processor, and what Xen keeps for a PV guest beside it. "Kernel
 * mode" is a flag here: guest kernel and guest processes both run at CPL 3, with an L4 table and a
 * GS base each.
 *
 * <p>Fields are touched by the thread that runs the vCPU, unless said otherwise.
 */
public final class VirtualCpu implements Platform, GuestContext, EventTarget {
    /** No timer is set. */
    public static final long NEVER = Long.MAX_VALUE;

    private static final int GDT_ENTRIES_PER_PAGE = Ram.PAGE_SIZE / 8;
    private static final int SELECTOR_TI = 4;

    private final Domain domain;
    private final int id;
    private final Cpu cpu;
    private final VcpuTlbs.VcpuTlb tlb;
    private final ControlRegisters control = new ControlRegisters(this);
    private final RandomGenerator random;

    /** Whether the guest's kernel runs, not one of its processes. */
    public boolean kernelMode = true;

    public long kernelSs = Selectors.FLAT_SS;
    public long kernelSp;

    /** GS base of the mode that does not run now. */
    public long inactiveGsBase;

    public final TrapTable traps = new TrapTable();
    public long eventCallback;
    public long failsafeCallback;
    public boolean failsafeMasksEvents;
    public long syscallCallback;
    public boolean syscallMasksEvents;

    private static final int DR6 = 6;
    private static final int DR7 = 7;
    private static final long DR6_FIXED = 0xffff_0ff0L;
    private static final long DR6_GUEST = 0xe00f;
    private static final long DR7_FIXED = 0x400;
    private static final long DR7_GUEST = 0xffff_03ffL;

    private final long[] debugRegisters = {0, 0, 0, 0, 0, 0, DR6_FIXED, DR7_FIXED};

    /** I/O privilege that the guest gave its kernel by PHYSDEVOP_set_iopl. */
    public int iopl;

    /** One-shot timer, system time in nanoseconds. */
    public volatile long timerDeadline = NEVER;

    public long periodNanos;
    public volatile long periodicDeadline = NEVER;

    public final Runstate runstate;

    private long kernelRoot;
    private long userRoot;
    private long[] gdtMfns = {};
    private int gdtEntries;
    private long ldtBase;
    private int ldtEntries;

    /** Moved by whichever vCPU makes the hypercall, read by all that deliver events. */
    private volatile long vcpuInfo;

    private volatile boolean vcpuInfoRegistered;

    /** Its slice is to end before its time. */
    private volatile boolean sliceCut;

    private long vcpuInfoMaddr;

    /** What the vCPU asked to wait for. */
    public enum Waiting {
        NOTHING,
        UPCALL,
        PORTS
    }

    public Waiting waiting = Waiting.NOTHING;

    /** Set by sched_op yield: another vCPU may run now. */
    public boolean yielded;

    /**
     * Numbers and first arguments of the last hypercalls, newest at {@code hypercalls % length}.
     */
    public final long[] lastHypercalls = new long[64];

    public long hypercalls;

    private final long[] hypercallCounts = new long[Hypercall.COUNT];

    /** Exceptions that the processor raised, and upcalls that the guest got. For statistics. */
    public long faults;

    public long upcalls;

    /** SYSCALLs of processes, and INT n, INT3 and INT1. For statistics. */
    public long systemCalls;

    public long softwareInterrupts;

    /** What hypercalls cost, while somebody measures. */
    public final HypercallCosts costs = new HypercallCosts();

    /** Pieces of work that one turn of hypercalls may do before others get theirs. */
    private static final int PIECES_PER_TURN = 256;

    /** As many when a sibling waits for the vCPU: it may be waiting for a table to be pinned. */
    private static final int PIECES_WHEN_KICKED = 16;

    /** A stretch of instructions with so many PAUSEs does nothing but wait. */
    private static final int PAUSES_OF_A_SPIN = 64;

    private static final long NO_SLICE = -1;

    private int pieces;
    private int pauses;
    private long interruptedSliceEnd = NO_SLICE;
    private long[] continuation;

    public final TrapDelivery delivery;

    /** Where the vCPU is in its life. Changed under the scheduler's lock. */
    public enum State {
        /** Not initialised, or taken down. */
        OFFLINE,
        RUNNABLE,
        RUNNING,
        /** Waits for an upcall. */
        BLOCKED,
        /** Waits for one of {@link #polledPorts} or {@link #pollDeadline}. */
        POLLING
    }

    public volatile State state = State.OFFLINE;

    /**
     * Not up, or told to go down: it stops at its next poll point. Changed with the domain locked.
     */
    public volatile boolean down = true;

    public volatile boolean initialised;

    /** An NMI waits; masked until the next iret. */
    public volatile boolean nmiPending;

    public boolean nmiMasked;

    public volatile int[] polledPorts = {};
    public volatile long pollDeadline = NEVER;

    VirtualCpu(Domain domain, int id, CodeCache code, RandomGenerator random) {
        this.domain = domain;
        this.id = id;
        this.random = random;
        VcpuMemory memory = new VcpuMemory(domain.pageTypes());
        this.cpu = new Cpu(memory, this, code);
        this.tlb = domain.frames().tlbs().register(id, cpu.mmu(), this::kick);
        memory.attach(tlb);
        this.runstate = new Runstate(this);
        this.delivery = new TrapDelivery(this);
        cpu.selectors[Selectors.CS] = Selectors.FLAT_CS64;
        cpu.selectors[Selectors.SS] = Selectors.FLAT_SS;
        vcpuInfo = domain.sharedInfo() + SharedInfo.VCPU_INFO + (long) id * VcpuInfo.SIZE;
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
        return kernelRoot;
    }

    @Override
    public void newBasePtr(long mfn) {
        kernelRoot = mfn;
        cpu.mmu().mailbox().drain();
        if (kernelMode) {
            cpu.mmu().setRoot(mfn);
        }
    }

    @Override
    public long userBasePtr() {
        return userRoot;
    }

    @Override
    public void newUserBasePtr(long mfn) {
        userRoot = mfn;
        // Into a process later: that is no base-pointer load.
        cpu.mmu().mailbox().drain();
        if (!kernelMode) {
            cpu.mmu().setRoot(mfn);
        }
    }

    /** Descriptors in the GDT's pages. */
    public int gdtEntries() {
        return gdtEntries;
    }

    public long ldtBase() {
        return ldtBase;
    }

    public int ldtEntries() {
        return ldtEntries;
    }

    @Override
    public void setLdt(long vaddr, int entries) {
        ldtBase = vaddr;
        ldtEntries = entries;
    }

    @Override
    public long[] gdtMfns() {
        return gdtMfns;
    }

    @Override
    public void setGdt(long[] mfns, int entries) {
        gdtMfns = mfns.clone();
        gdtEntries = entries;
    }

    // ---- modes
    // -------------------------------------------------------------------------------------------

    /** From a process into the kernel: its L4 table and its GS base. */
    public void enterKernelMode() {
        if (!kernelMode) {
            kernelMode = true;
            swapGs();
            cpu.mmu().setRoot(kernelRoot);
        }
    }

    /**
     * From the kernel into a process.
     *
     * @return false when there is no user L4 table; the domain cannot go on
     */
    public boolean enterUserMode() {
        if (userRoot == 0) {
            return false;
        }
        if (kernelMode) {
            kernelMode = false;
            swapGs();
            cpu.mmu().setRoot(userRoot);
        }
        return true;
    }

    private void swapGs() {
        long active = cpu.r[Cpu.GS_BASE];
        cpu.r[Cpu.GS_BASE] = inactiveGsBase;
        inactiveGsBase = active;
    }

    /**
     * Reaches what a kernel registered by linear address, whichever mode runs now. On the vCPU's
     * own thread.
     */
    void throughKernelTables(Runnable access) {
        if (kernelMode) {
            access.run();
            return;
        }
        cpu.mmu().setRoot(kernelRoot);
        try {
            access.run();
        } finally {
            cpu.mmu().setRoot(userRoot);
        }
    }

    // ---- long hypercalls
    // ---------------------------------------------------------------------------------

    @Override
    public boolean mustPause() {
        return ++pieces > PIECES_PER_TURN || pieces > PIECES_WHEN_KICKED && cpu.isKicked();
    }

    @Override
    public long again(long a1, long a2, long a3, long a4) {
        continuation = new long[] {a1, a2, a3, a4};
        return 0;
    }

    /** Counts a hypercall by its number, for statistics. */
    public void countHypercall(int number) {
        if (number >= 0 && number < hypercallCounts.length) {
            hypercallCounts[number]++;
        }
    }

    /**
     * How often a hypercall was made, calls within multicalls not counted.
     *
     * @param number 0 to 63
     */
    public long hypercallCount(int number) {
        return hypercallCounts[number];
    }

    /** Whether the hypercall's handler asked to be called again. */
    public boolean isContinued() {
        return continuation != null;
    }

    /** The arguments for the next call; forgets them. */
    public long[] takeContinuation() {
        long[] arguments = continuation;
        continuation = null;
        return arguments;
    }

    /** Whether this turn of hypercalls is over: the vCPU goes to its poll point. */
    public boolean isTurnOver() {
        return pieces > PIECES_PER_TURN;
    }

    void newTurn() {
        pieces = 0;
        pauses = 0;
    }

    // ---- kicks
    // -------------------------------------------------------------------------------------------

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

    /** Whether this turn was spent in a spin while a sibling could run that it may wait for. */
    boolean spinsInTheWay() {
        return pauses >= PAUSES_OF_A_SPIN && domain.hasRunnableVcpu();
    }

    // ---- slices
    // ------------------------------------------------------------------------------------------

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

    // ---- pauses
    // ------------------------------------------------------------------------------------------

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

    // ---- shared structures
    // -------------------------------------------------------------------------------

    @Override
    public long vcpuInfo() {
        return vcpuInfo;
    }

    public boolean isVcpuInfoRegistered() {
        return vcpuInfoRegistered;
    }

    /** Machine address of a registered vcpu_info, 0 while it stands in the shared page. */
    public long vcpuInfoMaddr() {
        return vcpuInfoMaddr;
    }

    /**
     * Moves vcpu_info to a place of the guest's choice; the frame is pinned by the caller.
     *
     * @param maddr machine address
     * @param host the same place as a host address
     */
    public void registerVcpuInfo(long maddr, long host) {
        byte[] old = new byte[VcpuInfo.SIZE];
        Ram.read(vcpuInfo, old, 0, old.length);
        Ram.write(host, old, 0, old.length);
        restoreVcpuInfo(maddr, host);
        // Events that came to the old place may be lost to the guest: one look at everything.
        Ram.putLongVolatile(host + VcpuInfo.EVTCHN_PENDING_SEL, -1);
        Ram.putByte(host + VcpuInfo.EVTCHN_UPCALL_PENDING, 1);
        publishTime();
    }

    /** As {@link #registerVcpuInfo} for a restored vCPU, whose record is in place already. */
    public void restoreVcpuInfo(long maddr, long host) {
        vcpuInfoMaddr = maddr;
        vcpuInfo = host;
        vcpuInfoRegistered = true;
    }

    /**
     * Forgets what the guest registered and bound, as in a new domain: vcpu_info stands in the
     * shared page again, with upcalls masked; there is no runstate area, no timer, no NMI.
     *
     * @return machine address of the vcpu_info that was registered, 0 for none; its frame is the
     *     caller's to unpin
     */
    public long forgetRegistrations() {
        byte[] record = new byte[VcpuInfo.SIZE];
        Ram.read(vcpuInfo, record, 0, record.length);
        long old = vcpuInfoMaddr;
        vcpuInfo = domain.sharedInfo() + SharedInfo.VCPU_INFO + (long) id * VcpuInfo.SIZE;
        vcpuInfoMaddr = 0;
        vcpuInfoRegistered = false;
        Ram.write(vcpuInfo, record, 0, record.length);
        Ram.putByte(vcpuInfo + VcpuInfo.EVTCHN_UPCALL_PENDING, 0);
        Ram.putLongVolatile(vcpuInfo + VcpuInfo.EVTCHN_PENDING_SEL, 0);
        setUpcallMask(true);
        publishTime();
        runstate.register(0);
        timerDeadline = NEVER;
        periodicDeadline = NEVER;
        nmiPending = false;
        nmiMasked = false;
        return old;
    }

    /** Writes the time record of vcpu_info. It stays true: the counter is system time. */
    public void publishTime() {
        Pvclock.publish(vcpuInfo + VcpuInfo.TIME);
    }

    public boolean upcallsMasked() {
        return Ram.getByte(vcpuInfo + VcpuInfo.EVTCHN_UPCALL_MASK) != 0;
    }

    public void setUpcallMask(boolean masked) {
        Ram.putByte(vcpuInfo + VcpuInfo.EVTCHN_UPCALL_MASK, masked ? 1 : 0);
    }

    public boolean isUpcallPending() {
        return Ram.getByte(vcpuInfo + VcpuInfo.EVTCHN_UPCALL_PENDING) != 0;
    }

    @Override
    public void wakeForUpcall() {
        domain.scheduler().wake(this);
    }

    @Override
    public void wakeIfPolling(int port) {
        for (int polled : polledPorts) {
            if (polled == port) {
                domain.scheduler().wake(this);
            }
        }
    }

    /** A system time later, {@link #NEVER} at most. */
    public static long after(long now, long nanos) {
        long later = now + nanos;
        return later < now ? NEVER : later;
    }

    /** The earliest system time at which this vCPU has something to do by itself. */
    public long nextDeadline() {
        long timers = Math.min(timerDeadline, periodicDeadline);
        return state == State.POLLING ? Math.min(timers, pollDeadline) : timers;
    }

    public long systemTime() {
        return domain.clock().systemTimeNanos(domain.retired());
    }

    // ---- Platform
    // ----------------------------------------------------------------------------------------

    @Override
    public void cpuid(Cpu c) {
        CpuidPolicy.execute(c, id);
    }

    @Override
    public long timeStampCounter(Cpu c) {
        if (!kernelMode && control.deniesTimeStamp()) {
            throw GuestFault.of(Vector.GENERAL_PROTECTION);
        }
        return systemTime();
    }

    @Override
    public long readMsr(Cpu c, int index) {
        return Msrs.read(this, index);
    }

    @Override
    public void writeMsr(Cpu c, int index, long value) {
        Msrs.write(this, index, value);
    }

    @Override
    public long readControl(Cpu c, int number) {
        return control.read(number);
    }

    @Override
    public void writeControl(Cpu c, int number, long value) {
        control.write(number, value);
    }

    @Override
    public long readDebug(Cpu c, int number) {
        requireKernel();
        return debugRegister(number);
    }

    @Override
    public void writeDebug(Cpu c, int number, long value) {
        requireKernel();
        if (!setDebugRegister(number, value)) {
            throw GuestFault.of(Vector.GENERAL_PROTECTION);
        }
    }

    private void requireKernel() {
        if (!kernelMode) {
            throw GuestFault.of(Vector.GENERAL_PROTECTION);
        }
    }

    /** Debug register 0 to 7; 4 and 5 are other names of 6 and 7. */
    public long debugRegister(int number) {
        return debugRegisters[number == 4 || number == 5 ? number + 2 : number];
    }

    /** Adds what a debug exception sets; the guest clears DR6 itself. */
    void noteDebugStatus(int status) {
        debugRegisters[DR6] |= status;
    }

    private static boolean isHypervisors(long vaddr) {
        return vaddr >= AddressSpace.HYPERVISOR_VIRT_START
                && vaddr < AddressSpace.HYPERVISOR_VIRT_END;
    }

    /**
     * Sets a debug register; bits that the processor fixes stay as they are. Breakpoints that DR7
     * enables are armed from the next instruction on.
     *
     * @return false for an address that is none of the guest's, or no register
     */
    public boolean setDebugRegister(int number, long value) {
        switch (number) {
            case 0, 1, 2, 3 -> {
                if (!Mmu.isCanonical(value) || isHypervisors(value)) {
                    return false;
                }
                debugRegisters[number] = value;
            }
            case 4, DR6 -> debugRegisters[DR6] = value & DR6_GUEST | DR6_FIXED;
            case 5, DR7 -> debugRegisters[DR7] = value & DR7_GUEST | DR7_FIXED;
            default -> {
                return false;
            }
        }
        cpu.setBreakpoints(debugRegisters, debugRegisters[DR7]);
        return true;
    }

    @Override
    public int portIn(Cpu c, int port, int size) {
        requireIopl();
        return Ports.read(domain, port);
    }

    @Override
    public void portOut(Cpu c, int port, int size, int value) {
        requireIopl();
    }

    private void requireIopl() {
        if (!kernelMode || iopl == 0) {
            throw GuestFault.of(Vector.GENERAL_PROTECTION);
        }
    }

    @Override
    public long descriptor(Cpu c, int selector) {
        int entry = selector >>> 3;
        if ((selector & SELECTOR_TI) != 0) {
            return entry < ldtEntries ? readLdt(entry) : 0;
        }
        if (entry >= Selectors.FIRST_RESERVED_ENTRY) {
            return Selectors.reservedDescriptor(selector);
        }
        int page = entry / GDT_ENTRIES_PER_PAGE;
        if (entry >= gdtEntries || page >= gdtMfns.length) {
            return 0;
        }
        long base = domain.frames().frame(gdtMfns[page]);
        return base == MachineMemory.NO_FRAME
                ? 0
                : Ram.getLong(base + entry % GDT_ENTRIES_PER_PAGE * 8L);
    }

    private long readLdt(int entry) {
        long[] descriptor = new long[1];
        throughKernelTables(
                () -> {
                    try {
                        descriptor[0] = cpu.mmu().read64(ldtBase + entry * 8L);
                    } catch (GuestFault notMapped) {
                        descriptor[0] = 0;
                    }
                });
        return descriptor[0];
    }

    /** Where RDRAND gets its numbers. */
    public RandomGenerator random() {
        return random;
    }

    @Override
    public void pause(Cpu c) {
        if (++pauses == PAUSES_OF_A_SPIN) {
            kick();
        }
    }

    @Override
    public long random(Cpu c) {
        return random.nextLong();
    }
}

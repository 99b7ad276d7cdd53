package org.xenolith.core.snapshot;

import org.xenolith.core.abi.AddressSpace;
import org.xenolith.core.domain.Domain;
import org.xenolith.core.domain.IoPrivilege;
import org.xenolith.core.domain.Runstate;
import org.xenolith.core.domain.VcpuTimers;
import org.xenolith.core.domain.VirtualCpu;
import org.xenolith.core.domain.Waits;
import org.xenolith.core.mm.DescriptorTables;
import org.xenolith.core.mm.FrameType;
import org.xenolith.core.mm.TlbShootdown;
import org.xenolith.core.sched.Scheduler.Turn;
import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.mmu.MachineMemory;
import org.xenolith.cpu.mmu.Mmu;
import org.xenolith.cpu.mmu.Ram;
import org.xenolith.cpu.semantics.simd.Mxcsr;
import org.xenolith.cpu.x87.FxsaveArea;

import java.util.Arrays;

/**
 * All that a vCPU is at a poll point. Addresses that the guest gave are checked as its hypercalls
 * would; what it holds of its domain's frames is taken anew.
 */
final class VcpuState {
    private static final int GENERAL_REGISTERS = 16;
    private static final int DEBUG_REGISTERS = 8;
    private static final int VECTORS = 256;
    private static final int PORTS = 4096;
    private static final int MAX_POLLED = 128;
    private static final int MAX_GDT_FRAMES = 14;
    private static final int GDT_ENTRIES_PER_FRAME = 512;
    private static final int VCPU_INFO_ALIGNMENT = 8;
    private static final int VCPU_INFO_BYTES = 64;

    private static final int SELECTOR_MASK = 0xffff;
    private static final int TRAP_FLAGS_MASK = 0xff;
    private static final int BREAKPOINT_ADDRESSES = 4;

    /** Instructions of a vCPU that runs for years; those of all vCPUs can be added. */
    static final long RETIRED_LIMIT = 1L << 56;

    /** More than any slice, in what slices are measured by. */
    private static final long SLICE_LIMIT = 1_000_000_000;

    private static final VirtualCpu.State[] STATES = VirtualCpu.State.values();
    private static final Waits.For[] WAITING = Waits.For.values();

    private final long[] registers;
    private final long rip;
    private final long rflags;
    private final long fsBase;
    private final long gsBase;
    private final long inactiveGsBase;
    private final int[] selectors;
    private final byte[] fxsave;
    private final boolean taskSwitched;
    private final long retired;

    private final boolean kernelMode;
    private final long kernelSs;
    private final long kernelSp;
    private final long kernelRoot;
    private final long userRoot;
    private final long guestCr4;
    private final long[] debug;
    private final int iopl;
    private final long[] gdtMfns;
    private final int gdtEntries;
    private final long ldtBase;
    private final int ldtEntries;
    private final long vcpuInfoMaddr;

    private final long[] trapAddresses;
    private final int[] trapFlags;
    private final int[] trapSelectors;
    private final long eventCallback;
    private final long failsafeCallback;
    private final boolean failsafeMasks;
    private final long syscallCallback;
    private final boolean syscallMasks;
    private final boolean nmiPending;
    private final boolean nmiMasked;

    private final VirtualCpu.State state;
    private final Waits.For waiting;
    private final boolean initialised;
    private final boolean down;
    private final int[] polledPorts;
    private final long pollDeadline;
    private final long timerDeadline;
    private final long periodNanos;
    private final long periodicDeadline;
    private final Runstate.Saved runstate;
    private final long runstateArea;
    private final Turn turn;

    /** Instructions left of an interrupted slice, below 0 for none. */
    private final long sliceLeft;

    VcpuState(VirtualCpu vcpu, Turn turn) {
        Cpu cpu = vcpu.cpu();
        registers = Arrays.copyOf(cpu.r, GENERAL_REGISTERS);
        rip = cpu.rip;
        rflags = cpu.rflags();
        fsBase = cpu.r[Cpu.FS_BASE];
        gsBase = cpu.r[Cpu.GS_BASE];
        inactiveGsBase = vcpu.mode.inactiveGsBase();
        selectors = cpu.selectors.clone();
        fxsave = new byte[FxsaveArea.SIZE];
        cpu.x87.fxsave(fxsave, true);
        FxsaveArea.putSse(fxsave, cpu.mxcsr.value(), cpu.xmm);
        taskSwitched = cpu.taskSwitched;
        retired = cpu.retired();
        kernelMode = vcpu.mode.isKernel();
        kernelSs = vcpu.entry.kernelSs;
        kernelSp = vcpu.entry.kernelSp;
        kernelRoot = vcpu.basePtr();
        userRoot = vcpu.userBasePtr();
        guestCr4 = vcpu.control().guestCr4();
        debug = new long[DEBUG_REGISTERS];
        for (int i = 0; i < DEBUG_REGISTERS; i++) {
            debug[i] = vcpu.debug.get(i);
        }
        iopl = vcpu.ioPrivilege.level();
        gdtMfns = vcpu.gdtMfns();
        gdtEntries = vcpu.descriptors.gdtEntries();
        ldtBase = vcpu.descriptors.ldtBase();
        ldtEntries = vcpu.descriptors.ldtEntries();
        vcpuInfoMaddr = vcpu.info.maddr();
        trapAddresses = new long[VECTORS];
        trapFlags = new int[VECTORS];
        trapSelectors = new int[VECTORS];
        for (int i = 0; i < VECTORS; i++) {
            trapAddresses[i] = vcpu.traps.address(i);
            trapFlags[i] = vcpu.traps.flags(i);
            trapSelectors[i] = vcpu.traps.selector(i);
        }
        eventCallback = vcpu.entry.eventCallback;
        failsafeCallback = vcpu.entry.failsafeCallback;
        failsafeMasks = vcpu.entry.failsafeMasksEvents;
        syscallCallback = vcpu.entry.syscallCallback;
        syscallMasks = vcpu.entry.syscallMasksEvents;
        nmiPending = vcpu.nmiPending;
        nmiMasked = vcpu.nmiMasked;
        state = vcpu.state;
        waiting = vcpu.waits.reason();
        initialised = vcpu.initialised;
        down = vcpu.down;
        polledPorts = vcpu.waits.polledPorts();
        pollDeadline = vcpu.waits.pollDeadline();
        timerDeadline = vcpu.timers.oneShotDeadline();
        periodNanos = vcpu.timers.periodNanos();
        periodicDeadline = vcpu.timers.periodicDeadline();
        runstate = vcpu.runstate.save();
        runstateArea = vcpu.runstate.area();
        this.turn = turn;
        sliceLeft = vcpu.isSliceInterrupted() ? vcpu.interruptedSliceEnd() - retired : -1;
    }

    Fields toFields() {
        Fields out = new Fields();
        out.i64s(registers).i64(rip).i64(rflags).i64(fsBase).i64(gsBase).i64(inactiveGsBase);
        out.i32s(selectors).raw(fxsave).flag(taskSwitched).i64(retired);
        out.flag(kernelMode).i64(kernelSs).i64(kernelSp).i64(kernelRoot).i64(userRoot);
        out.i64(guestCr4).i64s(debug).u8(iopl);
        out.i64s(gdtMfns).i32(gdtEntries).i64(ldtBase).i32(ldtEntries).i64(vcpuInfoMaddr);
        out.i64s(trapAddresses).i32s(trapFlags).i32s(trapSelectors);
        out.i64(eventCallback).i64(failsafeCallback).flag(failsafeMasks);
        out.i64(syscallCallback).flag(syscallMasks).flag(nmiPending).flag(nmiMasked);
        out.u8(state.ordinal()).u8(waiting.ordinal()).flag(initialised).flag(down);
        out.i32s(polledPorts).i64(pollDeadline);
        out.i64(timerDeadline).i64(periodNanos).i64(periodicDeadline);
        out.i32(runstate.state()).i64(runstate.entryTime()).i64s(runstate.times());
        out.i64(runstateArea).i64(turn.charged()).flag(turn.yields()).i64(sliceLeft);
        return out;
    }

    VcpuState(FieldReader in) throws SnapshotException {
        registers = sized(in, in.i64s(), GENERAL_REGISTERS);
        rip = in.i64();
        rflags = in.i64();
        fsBase = canonical(in);
        gsBase = canonical(in);
        inactiveGsBase = canonical(in);
        selectors = in.i32s();
        in.require(selectors.length == 6 && fit(selectors, SELECTOR_MASK), "the selectors");
        fxsave = in.raw(FxsaveArea.SIZE);
        in.require(FxsaveArea.hasValidMxcsr(fxsave), "MXCSR");
        taskSwitched = in.flag();
        retired = in.i64();
        in.require(retired >= 0 && retired < RETIRED_LIMIT, "the count of instructions");
        kernelMode = in.flag();
        kernelSs = in.i64();
        kernelSp = in.i64();
        kernelRoot = in.i64();
        userRoot = in.i64();
        guestCr4 = in.i64();
        debug = sized(in, in.i64s(), DEBUG_REGISTERS);
        for (int i = 0; i < BREAKPOINT_ADDRESSES; i++) {
            in.require(AddressSpace.isGuests(debug[i]), "the debug registers");
        }
        iopl = in.u8();
        in.require(IoPrivilege.isLevel(iopl), "the I/O privilege level");
        gdtMfns = in.i64s();
        in.require(gdtMfns.length <= MAX_GDT_FRAMES, "the GDT");
        gdtEntries = in.i32(0, gdtMfns.length * GDT_ENTRIES_PER_FRAME + 1, "the GDT");
        ldtBase = in.i64();
        ldtEntries = in.i32();
        in.require(DescriptorTables.isLdt(ldtBase, ldtEntries), "the LDT");
        vcpuInfoMaddr = in.i64();
        in.require(isVcpuInfo(vcpuInfoMaddr), "the place of vcpu_info");
        trapAddresses = sized(in, in.i64s(), VECTORS);
        trapFlags = in.i32s();
        trapSelectors = in.i32s();
        in.require(trapFlags.length == VECTORS && trapSelectors.length == VECTORS, "the traps");
        in.require(fit(trapFlags, TRAP_FLAGS_MASK), "the traps");
        in.require(fit(trapSelectors, SELECTOR_MASK), "the traps");
        for (long address : trapAddresses) {
            in.require(Mmu.isCanonical(address), "the traps");
        }
        eventCallback = canonical(in);
        failsafeCallback = canonical(in);
        failsafeMasks = in.flag();
        syscallCallback = canonical(in);
        syscallMasks = in.flag();
        nmiPending = in.flag();
        nmiMasked = in.flag();
        state = stateOf(in);
        int wait = in.u8();
        in.require(wait < WAITING.length, "what it waits for");
        waiting = WAITING[wait];
        in.require(isPossible(state, waiting), "what it waits for");
        initialised = in.flag();
        down = in.flag();
        in.require(kernelRoot != 0 || !initialised, "the page tables");
        in.require(kernelMode || userRoot != 0, "the page tables");
        in.require(initialised || state == VirtualCpu.State.OFFLINE, "the state");
        polledPorts = in.i32s();
        in.require(polledPorts.length <= MAX_POLLED, "the ports it polls");
        for (int port : polledPorts) {
            in.require(port > 0 && port < PORTS, "the ports it polls");
        }
        pollDeadline = in.i64();
        timerDeadline = in.i64();
        periodNanos = in.i64();
        periodicDeadline = in.i64();
        in.require(pollDeadline >= 0 && timerDeadline >= 0, "the timers");
        in.require(periodicDeadline >= 0, "the timers");
        boolean neverSet = periodNanos == 0 && periodicDeadline == VirtualCpu.NEVER;
        in.require(neverSet || VcpuTimers.isPeriod(periodNanos), "the timers");
        int run = in.i32(Runstate.RUNNING, Runstate.OFFLINE + 1, "the runstate");
        runstate = new Runstate.Saved(run, in.i64(), in.longs());
        in.require(runstate.entryTime() >= 0 && runstate.times().size() == 4, "the runstate");
        for (long time : runstate.times()) {
            in.require(time >= 0 && time < Description.TIME_LIMIT, "the runstate");
        }
        runstateArea = in.i64();
        turn = new Turn(in.i64(), in.flag());
        in.require(turn.isPossible(), "its turn");
        sliceLeft = in.i64();
        in.require(sliceLeft >= -1 && sliceLeft <= SLICE_LIMIT, "its slice");
        in.end();
    }

    private static VirtualCpu.State stateOf(FieldReader in) throws SnapshotException {
        int ordinal = in.u8();
        in.require(
                ordinal < STATES.length && STATES[ordinal] != VirtualCpu.State.RUNNING,
                "the state");
        return STATES[ordinal];
    }

    /** A vCPU sleeps for what it waits for; one that is ready or down may wait for anything. */
    private static boolean isPossible(VirtualCpu.State state, Waits.For waiting) {
        return switch (state) {
            case BLOCKED -> waiting == Waits.For.UPCALL;
            case POLLING -> waiting == Waits.For.PORTS;
            case RUNNABLE, RUNNING, OFFLINE -> true;
        };
    }

    private static boolean fit(int[] values, int mask) {
        return Arrays.stream(values).allMatch(value -> (value & ~mask) == 0);
    }

    private static long[] sized(FieldReader in, long[] values, int size) throws SnapshotException {
        in.require(values.length == size, "the number of registers");
        return values;
    }

    private static long canonical(FieldReader in) throws SnapshotException {
        long address = in.i64();
        in.require(Mmu.isCanonical(address), "an address");
        return address;
    }

    /** Instructions it had retired. */
    long retired() {
        return retired;
    }

    private static boolean isVcpuInfo(long maddr) {
        return maddr >= 0
                && maddr % VCPU_INFO_ALIGNMENT == 0
                && (maddr & Ram.PAGE_OFFSET) <= Ram.PAGE_SIZE - VCPU_INFO_BYTES;
    }

    /**
     * Makes a fresh vCPU this one, but for its state in the scheduler.
     *
     * @throws SnapshotException when the domain's frames are not what this vCPU needs them to be
     */
    void restore(VirtualCpu vcpu) throws SnapshotException {
        takeFrames(vcpu);
        restoreProcessor(vcpu);
        vcpu.entry.kernelSs = kernelSs;
        vcpu.entry.kernelSp = kernelSp;
        vcpu.mode.setInactiveGsBase(inactiveGsBase);
        vcpu.control().setGuestCr4(guestCr4);
        for (int i = 0; i < DEBUG_REGISTERS; i++) {
            vcpu.debug.set(i, debug[i]);
        }
        vcpu.ioPrivilege.setLevel(iopl);
        vcpu.setLdt(ldtBase, ldtEntries);
        for (int i = 0; i < VECTORS; i++) {
            vcpu.traps.set(i, trapFlags[i], trapSelectors[i], trapAddresses[i]);
        }
        vcpu.entry.eventCallback = eventCallback;
        vcpu.entry.failsafeCallback = failsafeCallback;
        vcpu.entry.failsafeMasksEvents = failsafeMasks;
        vcpu.entry.syscallCallback = syscallCallback;
        vcpu.entry.syscallMasksEvents = syscallMasks;
        vcpu.nmiPending = nmiPending;
        vcpu.nmiMasked = nmiMasked;
        vcpu.delivery.resumeCode();
        restoreWaits(vcpu);
    }

    private void takeFrames(VirtualCpu vcpu) throws SnapshotException {
        Domain domain = vcpu.domain();
        vcpu.mode.startIn(kernelMode);
        if (kernelRoot != 0) {
            take(domain, kernelRoot, FrameType.L4_TABLE);
            vcpu.newBasePtr(kernelRoot);
        }
        if (userRoot != 0) {
            take(domain, userRoot, FrameType.L4_TABLE);
            vcpu.newUserBasePtr(userRoot);
        }
        for (long mfn : gdtMfns) {
            take(domain, mfn, FrameType.SEGMENT_DESCRIPTORS);
        }
        vcpu.setGdt(gdtMfns, gdtEntries);
        if (vcpuInfoMaddr != 0) {
            long host = domain.pin(vcpuInfoMaddr >>> Ram.PAGE_SHIFT, TlbShootdown.NONE);
            if (host == MachineMemory.NO_FRAME) {
                throw SnapshotException.damaged("a vcpu_info lies in no frame for it");
            }
            vcpu.info.restore(vcpuInfoMaddr, host + (vcpuInfoMaddr & Ram.PAGE_OFFSET));
        }
    }

    private static void take(Domain domain, long mfn, int type) throws SnapshotException {
        if (domain.pageTypes().acquire(mfn, type, TlbShootdown.NONE) != 0) {
            throw SnapshotException.damaged(
                    "a vCPU uses frame %#x as what it cannot be".formatted(mfn));
        }
    }

    private void restoreProcessor(VirtualCpu vcpu) {
        Cpu cpu = vcpu.cpu();
        System.arraycopy(registers, 0, cpu.r, 0, GENERAL_REGISTERS);
        cpu.r[Cpu.FS_BASE] = fsBase;
        cpu.r[Cpu.GS_BASE] = gsBase;
        cpu.rip = rip;
        cpu.setRflags(rflags);
        for (int i = 0; i < selectors.length; i++) {
            cpu.selectors[i] = selectors[i];
        }
        cpu.x87.fxrstor(fxsave, true);
        FxsaveArea.getXmm(fxsave, cpu.xmm);
        cpu.mxcsr.load(FxsaveArea.getMxcsr(fxsave) & Mxcsr.WRITABLE);
        cpu.taskSwitched = taskSwitched;
        cpu.setRetired(retired);
    }

    private void restoreWaits(VirtualCpu vcpu) {
        vcpu.initialised = initialised;
        vcpu.down = down;
        vcpu.waits.restore(waiting, polledPorts, pollDeadline);
        vcpu.timers.restore(timerDeadline, periodNanos, periodicDeadline);
        vcpu.runstate.restore(runstate);
        vcpu.runstate.register(runstateArea);
        if (sliceLeft >= 0 && !vcpu.domain().clock().isLive()) {
            vcpu.interruptSlice(retired + sliceLeft);
        }
    }

    /** Hands the vCPU to the scheduler of its paused domain. */
    void schedule(VirtualCpu vcpu) {
        vcpu.domain().scheduler().restore(vcpu, state, turn);
    }
}

package org.xenolith.core.domain;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.SegmentDescriptor;
import org.xenolith.cpu.Vector;
import org.xenolith.cpu.mmu.Mmu;
import org.xenolith.cpu.semantics.Flags;

/**
 * Brings exceptions, event upcalls and system calls to the guest's kernel by a {@link BounceFrame},
 * and takes it back by the iret hypercall. public/arch-x86/xen.h.
 *
 * <p>On the vCPU's own thread.
 */
public final class TrapDelivery {
    private static final long SELECTOR_MASK = 0xffff;
    private static final int IDT_ERROR = 2;
    private static final int INT1 = 0xf1;

    /** Length of INT n. */
    private static final int INT_BYTES = 2;

    /** {@code ud2; "xen"}: the prefix by which a kernel asks for the emulated CPUID. */
    private static final long FORCED_EMULATION = 0x6e65_780b_0fL;

    private static final long FORCED_EMULATION_MASK = 0xff_ffff_ffffL;
    private static final int FORCED_EMULATION_BYTES = 5;
    private static final int CPUID_OPCODE = 0xa20f;
    private static final int CPUID_BYTES = 2;

    private final VirtualCpu vcpu;
    private final Cpu cpu;
    private final VcpuInfoRecord info;
    private final GuestMode mode;
    private final KernelEntry entry;
    private final BounceFrame frame;

    TrapDelivery(VirtualCpu vcpu) {
        this.vcpu = vcpu;
        this.cpu = vcpu.cpu();
        this.info = vcpu.info;
        this.mode = vcpu.mode;
        this.entry = vcpu.entry;
        this.frame = new BounceFrame(vcpu);
    }

    // ---- exceptions
    // --------------------------------------------------------------------------------------

    /** Delivers the fault of the last run, or makes up for it. */
    public void fault(GuestFault fault) {
        if (fault.vector() == Vector.INVALID_OPCODE && emulateCpuid()) {
            return;
        }
        int error = fault.errorCode();
        if (fault.vector() == Vector.PAGE_FAULT) {
            if (isSpurious(fault)) {
                return;
            }
            error |= mode.isKernel() ? 0 : GuestFault.PF_USER;
            info.setCr2(fault.address());
        }
        if (fault.vector() == Vector.DEVICE_NOT_AVAILABLE) {
            // As Xen: the guest's handler finds TS clear.
            cpu.taskSwitched = false;
        }
        exception(fault.vector(), error);
    }

    /** A sibling may have mapped the page meanwhile: walk again before the guest hears of it. */
    private boolean isSpurious(GuestFault fault) {
        Mmu mmu = cpu.mmu();
        boolean stale = !mmu.mailbox().isEmpty();
        mmu.mailbox().drain();
        mmu.dropPage(fault.address());
        return stale && isAllowed(mmu, fault);
    }

    private static boolean isAllowed(Mmu mmu, GuestFault fault) {
        try {
            if ((fault.errorCode() & GuestFault.PF_WRITE) != 0) {
                mmu.checkWritable(fault.address());
            } else if ((fault.errorCode() & GuestFault.PF_FETCH) != 0) {
                mmu.hostForFetch(fault.address());
            } else {
                mmu.hostForRead(fault.address());
            }
            return true;
        } catch (GuestFault again) {
            return false;
        }
    }

    private boolean emulateCpuid() {
        long code = cpu.codeAddress();
        try {
            long bytes =
                    cpu.mmu().read32(code) & 0xffff_ffffL | (long) cpu.mmu().read8(code + 4) << 32;
            if ((bytes & FORCED_EMULATION_MASK) != FORCED_EMULATION
                    || cpu.mmu().read16(code + FORCED_EMULATION_BYTES) != CPUID_OPCODE) {
                return false;
            }
        } catch (GuestFault fault) {
            return false;
        }
        CpuidPolicy.execute(cpu, vcpu.vcpuId());
        moveRip(FORCED_EMULATION_BYTES + CPUID_BYTES);
        return true;
    }

    /** EIP of 32-bit code stays in its 32 bits. */
    private void moveRip(int bytes) {
        long rip = cpu.rip + bytes;
        cpu.rip = cpu.runs32BitCode() ? rip & 0xffff_ffffL : rip;
    }

    /** Delivers an exception with the registers as they are. */
    public void exception(int vector, int error) {
        inject(vector, Vector.pushesErrorCode(vector), error);
    }

    private void inject(int vector, boolean hasError, int error) {
        long handler = vcpu.traps.address(vector);
        if (handler == 0) {
            throw new GuestCrash(
                    "vector %d (error code %#x) at rip %#x has no handler in the trap table"
                            .formatted(vector, error, cpu.rip));
        }
        frame.bounce(handler, vcpu.traps.masksEvents(vector), hasError, error);
    }

    /**
     * Delivers INT n, INT3 or INT1, RIP behind the instruction. A software interrupt pushes no
     * error code, whatever its vector. As in Xen (xen/arch/x86/include/asm/regs.h, permit_softint)
     * the entry's privilege must be 3 for a process and 1 for the kernel, so that a vector without
     * an entry is a #GP for both; INT1 asks for none, nor do vectors 3 and 4, whose gates are Xen's
     * own.
     */
    public void softwareInterrupt(int vector) {
        int needed = mode.isKernel() ? 1 : Selectors.RPL;
        if (vcpu.traps.privilege(vector) >= needed
                || vector == Vector.BREAKPOINT
                || vector == Vector.OVERFLOW
                || vector == Vector.DEBUG && isBehindIcebp()) {
            inject(vector, false, 0);
            return;
        }
        moveRip(-INT_BYTES);
        exception(Vector.GENERAL_PROTECTION, vector * 8 + IDT_ERROR);
    }

    private boolean isBehindIcebp() {
        try {
            return cpu.mmu().read8(cpu.codeAddress() - 1) == INT1;
        } catch (GuestFault unreadable) {
            return false;
        }
    }

    /** Delivers #DB: a single step or a breakpoint. */
    public void debugTrap() {
        vcpu.debug.noteStatus(cpu.debugStatus());
        exception(Vector.DEBUG, 0);
    }

    // ---- upcalls, system calls
    // ---------------------------------------------------------------------------

    /** Whether an event upcall is due. */
    public boolean isUpcallDue() {
        return info.isUpcallPending() && !info.upcallsMasked();
    }

    /** Whether an NMI is due. */
    public boolean isNmiDue() {
        return vcpu.nmiPending && !vcpu.nmiMasked;
    }

    /**
     * Delivers an NMI and an event upcall as far as they are due. The NMI goes first, as in Xen: an
     * upcall may interrupt its handler only if that was registered without masking events.
     */
    public void upcallIfDue() {
        if (isNmiDue()) {
            deliverNmi();
        }
        if (isUpcallDue()) {
            if (entry.eventCallback == 0) {
                throw new GuestCrash(
                        "an event upcall is due at rip %#x, but no event callback was registered"
                                .formatted(cpu.rip));
            }
            vcpu.counts.upcalls++;
            frame.bounce(entry.eventCallback, true, false, 0);
        }
    }

    /** Further NMIs wait for the next iret. One that the guest has no handler for is lost. */
    private void deliverNmi() {
        long handler = vcpu.traps.address(Vector.NMI);
        vcpu.nmiPending = false;
        if (handler != 0) {
            vcpu.nmiMasked = true;
            frame.bounce(handler, vcpu.traps.masksEvents(Vector.NMI), false, 0);
        }
    }

    // ---- the failsafe callback
    // ---------------------------------------------------------------------------

    private static final int[] RELOADED = {
        Selectors.GS, Selectors.FS, Selectors.ES, Selectors.DS,
    };

    /**
     * What Xen does when it switches a vCPU in: the data segment registers are loaded anew. If a
     * descriptor is no data segment any more, its register becomes null and the failsafe callback
     * hears of all four selectors, in a frame of its own (xen/arch/x86, load_segments):
     *
     * <pre>rcx, r11, ds, es, fs, gs, rip, cs and saved mask, rflags, rsp, ss</pre>
     */
    public void reloadSegments() {
        int[] old = cpu.selectors.clone();
        boolean allFit = true;
        for (int register : RELOADED) {
            if (!fits(cpu.selectors[register])) {
                cpu.selectors[register] = 0;
                allFit = false;
            }
        }
        if (!allFit) {
            failsafe(old);
        } else if (cpu.runs32BitCode()) {
            cpu.run32BitCode();
        }
    }

    /**
     * The vCPU goes on where its registers say, which somebody has set: in the mode that CS names.
     */
    public void resumeCode() {
        if (SegmentDescriptor.is32BitCode(descriptor(Selectors.CS))) {
            cpu.run32BitCode();
        } else {
            cpu.run64BitCode();
        }
    }

    private boolean fits(int selector) {
        return (selector & ~Selectors.RPL) == 0
                || Selectors.isLoadableData(vcpu.descriptors.descriptor(selector));
    }

    private void failsafe(int[] old) {
        if (entry.failsafeCallback == 0) {
            throw new GuestCrash(
                    "a data segment at rip %#x is gone, but no failsafe callback was registered"
                            .formatted(cpu.rip));
        }
        long[] selectors = {
            old[Selectors.DS], old[Selectors.ES], old[Selectors.FS], old[Selectors.GS],
        };
        frame.bounce(entry.failsafeCallback, entry.failsafeMasksEvents, selectors);
    }

    /** SYSCALL of a process: RCX and R11 are set as the instruction does. */
    public void systemCall() {
        if (entry.syscallCallback == 0) {
            cpu.rip -= 2;
            exception(Vector.INVALID_OPCODE, 0);
            return;
        }
        cpu.r[Cpu.RCX] = cpu.rip;
        cpu.r[Cpu.R11] = cpu.rflags();
        frame.bounce(entry.syscallCallback, entry.syscallMasksEvents, false, 0);
        cpu.setRflags(cpu.rflags() & ~(long) Flags.DF);
    }

    // ---- iret
    // --------------------------------------------------------------------------------------------

    private static final int FRAME_RAX = 0;
    private static final int FRAME_R11 = 8;
    private static final int FRAME_RCX = 16;
    private static final int FRAME_FLAGS = 24;
    private static final int FRAME_RIP = 32;
    private static final int FRAME_CS = 40;
    private static final int FRAME_RFLAGS = 48;
    private static final int FRAME_RSP = 56;
    private static final int FRAME_SS = 64;

    /** The frame says: return as from a system call, RCX and R11 as SYSRET leaves them. */
    private static final int VGCF_IN_SYSCALL = 0x100;

    /**
     * Hypercall iret: the only way into a process. What the processor would refuse to return to
     * reaches the guest as the fault of an instruction there: Xen's own IRET faults, and its fixup
     * (xen/arch/x86/x86_64/entry.S, {@code iret_exit_to_guest}) hands vector and error code on.
     */
    public void iret() {
        Mmu mmu = cpu.mmu();
        long at = cpu.r[Cpu.RSP];
        long rax;
        long r11;
        long rcx;
        long flags;
        long rip;
        long cs;
        long rflags;
        long rsp;
        long ss;
        try {
            rax = mmu.read64(at + FRAME_RAX);
            r11 = mmu.read64(at + FRAME_R11);
            rcx = mmu.read64(at + FRAME_RCX);
            flags = mmu.read64(at + FRAME_FLAGS);
            rip = mmu.read64(at + FRAME_RIP);
            cs = mmu.read64(at + FRAME_CS);
            rflags = mmu.read64(at + FRAME_RFLAGS);
            rsp = mmu.read64(at + FRAME_RSP);
            ss = mmu.read64(at + FRAME_SS);
        } catch (GuestFault fault) {
            throw new GuestCrash("iret cannot read its frame at %#x".formatted(at));
        }
        if ((cs & Selectors.RPL) == Selectors.RPL && !mode.enterUser()) {
            throw new GuestCrash("iret to user mode without a user page table");
        }
        cpu.rip = rip;
        cpu.r[Cpu.RSP] = rsp;
        cpu.selectors[Selectors.CS] = (int) (cs & SELECTOR_MASK) | Selectors.RPL;
        cpu.selectors[Selectors.SS] = (int) (ss & SELECTOR_MASK) | Selectors.RPL;
        cpu.setRflags(rflags);
        vcpu.ioPrivilege.popped(rflags);
        boolean asSyscall = (flags & VGCF_IN_SYSCALL) != 0;
        cpu.r[Cpu.R11] = asSyscall ? cpu.rflags() : r11;
        cpu.r[Cpu.RCX] = asSyscall ? rip : rcx;
        cpu.r[Cpu.RAX] = rax;
        if (!asSyscall) {
            clearNullSelectors();
        }
        info.setUpcallMask((rflags & Flags.IF) == 0);
        vcpu.nmiMasked = false;
        long code = descriptor(Selectors.CS);
        boolean runs32BitCode = SegmentDescriptor.is32BitCode(code);
        if (runs32BitCode
                ? Long.compareUnsigned(rip, SegmentDescriptor.limit(code)) > 0
                : !Mmu.isCanonical(rip)) {
            exception(Vector.GENERAL_PROTECTION, 0);
        } else if (!runs32BitCode && !SegmentDescriptor.is64BitCode(code)) {
            // 16-bit code, too, is refused here, and what claims to be both of the others.
            int vector = SegmentDescriptor.refusalOfCode(code);
            exception(vector, cpu.selectors[Selectors.CS] & ~Selectors.RPL);
        } else if (!Selectors.isStack(descriptor(Selectors.SS))) {
            // A sibling may have taken the descriptor away since the process was interrupted.
            int vector = SegmentDescriptor.refusalOfStack(descriptor(Selectors.SS));
            exception(vector, cpu.selectors[Selectors.SS] & ~Selectors.RPL);
        } else if (runs32BitCode) {
            cpu.run32BitCode();
        }
    }

    /** Xen's IRET to an outer level makes null selectors 0, whatever their RPL; SYSRET does not. */
    private void clearNullSelectors() {
        for (int register : RELOADED) {
            if (cpu.selectors[register] <= Selectors.RPL) {
                cpu.selectors[register] = 0;
            }
        }
    }

    private long descriptor(int register) {
        return vcpu.descriptors.descriptor(cpu.selectors[register]);
    }
}

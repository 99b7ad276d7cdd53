package org.xenolith.core.domain;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.mmu.Mmu;
import org.xenolith.cpu.mmu.Ram;
import org.xenolith.cpu.semantics.Flags;

import java.lang.invoke.VarHandle;

/**
 * The frame on the stack of the guest's kernel by which the kernel is entered, that of Xen's {@code
 * create_bounce_frame}: from the lowest word RCX, R11, an error code or selectors, and what IRET
 * expects, with the mask of events above CS.
 */
final class BounceFrame {
    private static final int STACK_ALIGNMENT = 16;
    private static final int SAVED_MASK_SHIFT = 32;
    private static final int CLEARED_FLAGS = Flags.AC | Flags.RF | Flags.NT | Flags.VM | Flags.TF;
    private static final long SELECTOR_MASK = 0xffff;
    private static final long[] NOTHING = {};

    /** RCX, R11 and what IRET expects: seven words. */
    private static final int PLAIN_FRAME = 7 * 8;

    private final VirtualCpu vcpu;
    private final Cpu cpu;
    private final VcpuInfoRecord info;
    private final GuestMode mode;
    private final KernelEntry entry;

    BounceFrame(VirtualCpu vcpu) {
        this.vcpu = vcpu;
        this.cpu = vcpu.cpu();
        this.info = vcpu.info;
        this.mode = vcpu.mode;
        this.entry = vcpu.entry;
    }

    /**
     * Enters the kernel at a handler.
     *
     * @param maskEvents whether upcalls are masked there
     * @param error code that goes onto the stack if {@code hasError}
     * @throws GuestCrash where the kernel's stack cannot be written
     */
    void bounce(long handler, boolean maskEvents, boolean hasError, int error) {
        bounce(handler, maskEvents, hasError ? new long[] {error} : NOTHING);
    }

    /**
     * As above.
     *
     * @param extra what stands between R11 and RIP: an error code, or selectors
     */
    void bounce(long handler, boolean maskEvents, long[] extra) {
        boolean fromKernel = mode.isKernel();
        boolean wasMasked = info.upcallsMasked();
        long flags = cpu.rflags() & ~(long) (Flags.IF | Flags.IOPL) | (wasMasked ? 0 : Flags.IF);
        flags |= vcpu.ioPrivilege.pushed();
        long cs = cpu.selectors[Selectors.CS] & SELECTOR_MASK;
        cs = fromKernel ? cs & ~Selectors.RPL : cs | Selectors.RPL;
        cs |= wasMasked ? 1L << SAVED_MASK_SHIFT : 0;
        long oldRsp = cpu.r[Cpu.RSP];
        long oldSs = cpu.selectors[Selectors.SS] & SELECTOR_MASK;
        mode.enterKernel();
        long rsp = (fromKernel ? oldRsp : entry.kernelSp) & -STACK_ALIGNMENT;
        cpu.r[Cpu.RSP] =
                extra.length == 0 && pushAtOnce(rsp, cs, flags, oldRsp, oldSs)
                        ? rsp - PLAIN_FRAME
                        : pushAll(rsp, extra, cs, flags, oldRsp, oldSs);
        cpu.selectors[Selectors.CS] = Selectors.FLAT_CS64;
        cpu.selectors[Selectors.SS] = Selectors.FLAT_SS;
        cpu.run64BitCode();
        cpu.setRflags(cpu.rflags() & ~(long) CLEARED_FLAGS);
        cpu.rip = handler;
        if (maskEvents) {
            info.setUpcallMask(true);
        }
    }

    /**
     * Writes the frame of a system call or an upcall, if it lies in one page that may be written
     * unseen: nearly always.
     */
    private boolean pushAtOnce(long top, long cs, long flags, long rsp, long ss) {
        long host = cpu.mmu().hostIfWritable(top - PLAIN_FRAME, PLAIN_FRAME);
        if (host == Mmu.NO_HOST) {
            return false;
        }
        VarHandle.releaseFence();
        Ram.putLong(host, cpu.r[Cpu.RCX]);
        Ram.putLong(host + 8, cpu.r[Cpu.R11]);
        Ram.putLong(host + 16, cpu.rip);
        Ram.putLong(host + 24, cs);
        Ram.putLong(host + 32, flags);
        Ram.putLong(host + 40, rsp);
        Ram.putLong(host + 48, ss);
        return true;
    }

    private long pushAll(long top, long[] extra, long cs, long flags, long oldRsp, long oldSs) {
        long rsp = push(top, cpu.rip, cs, flags, oldRsp, oldSs);
        rsp = push(rsp, extra);
        return push(rsp, cpu.r[Cpu.RCX], cpu.r[Cpu.R11]);
    }

    /** Pushes words so that the first comes to lie lowest. */
    private long push(long top, long... words) {
        long rsp = top;
        try {
            for (int i = words.length - 1; i >= 0; i--) {
                rsp -= 8;
                cpu.mmu().write64(rsp, words[i]);
            }
        } catch (GuestFault fault) {
            throw new GuestCrash(
                    "the kernel stack at %#x cannot take a bounce frame: %s"
                            .formatted(rsp, fault.getMessage()));
        }
        return rsp;
    }
}

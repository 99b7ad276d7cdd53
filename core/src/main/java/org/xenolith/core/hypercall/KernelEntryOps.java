package org.xenolith.core.hypercall;

import static org.xenolith.core.abi.XenErrno.EINVAL;
import static org.xenolith.core.abi.XenErrno.ENOSYS;

import org.xenolith.core.abi.TrapInfo;
import org.xenolith.core.domain.Selectors;
import org.xenolith.core.domain.VirtualCpu;
import org.xenolith.cpu.Vector;
import org.xenolith.cpu.mmu.Mmu;

/** Where a vCPU enters its kernel: the trap table, callbacks and the kernel stack. */
final class KernelEntryOps {
    private static final int CALLBACKOP_REGISTER = 0;
    private static final int CALLBACKTYPE_EVENT = 0;
    private static final int CALLBACKTYPE_FAILSAFE = 1;
    private static final int CALLBACKTYPE_SYSCALL = 2;
    private static final int CALLBACKTYPE_NMI = 4;
    private static final int CALLBACK_ADDRESS = 8;

    private KernelEntryOps() {}

    /** set_trap_table, public/arch-x86/xen.h: entries up to one without address. */
    static long setTrapTable(VirtualCpu vcpu, long table) {
        if (table == 0) {
            vcpu.traps.clear();
            return 0;
        }
        Mmu mmu = vcpu.mmu();
        for (long at = table; ; at += TrapInfo.SIZE) {
            // A table without end must not keep the vCPU from its poll points.
            if (at != table && vcpu.mustPause()) {
                return vcpu.again(at, 0, 0, 0);
            }
            long address = mmu.read64(at + TrapInfo.ADDRESS);
            if (address == 0) {
                return 0;
            }
            if (!Mmu.isCanonical(address)) {
                return -EINVAL;
            }
            vcpu.traps.set(
                    mmu.read8(at + TrapInfo.VECTOR),
                    mmu.read8(at + TrapInfo.FLAGS),
                    mmu.read16(at + TrapInfo.CS),
                    address);
        }
    }

    /** stack_switch. */
    static long stackSwitch(VirtualCpu vcpu, long ss, long rsp) {
        vcpu.entry.kernelSs = ss | Selectors.RPL;
        vcpu.entry.kernelSp = rsp;
        return 0;
    }

    /** set_callbacks. */
    static long setCallbacks(VirtualCpu vcpu, long event, long failsafe, long syscall) {
        if (!Mmu.isCanonical(event) || !Mmu.isCanonical(failsafe) || !Mmu.isCanonical(syscall)) {
            return -EINVAL;
        }
        vcpu.entry.eventCallback = event;
        vcpu.entry.failsafeCallback = failsafe;
        vcpu.entry.syscallCallback = syscall;
        return 0;
    }

    /** callback_op, public/callback.h. 32-bit entry points are refused: Linux then offers none. */
    static long callbackOp(VirtualCpu vcpu, int command, long argument) {
        int type = vcpu.mmu().read16(argument);
        if (command != CALLBACKOP_REGISTER) {
            return unregister(vcpu, type);
        }
        boolean masks = (vcpu.mmu().read16(argument + 2) & 1) != 0;
        long address = vcpu.mmu().read64(argument + CALLBACK_ADDRESS);
        if (!Mmu.isCanonical(address)) {
            return -EINVAL;
        }
        switch (type) {
            case CALLBACKTYPE_EVENT -> vcpu.entry.eventCallback = address;
            case CALLBACKTYPE_FAILSAFE -> {
                vcpu.entry.failsafeCallback = address;
                vcpu.entry.failsafeMasksEvents = masks;
            }
            case CALLBACKTYPE_SYSCALL -> {
                vcpu.entry.syscallCallback = address;
                vcpu.entry.syscallMasksEvents = masks;
            }
            // As in Xen another way to set the trap table's entry; it always masks events.
            case CALLBACKTYPE_NMI ->
                    vcpu.traps.set(
                            Vector.NMI, TrapInfo.FLAG_MASK_EVENTS, Selectors.FLAT_CS64, address);
            default -> {
                return -ENOSYS;
            }
        }
        return 0;
    }

    private static long unregister(VirtualCpu vcpu, int type) {
        if (type == CALLBACKTYPE_NMI) {
            vcpu.traps.set(Vector.NMI, 0, 0, 0);
            return 0;
        }
        return type == CALLBACKTYPE_EVENT
                        || type == CALLBACKTYPE_FAILSAFE
                        || type == CALLBACKTYPE_SYSCALL
                ? -EINVAL
                : -ENOSYS;
    }
}

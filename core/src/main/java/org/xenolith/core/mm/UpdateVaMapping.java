package org.xenolith.core.mm;

import static org.xenolith.core.abi.XenErrno.EFAULT;
import static org.xenolith.core.abi.XenErrno.EINVAL;

import org.xenolith.core.abi.MmuCommand;
import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.mmu.Pte;
import org.xenolith.cpu.mmu.Ram;

/**
 * Hypercall update_va_mapping: changes the L1 entry of a linear address in the tables loaded now.
 * public/xen.h, {@code HYPERVISOR_update_va_mapping}.
 */
public final class UpdateVaMapping {
    private static final long ALL_VCPUS = -1;

    private final FrameTable frames;
    private final EntryUpdates updates;

    public UpdateVaMapping(PageTypes types) {
        this.frames = types.frames();
        this.updates = new EntryUpdates(types);
    }

    /**
     * @param flags what to flush, and where: a pointer to a vCPU bitmap in the upper bits
     */
    public long handle(GuestContext vcpu, long vaddr, long value, long flags) {
        int result = update(vcpu, vaddr, value);
        return result != 0 ? result : flush(vcpu, flags);
    }

    private int update(GuestContext vcpu, long vaddr, long value) {
        frames.lock.lock();
        try {
            long maddr = vcpu.mmu().pteMachineAddress(vaddr);
            if (maddr == 0 || !frames.isL1Table(maddr >>> Ram.PAGE_SHIFT)) {
                return -EINVAL;
            }
            return updates.updateL1(
                    maddr >>> Ram.PAGE_SHIFT, Pte.index(vaddr, 1), value, false, vcpu.tlb());
        } finally {
            frames.lock.unlock();
        }
    }

    private static int flush(GuestContext vcpu, long flags) {
        int kind = (int) flags & MmuCommand.UVMF_FLUSHTYPE_MASK;
        if (kind != MmuCommand.UVMF_TLB_FLUSH && kind != MmuCommand.UVMF_INVLPG) {
            return 0;
        }
        long where = flags & ~(long) MmuCommand.UVMF_FLUSHTYPE_MASK;
        if (where == MmuCommand.UVMF_LOCAL) {
            vcpu.tlb().flushLocal();
            return 0;
        }
        try {
            vcpu.tlb().flush(where == MmuCommand.UVMF_ALL ? ALL_VCPUS : vcpu.mmu().read64(where));
            return 0;
        } catch (GuestFault fault) {
            return -EFAULT;
        }
    }
}

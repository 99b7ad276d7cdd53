package org.xenolith.core.mm;

import static org.xenolith.core.abi.XenErrno.EFAULT;
import static org.xenolith.core.abi.XenErrno.EINVAL;

import org.xenolith.core.abi.AddressSpace;
import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.mmu.Ram;

import java.util.Arrays;

/**
 * Hypercalls set_gdt and update_descriptor. The pages of a GDT are typed: the guest cannot write to
 * them but through update_descriptor, so they hold nothing that was not checked. public/xen.h.
 */
public final class DescriptorTables {
    private static final int DESCRIPTORS_PER_PAGE = Ram.PAGE_SIZE / Descriptors.SIZE;
    private static final int MAX_LDT_ENTRIES = 8192;

    private final PageTypes types;
    private final FrameTable frames;

    public DescriptorTables(PageTypes types) {
        this.types = types;
        this.frames = types.frames();
    }

    /**
     * Whether a guest may have an LDT there: in whole pages that are not the hypervisor's. One
     * without entries may be anywhere.
     *
     * @param vaddr linear address of the kernel
     */
    public static boolean isLdt(long vaddr, long entries) {
        return entries == 0
                || entries > 0
                        && entries <= MAX_LDT_ENTRIES
                        && (vaddr & Ram.PAGE_OFFSET) == 0
                        && AddressSpace.isGuests(vaddr);
    }

    /**
     * Hypercall set_gdt.
     *
     * @param list linear address of the pages' MFNs, 8 bytes each
     */
    public long setGdt(GuestContext vcpu, long list, long entries) {
        int count = (int) entries;
        if (count < 0 || count > AddressSpace.FIRST_RESERVED_GDT_ENTRY) {
            return -EINVAL;
        }
        long[] mfns = new long[(count + DESCRIPTORS_PER_PAGE - 1) / DESCRIPTORS_PER_PAGE];
        try {
            for (int i = 0; i < mfns.length; i++) {
                mfns[i] = vcpu.mmu().read64(list + i * 8L);
            }
        } catch (GuestFault fault) {
            return -EFAULT;
        }
        return install(vcpu, mfns, count);
    }

    /**
     * Types the pages and hands them to the vCPU; what it had before is let go. Used by vcpu_op
     * too.
     *
     * @return 0 or a negative error number
     */
    public int install(GuestContext vcpu, long[] mfns, int entries) {
        for (int i = 0; i < mfns.length; i++) {
            if (types.acquire(mfns[i], FrameType.SEGMENT_DESCRIPTORS, vcpu.tlb()) != 0) {
                releaseAll(vcpu, Arrays.copyOf(mfns, i));
                return -EINVAL;
            }
        }
        long[] old = vcpu.gdtMfns();
        vcpu.setGdt(mfns, entries);
        releaseAll(vcpu, old);
        return 0;
    }

    private void releaseAll(GuestContext vcpu, long[] mfns) {
        for (long mfn : mfns) {
            types.release(mfn, vcpu.tlb());
        }
    }

    /**
     * Hypercall update_descriptor.
     *
     * @param maddr machine address of the descriptor
     */
    public long updateDescriptor(GuestContext vcpu, long maddr, long descriptor) {
        long mfn = maddr >>> Ram.PAGE_SHIFT;
        if (maddr % Descriptors.SIZE != 0 || !Descriptors.isAllowed(descriptor)) {
            return -EINVAL;
        }
        int type =
                frames.type(mfn) == FrameType.SEGMENT_DESCRIPTORS
                        ? FrameType.SEGMENT_DESCRIPTORS
                        : FrameType.WRITABLE;
        if (types.acquire(mfn, type, vcpu.tlb()) != 0) {
            return -EINVAL;
        }
        long host = frames.writableFrame(mfn, vcpu.tlb()) + (maddr & Ram.PAGE_OFFSET);
        Ram.putLongVolatile(host, Descriptors.atGuestPrivilege(descriptor));
        vcpu.mmu().noteStore(host, Descriptors.SIZE);
        types.release(mfn, vcpu.tlb());
        return 0;
    }
}

package org.xenolith.core.abi;

/** The hypervisor's part of a 64-bit guest's address space. public/arch-x86/xen-x86_64.h. */
public final class AddressSpace {
    public static final long HYPERVISOR_VIRT_START = 0xffff_8000_0000_0000L;
    public static final long HYPERVISOR_VIRT_END = 0xffff_8800_0000_0000L;

    /** The machine-to-physical array: 8 bytes per MFN. */
    public static final long MACH2PHYS_VIRT_START = 0xffff_8000_0000_0000L;

    public static final long MACH2PHYS_VIRT_END = 0xffff_8040_0000_0000L;

    /** Entry of an MFN that backs no guest frame. {@code INVALID_M2P_ENTRY}. */
    public static final long INVALID_M2P_ENTRY = ~0L;

    /** First GDT entry that belongs to the hypervisor: a guest has 14 pages. */
    public static final int FIRST_RESERVED_GDT_ENTRY = 7168;

    /** First address above the lower half. */
    private static final long LOWER_END = 1L << 47;

    private AddressSpace() {}

    /** Whether a linear address is canonical and in the guest's part. Xen's {@code __addr_ok}. */
    public static boolean isGuests(long vaddr) {
        return vaddr >= 0 ? vaddr < LOWER_END : vaddr >= HYPERVISOR_VIRT_END;
    }
}

package org.xenolith.core.image;

import java.util.Optional;

/** The ELF notes of owner "Xen" by their number: {@code XEN_ELFNOTE_*}, public/elfnote.h. */
public enum XenElfNote {
    INFO(0, Kind.TEXT),
    ENTRY(1, Kind.NUMBER),
    HYPERCALL_PAGE(2, Kind.NUMBER),
    VIRT_BASE(3, Kind.NUMBER),
    PADDR_OFFSET(4, Kind.NUMBER),
    XEN_VERSION(5, Kind.TEXT),
    GUEST_OS(6, Kind.TEXT),
    GUEST_VERSION(7, Kind.TEXT),
    LOADER(8, Kind.TEXT),
    PAE_MODE(9, Kind.TEXT),
    FEATURES(10, Kind.TEXT),
    BSD_SYMTAB(11, Kind.TEXT),
    HV_START_LOW(12, Kind.NUMBER),
    L1_MFN_VALID(13, Kind.MASK_AND_VALUE),
    SUSPEND_CANCEL(14, Kind.NUMBER),
    INIT_P2M(15, Kind.NUMBER),
    MOD_START_PFN(16, Kind.NUMBER),
    SUPPORTED_FEATURES(17, Kind.NUMBER),
    PHYS32_ENTRY(18, Kind.NUMBER);

    enum Kind {
        /** A little-endian integer of 1, 2, 4 or 8 bytes. */
        NUMBER,
        /** ASCII, NUL-terminated. */
        TEXT,
        /** Two numbers: bits to look at in a PTE, and what they must be. */
        MASK_AND_VALUE
    }

    private final int number;
    private final Kind kind;

    XenElfNote(int number, Kind kind) {
        this.number = number;
        this.kind = kind;
    }

    public int number() {
        return number;
    }

    Kind kind() {
        return kind;
    }

    static Optional<XenElfNote> ofNumber(int number) {
        return number >= 0 && number < values().length
                ? Optional.of(values()[number])
                : Optional.empty();
    }
}

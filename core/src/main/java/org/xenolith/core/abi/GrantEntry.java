package org.xenolith.core.abi;

/** A grant of version 1: {@code struct grant_entry_v1}, public/grant_table.h. */
public final class GrantEntry {
    public static final int SIZE = 8;

    /** Flags in the low half of this word, the grantee's domain id in the high half. */
    public static final int FLAGS_AND_DOMID = 0;

    public static final int FRAME = 4;

    public static final int GTF_TYPE_MASK = 3;
    public static final int GTF_INVALID = 0;
    public static final int GTF_PERMIT_ACCESS = 1;
    public static final int GTF_READONLY = 1 << 2;
    public static final int GTF_READING = 1 << 3;
    public static final int GTF_WRITING = 1 << 4;

    /** References that the tools set up before the guest starts. {@code GNTTAB_RESERVED_*}. */
    public static final int RESERVED_CONSOLE = 0;

    public static final int RESERVED_XENSTORE = 1;

    private GrantEntry() {}
}

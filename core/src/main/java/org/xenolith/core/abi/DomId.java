package org.xenolith.core.abi;

/** Reserved domain ids. public/xen.h, {@code DOMID_*}. */
public final class DomId {
    /** Where the backends live, dom0 elsewhere: no guest's, and none that grants anything. */
    public static final int BACKENDS = 0;

    public static final int FIRST_RESERVED = 0x7ff0;
    public static final int SELF = 0x7ff0;
    public static final int IO = 0x7ff1;
    public static final int XEN = 0x7ff2;
    public static final int INVALID = 0x7ff4;

    private DomId() {}
}

package org.xenolith.core.lab;

/** A guest's address leads nowhere, or to memory that the guest may not write. */
public final class BadAddress extends RuntimeException {
    private static final long serialVersionUID = 1;

    BadAddress(long vaddr) {
        super("no guest memory to use at 0x" + Long.toHexString(vaddr), null, false, false);
    }
}

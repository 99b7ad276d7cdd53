package org.xenolith.core.xenstore;

/**
 * The store refused an operation. Toward a guest it becomes an ERROR reply, toward the toolstack it
 * is what the host-side calls throw. It carries no stack trace, because a guest can cause it at
 * will.
 */
public final class XenstoreException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final XenstoreError error;

    XenstoreException(XenstoreError error, String reason) {
        super(error + ": " + reason, null, false, false);
        this.error = error;
    }

    public XenstoreError error() {
        return error;
    }
}

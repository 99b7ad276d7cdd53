package org.xenolith.core.snapshot;

import java.io.IOException;

/** A snapshot cannot be made or used; the message is one sentence for the user. */
public final class SnapshotException extends IOException {
    private static final long serialVersionUID = 1L;

    public SnapshotException(String message) {
        super(message);
    }

    public SnapshotException(String message, Throwable cause) {
        super(message, cause);
    }

    /** The file contradicts its format. */
    public static SnapshotException damaged(String what) {
        return new SnapshotException("The snapshot is damaged: " + what);
    }
}

package org.xenolith.devices.libc;

import com.sun.jna.LastErrorException;

/** A call to the host failed; the message is a sentence that ends with the host's reason. */
public final class HostCallFailed extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int errno;

    private HostCallFailed(String message, int errno) {
        super(message);
        this.errno = errno;
    }

    /**
     * @param attempt what was tried, as the start of a sentence: "Cannot reserve 512 MiB"
     */
    public static HostCallFailed of(String attempt, LastErrorException reason) {
        int errno = reason.getErrorCode();
        String text = LibC.strerror(errno);
        return new HostCallFailed(attempt + ": " + text + " (errno " + errno + ")", errno);
    }

    /** The number that {@code <errno.h>} names. */
    public int errno() {
        return errno;
    }
}

package org.xenolith.devices.p9;

/**
 * A request is answered with an error. It carries no stack trace, because a client can cause it at
 * will.
 */
final class P9Error extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int errno;

    /**
     * @param errno one of {@link Errno}
     */
    P9Error(int errno) {
        super("errno " + errno, null, false, false);
        this.errno = errno;
    }

    int errno() {
        return errno;
    }
}

package org.xenolith.devices.p9;

import java.util.Arrays;

/**
 * One component of a path: what is in a folder, never the way to it. Bytes as the client sent them,
 * in whatever encoding.
 */
final class FileName {
    private static final int LONGEST = 255;

    /** With a NUL at the end, as the C library wants it. */
    private final byte[] bytes;

    private FileName(byte[] bytes) {
        this.bytes = bytes;
    }

    /**
     * @throws P9Error when the host would take the bytes for anything but the name of an entry, or
     *     for a shorter one
     */
    static FileName of(byte[] bytes) {
        FileName name = ofStep(bytes);
        if (name.isParent()) {
            throw new P9Error(Errno.EINVAL);
        }
        return name;
    }

    /** As {@link #of}, but it may be {@code ..}. */
    static FileName ofStep(byte[] bytes) {
        if (bytes.length > LONGEST) {
            throw new P9Error(Errno.ENAMETOOLONG);
        }
        for (byte each : bytes) {
            if (each == '/' || each == 0) {
                throw new P9Error(Errno.EINVAL);
            }
        }
        if (bytes.length == 0 || bytes.length == 1 && bytes[0] == '.') {
            throw new P9Error(Errno.EINVAL);
        }
        return new FileName(Arrays.copyOf(bytes, bytes.length + 1));
    }

    boolean isParent() {
        return bytes.length == 3 && bytes[0] == '.' && bytes[1] == '.';
    }

    byte[] terminated() {
        return bytes;
    }
}

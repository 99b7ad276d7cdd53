package org.xenolith.devices.terminal;

import com.sun.jna.LastErrorException;
import com.sun.jna.Native;

import java.nio.file.Path;

/** A pair of terminal ends for tests: what a user types goes into the master, pty(7). */
final class PseudoTerminal implements AutoCloseable {
    private static final int O_RDWR = 2;
    private static final int O_NOCTTY = 0x100;

    static {
        Native.register(PseudoTerminal.class, "c");
    }

    private final int master = posix_openpt(O_RDWR | O_NOCTTY);
    private final Path path;
    private final int slave;

    PseudoTerminal() {
        grantpt(master);
        unlockpt(master);
        path = Path.of(ptsname(master));
        slave = open(path.toString(), O_RDWR | O_NOCTTY);
    }

    /** The user's end as a file. */
    Path path() {
        return path;
    }

    int descriptor() {
        return slave;
    }

    Termios settings() {
        return RawMode.settings(slave);
    }

    void type(byte... keys) {
        write(master, keys, keys.length);
    }

    @Override
    public void close() {
        close(slave);
        close(master);
    }

    private static native int posix_openpt(int flags) throws LastErrorException;

    private static native int grantpt(int descriptor) throws LastErrorException;

    private static native int unlockpt(int descriptor) throws LastErrorException;

    private static native String ptsname(int descriptor);

    private static native int open(String path, int flags) throws LastErrorException;

    private static native int close(int descriptor) throws LastErrorException;

    private static native long write(int descriptor, byte[] bytes, long lengthBytes)
            throws LastErrorException;
}

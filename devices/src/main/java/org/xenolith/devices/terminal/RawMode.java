package org.xenolith.devices.terminal;

import com.sun.jna.LastErrorException;

import org.xenolith.devices.libc.HostCallFailed;
import org.xenolith.devices.libc.LibC;

/**
 * Raw mode of a terminal, from {@link #enter} until {@link #close}, or until the JVM ends in any
 * way it can still act on: return from main, exit, an uncaught exception, SIGINT, SIGTERM, SIGHUP.
 */
final class RawMode implements AutoCloseable {
    private final int descriptor;
    private final Termios before;
    private final Thread hook = new Thread(this::restore, "terminal-restore");
    private boolean active = true;

    private RawMode(int descriptor, Termios before) {
        this.descriptor = descriptor;
        this.before = before;
    }

    static boolean isTerminal(int descriptor) {
        return LibC.isatty(descriptor) == 1;
    }

    static RawMode enter(int descriptor) {
        RawMode mode = new RawMode(descriptor, settings(descriptor));
        // The hook comes first: a signal between the two steps then finds nothing to repair.
        Runtime.getRuntime().addShutdownHook(mode.hook);
        apply(descriptor, mode.before.raw());
        return mode;
    }

    static Termios settings(int descriptor) {
        byte[] bytes = new byte[Termios.SIZE];
        try {
            LibC.tcgetattr(descriptor, bytes);
        } catch (LastErrorException e) {
            throw HostCallFailed.of("Cannot read the terminal's settings", e);
        }
        return new Termios(bytes);
    }

    private static void apply(int descriptor, Termios settings) {
        try {
            LibC.tcsetattr(descriptor, LibC.TCSANOW, settings.bytes());
        } catch (LastErrorException e) {
            throw HostCallFailed.of("Cannot change the terminal's settings", e);
        }
    }

    /** Puts the terminal back as it was; further calls do nothing. */
    @Override
    public void close() {
        restore();
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException alreadyShuttingDown) {
            // The hook runs too; the flag keeps it from restoring twice.
        }
    }

    private synchronized void restore() {
        if (!active) {
            return;
        }
        active = false;
        apply(descriptor, before);
    }
}

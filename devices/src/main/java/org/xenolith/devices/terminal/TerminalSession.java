package org.xenolith.devices.terminal;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * A guest's console on the process's standard input and output. On a terminal it switches to raw
 * mode and watches for {@code Ctrl-]}, the key that leaves {@code xl console} and telnet too; from
 * a pipe or a file it passes every byte on.
 */
public final class TerminalSession implements ConsoleIo, AutoCloseable {
    static final byte CTRL_RIGHT_BRACKET = 0x1d;

    private static final int STDIN = 0;
    private static final int STDOUT = 1;

    /** How long an exit waits for a reader that has stopped reading. */
    private static final long DRAIN_NANOS = TimeUnit.SECONDS.toNanos(2);

    private final InputStream in;
    private final boolean ownsInput; // and closes it, which ends a read that waits
    private final boolean terminal;
    private final RawMode rawMode; // null when there is nothing to restore
    private final TerminalOutput output;
    private final Thread drainHook = new Thread(this::drain, "console-drain");
    private volatile InputListener listener; // null until start
    private volatile boolean outputBroken;
    private volatile boolean inputEnded;
    private volatile boolean closed;

    private TerminalSession(
            InputStream in,
            boolean ownsInput,
            OutputStream out,
            boolean terminal,
            RawMode rawMode) {
        this.in = in;
        this.ownsInput = ownsInput;
        this.terminal = terminal;
        this.rawMode = rawMode;
        this.output = new TerminalOutput(out, this::outputBroke);
        Runtime.getRuntime().addShutdownHook(drainHook);
    }

    /** The session on standard input and output, in raw mode if the input is a terminal. */
    public static TerminalSession open() {
        boolean terminal = RawMode.isTerminal(STDIN);
        FileChannel in = new FileInputStream(FileDescriptor.in).getChannel();
        return new TerminalSession(
                Channels.newInputStream(in),
                true,
                new FileOutputStream(FileDescriptor.out),
                terminal,
                terminal ? RawMode.enter(STDIN) : null);
    }

    /**
     * A session that only writes to standard output: input and the keys that send signals stay as
     * they are. It is {@link #interactive} if the output is a terminal.
     */
    public static TerminalSession openOutput() {
        return new TerminalSession(
                InputStream.nullInputStream(),
                false,
                new FileOutputStream(FileDescriptor.out),
                RawMode.isTerminal(STDOUT),
                null);
    }

    /** A session on two streams, neither of them a terminal. */
    public static TerminalSession on(InputStream in, OutputStream out) {
        return new TerminalSession(in, false, out, false, null);
    }

    /** A session that takes the stream for the keys of a terminal already in raw mode. */
    static TerminalSession onKeys(InputStream keys, OutputStream out) {
        return new TerminalSession(keys, false, out, true, null);
    }

    /** Why output was lost, a reader that has left included; all is known after {@link #close}. */
    public Optional<IOException> failure() {
        return output.failure();
    }

    /** Whether a user sits at a terminal, who should be told how to leave. */
    public boolean interactive() {
        return terminal;
    }

    @Override
    public void write(byte[] bytes, int offset, int length) {
        output.write(bytes, offset, length);
    }

    @Override
    public int room() {
        return output.room();
    }

    @Override
    public void whenRoom(Runnable again) {
        output.whenRoom(again);
    }

    @Override
    public void start(InputListener listener) {
        boolean first = this.listener == null;
        boolean ended;
        synchronized (this) {
            this.listener = listener;
            ended = inputEnded;
        }
        if (outputBroken) {
            listener.leave();
        }
        if (ended) {
            listener.endOfInput();
        }
        if (first) {
            // Whoever ends the JVM without closing the session does not wait for a key.
            Thread.ofPlatform().daemon().name("console-in").start(this::pump);
        }
    }

    private void pump() {
        byte[] bytes = new byte[4096];
        for (int length = read(bytes); length > 0; length = read(bytes)) {
            int before = terminal ? bytesBeforeEscape(bytes, length) : length;
            if (before > 0) {
                listener.typed(bytes, before);
            }
            if (before < length) {
                listener.leave();
                return;
            }
        }
        if (!closed) {
            endInput().endOfInput();
        }
    }

    /** Who is to hear of it here; who starts later hears of it when he starts, and nobody twice. */
    private synchronized InputListener endInput() {
        inputEnded = true;
        return listener;
    }

    /** At least one byte, or -1 at the end; a terminal that hung up has ended too. */
    private int read(byte[] bytes) {
        try {
            return in.read(bytes);
        } catch (IOException hungUpOrClosed) {
            return -1;
        }
    }

    private static int bytesBeforeEscape(byte[] bytes, int length) {
        for (int i = 0; i < length; i++) {
            if (bytes[i] == CTRL_RIGHT_BRACKET) {
                return i;
            }
        }
        return length;
    }

    private void outputBroke() {
        outputBroken = true;
        InputListener started = listener;
        if (started != null) {
            started.leave();
        }
    }

    /**
     * Writes what is left and gives the terminal back. Nothing in this process reads from standard
     * input any more: HotSpot's exit waits 0.3 s for a thread that does.
     */
    @Override
    public void close() {
        closed = true;
        drain();
        try {
            Runtime.getRuntime().removeShutdownHook(drainHook);
        } catch (IllegalStateException alreadyShuttingDown) {
            // The hook drains as well, and draining twice is harmless.
        }
        if (rawMode != null) {
            rawMode.close();
        }
        if (ownsInput) {
            closeInput(); // last, since the terminal was given back through it
        }
    }

    private void closeInput() {
        try {
            in.close();
        } catch (IOException e) {
            // It was only read: there is nothing that could be lost.
        }
    }

    private void drain() {
        output.close(DRAIN_NANOS);
    }
}

package org.xenolith.devices.console;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/**
 * Puts a prefix before each line, so that the output of several guests can share a terminal. Whole
 * lines go on in one call and therefore do not mix; a line that has no end yet (a prompt) goes on
 * when {@link #flush} is called or when it exceeds {@link #MAX_HELD}. Colours and such that a line
 * switches on end with what goes on: they would show, or hide, what others write next.
 */
public final class PrefixingSink implements ConsoleSink {
    /** Bytes of an unfinished line held back at most. */
    static final int MAX_HELD = 4096;

    private static final byte ESCAPE = 0x1b;
    private static final String RESET = "\u001b[0m";
    private static final byte[] RESET_BYTES = RESET.getBytes(StandardCharsets.US_ASCII);
    // Green, yellow, blue, magenta, cyan, then the bright ones: red is left for errors.
    private static final int[] SGR_COLOURS = {32, 33, 34, 35, 36, 92, 93, 94, 95, 96};

    private final byte[] prefix;
    private final ConsoleSink next;
    private final ByteArrayOutputStream line = new ByteArrayOutputStream();
    private boolean atLineStart = true;

    /** Whether the guest has sent an escape since the last reset. */
    private boolean escaped;

    public PrefixingSink(String prefix, ConsoleSink next) {
        this.prefix = prefix.getBytes(StandardCharsets.UTF_8);
        this.next = next;
    }

    /** A prefix such as {@code web| } in the colour that the guest's number selects. */
    public static PrefixingSink coloured(String name, int domid, ConsoleSink next) {
        int colour = SGR_COLOURS[Math.floorMod(domid, SGR_COLOURS.length)];
        return new PrefixingSink("\u001b[" + colour + "m" + name + "| " + RESET, next);
    }

    @Override
    public synchronized void write(byte[] bytes, int offset, int length) {
        for (int i = 0; i < length; i++) {
            if (atLineStart) {
                line.writeBytes(prefix);
                atLineStart = false;
            }
            byte b = bytes[offset + i];
            if (b == '\n') {
                end();
                continue;
            }
            escaped |= b == ESCAPE;
            line.write(b);
            if (line.size() >= MAX_HELD) {
                passOn();
            }
        }
    }

    /** Passes on an unfinished line. */
    public synchronized void flush() {
        passOn();
    }

    @Override
    public int room() {
        return next.room();
    }

    @Override
    public void whenRoom(Runnable again) {
        next.whenRoom(again);
    }

    /** Ends an unfinished line and passes it on: what comes next is a line of its own. */
    public synchronized void finish() {
        if (!atLineStart) {
            end();
        }
    }

    private void end() {
        reset();
        line.write('\n');
        atLineStart = true;
        passOn();
    }

    private void reset() {
        if (escaped) {
            escaped = false;
            line.writeBytes(RESET_BYTES);
        }
    }

    private void passOn() {
        reset();
        if (line.size() > 0) {
            byte[] bytes = line.toByteArray();
            line.reset();
            next.write(bytes, 0, bytes.length);
        }
    }
}

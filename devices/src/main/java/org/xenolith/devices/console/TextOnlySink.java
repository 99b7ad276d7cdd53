package org.xenolith.devices.console;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/**
 * Lets a guest's text through, and its colours, but nothing else that a terminal would obey: on a
 * terminal that several guests share none may clear the others' lines, move the cursor, or make the
 * terminal answer. Carriage returns go too, since they lead back over the line's prefix.
 *
 * <p>Control functions are recognised by ECMA-48, 5.2 to 5.6; they may be split between calls.
 */
public final class TextOnlySink implements ConsoleSink {
    private static final int ESCAPE = 0x1b;
    private static final int BELL = 7;
    private static final int DELETE = 0x7f;

    /** Longer parameters are nobody's colour. */
    private static final int MAX_PARAMETERS = 32;

    /** First byte of U+0080 to U+00BF in UTF-8: half of those are control functions (C1). */
    private static final int C1_LEAD = 0xc2;

    /** A C1 function is the same as an escape and a letter. */
    private static final int C1_TO_ESCAPE = 0x40;

    private enum State {
        TEXT,
        AFTER_C1_LEAD,
        AFTER_ESCAPE,
        CONTROL_SEQUENCE,
        CONTROL_STRING,
        ESCAPE_IN_STRING
    }

    private final ConsoleSink next;
    private final boolean colours;
    private final ByteArrayOutputStream text = new ByteArrayOutputStream();
    private final StringBuilder parameters = new StringBuilder();
    private State state = State.TEXT;

    /**
     * @param colours whether colours and such (SGR) go through
     */
    public TextOnlySink(boolean colours, ConsoleSink next) {
        this.colours = colours;
        this.next = next;
    }

    @Override
    public synchronized void write(byte[] bytes, int offset, int length) {
        for (int i = 0; i < length; i++) {
            take(bytes[offset + i] & 0xff);
        }
        if (text.size() > 0) {
            byte[] passed = text.toByteArray();
            text.reset();
            next.write(passed, 0, passed.length);
        }
    }

    @Override
    public int room() {
        return next.room();
    }

    @Override
    public void whenRoom(Runnable again) {
        next.whenRoom(again);
    }

    private void take(int b) {
        if (b == '\n' && state != State.TEXT) {
            state = State.TEXT; // no function goes over a line: one that was cut off ends here
        }
        switch (state) {
            case TEXT -> takeText(b);
            case AFTER_C1_LEAD -> afterC1Lead(b);
            case AFTER_ESCAPE -> afterEscape(b);
            case CONTROL_SEQUENCE -> takeParameter(b);
            case CONTROL_STRING -> {
                if (b == BELL) {
                    state = State.TEXT;
                } else if (b == ESCAPE) {
                    state = State.ESCAPE_IN_STRING;
                }
            }
            case ESCAPE_IN_STRING -> state = b == '\\' ? State.TEXT : State.CONTROL_STRING;
        }
    }

    private void takeText(int b) {
        if (b == ESCAPE) {
            state = State.AFTER_ESCAPE;
        } else if (b == C1_LEAD) {
            state = State.AFTER_C1_LEAD;
        } else if (b >= ' ' && b != DELETE || b == '\n' || b == '\t') {
            text.write(b);
        }
    }

    private void afterC1Lead(int b) {
        state = State.TEXT;
        if (b < 0x80) {
            takeText(b);
        } else if (b < 0xa0) {
            afterEscape(b - C1_TO_ESCAPE);
        } else if (b <= 0xbf) {
            text.write(C1_LEAD);
            text.write(b);
        }
    }

    private void afterEscape(int b) {
        switch (b) {
            case '[' -> {
                parameters.setLength(0);
                state = State.CONTROL_SEQUENCE;
            }
            case ']', 'P', 'X', '^', '_' -> state = State.CONTROL_STRING;
            case ESCAPE -> {}
            default -> {
                boolean intermediate = b >= ' ' && b <= '/';
                state = intermediate ? State.AFTER_ESCAPE : State.TEXT;
            }
        }
    }

    private void takeParameter(int b) {
        if (b == ESCAPE) {
            state = State.AFTER_ESCAPE;
        } else if (b >= '@' && b < DELETE) {
            if (b == 'm' && colours && isColour()) {
                text.writeBytes(("\u001b[" + parameters + "m").getBytes(StandardCharsets.US_ASCII));
            }
            state = State.TEXT;
        } else if (b >= ' ' && parameters.length() <= MAX_PARAMETERS) {
            parameters.append((char) b);
        }
    }

    private boolean isColour() {
        return parameters.length() <= MAX_PARAMETERS
                && parameters.chars().allMatch(c -> c >= '0' && c <= ';');
    }
}

package org.xenolith.core.trace;

import org.xenolith.core.abi.Hypercall;

/** What happened, as a piece of a line. */
final class TraceText {
    private TraceText() {}

    static String of(TraceEvent event) {
        StringBuilder line = new StringBuilder();
        append(line, event);
        return line.toString();
    }

    static void append(StringBuilder line, TraceEvent event) {
        switch (event) {
            case TraceEvent.Hypercalled call -> append(line, call);
            case TraceEvent.Executed(long rip, String text) -> {
                String digits = Long.toHexString(rip);
                line.append("0".repeat(16 - digits.length())).append(digits);
                line.append("  ").append(text);
            }
            default -> {
                line.append(TraceFields.title(event));
                TraceFields.describe(event, new Pairs(line, " ", " "));
            }
        }
    }

    private static void append(StringBuilder line, TraceEvent.Hypercalled call) {
        line.append(TraceFields.title(call)).append('(');
        TraceFields.describe(call, new Pairs(line, "", ", "));
        line.append(')');
        if (call.number() != Hypercall.IRET) {
            line.append(" = ").append(TraceFields.result(call.result()));
        }
    }

    /** Writes {@code name=value}; an operation and an instruction need no name. */
    private static final class Pairs implements TraceFields.Receiver {
        private final StringBuilder line;
        private final String separator;
        private String next;

        Pairs(StringBuilder line, String first, String separator) {
            this.line = line;
            this.next = first;
            this.separator = separator;
        }

        @Override
        public void number(String name, long value, boolean hex) {
            line.append(next).append(name).append('=');
            if (hex && (value < 0 || value > 9)) {
                line.append("0x").append(Long.toHexString(value));
            } else {
                line.append(value);
            }
            next = separator;
        }

        @Override
        public void text(String name, String value) {
            line.append(next);
            if (!name.equals("cmd")) {
                line.append(name).append('=');
            }
            line.append(value);
            next = separator;
        }
    }
}

package org.xenolith.core.cli.output;

import java.io.PrintWriter;

/**
 * Says what goes on during a long step: one line that rewrites itself on a terminal, and one line
 * per step elsewhere.
 */
public final class StatusLine implements AutoCloseable {
    private static final int BAR_CELLS = 24;
    private static final String CLEAR_LINE = "\r\u001b[K";

    private final PrintWriter err;
    private final boolean terminal;
    private String step = "";
    private boolean drawn;

    /**
     * @param terminal whether {@code err} is one, so that lines can be rewritten
     */
    public StatusLine(PrintWriter err, boolean terminal) {
        this.err = err;
        this.terminal = terminal;
    }

    /** Starts a step: "Downloading linux-image-cloud-amd64". */
    public void step(String what) {
        step = what;
        draw(what + " ...");
    }

    /** Draws the part of the step that is done; off a terminal only steps are shown. */
    public void progress(long done, long total) {
        if (terminal && total > 0) {
            draw(step + " " + bar(done, total));
        }
    }

    /** Says something that stays. */
    public void note(String sentence) {
        err.println((terminal && drawn ? CLEAR_LINE : "") + sentence);
        err.flush();
        drawn = false;
    }

    static String bar(long done, long total) {
        long bounded = Math.clamp(done, 0, total);
        int filled = (int) (bounded * BAR_CELLS / total);
        return "["
                + "#".repeat(filled)
                + ".".repeat(BAR_CELLS - filled)
                + "] "
                + bounded * 100 / total
                + " %";
    }

    private void draw(String text) {
        if (terminal) {
            err.print(CLEAR_LINE + text);
        } else {
            err.println(text);
        }
        err.flush();
        drawn = true;
    }

    /** Removes the line from a terminal. */
    @Override
    public void close() {
        if (terminal && drawn) {
            err.print(CLEAR_LINE);
            err.flush();
        }
        drawn = false;
    }
}

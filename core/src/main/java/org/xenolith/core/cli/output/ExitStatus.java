package org.xenolith.core.cli.output;

/** What the process tells its caller. */
public final class ExitStatus {
    /** The guest powered off or was left; the command did what it should. */
    public static final int OK = 0;

    /** The guest crashed, ran out of time, or could not boot. */
    public static final int FAILED = 1;

    /** The command line makes no sense. */
    public static final int USAGE = 2;

    private ExitStatus() {}
}

package org.xenolith.core.cli;

/** What the process tells its caller. */
final class ExitStatus {
    /** The guest powered off or was left; the command did what it should. */
    static final int OK = 0;

    /** The guest crashed, ran out of time, or could not boot. */
    static final int FAILED = 1;

    /** The command line makes no sense. */
    static final int USAGE = 2;

    private ExitStatus() {}
}

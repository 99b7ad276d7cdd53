package org.xenolith.core.cli;

import org.xenolith.core.boot.Outcome;
import org.xenolith.core.cli.output.ExitStatus;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/** Tells how a guest ended whose console was on this terminal. */
final class Ended {
    private final PrintWriter err;
    private final Optional<Duration> timeout;

    /** The end of a life that was to be followed by another one; null before the first. */
    private Outcome.Ending told;

    /**
     * @param timeout that the user allowed
     */
    Ended(PrintWriter err, Optional<Duration> timeout) {
        this.err = err;
        this.timeout = timeout;
    }

    /** Writes what there is to say; returns the exit status. */
    int tell(Outcome outcome) {
        tellStatistics(outcome.statistics());
        return switch (outcome.ending()) {
            case Outcome.PoweredOff(int code) -> code;
            case Outcome.Rebooted _, Outcome.Left _ -> ExitStatus.OK;
            case Outcome.Saved(Path file) -> {
                err.println("The guest was saved to " + file + ".");
                yield ExitStatus.OK;
            }
            case Outcome.Destroyed() -> failed("vmm: the guest was destroyed.");
            case Outcome.Crashed crashed when crashed == told ->
                    failed("vmm: the guest is not started again.");
            case Outcome.Crashed(String report) -> failed(report.stripTrailing());
            case Outcome.TimedOut() ->
                    failed(
                            "vmm: the guest was stopped: it did not power off within "
                                    + inWords(timeout.orElseThrow())
                                    + ".");
        };
    }

    /** Writes them, if somebody asked for some. */
    void tellStatistics(String statistics) {
        if (!statistics.isEmpty()) {
            err.println(statistics.stripTrailing());
        }
    }

    /** Writes that it is not over yet. */
    void tellRestart(Outcome.Ending ending, Duration delay) {
        told = ending;
        if (ending instanceof Outcome.Crashed(String report)) {
            err.println(report.stripTrailing());
        }
        if (ending instanceof Outcome.Rebooted) {
            err.println("The guest reboots.");
        } else {
            String when = delay.isZero() ? "" : " in " + inWords(delay);
            err.println("The guest is started again" + when + ".");
        }
    }

    private int failed(String why) {
        err.println(why);
        return ExitStatus.FAILED;
    }

    private static String inWords(Duration time) {
        return time.toMillis() % 1000 == 0 ? time.toSeconds() + " s" : time.toMillis() + " ms";
    }
}

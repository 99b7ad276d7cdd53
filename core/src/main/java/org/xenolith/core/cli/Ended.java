package org.xenolith.core.cli;

import org.xenolith.core.boot.Endings;
import org.xenolith.core.boot.LastingCopies;
import org.xenolith.core.boot.Outcome;
import org.xenolith.core.boot.Restarts;
import org.xenolith.core.cli.output.ExitStatus;
import org.xenolith.core.fleet.StopSignals;
import org.xenolith.devices.console.Escaped;
import org.xenolith.devices.terminal.TerminalSession;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/** Tells how a guest ended whose console was on this terminal, and how its copies did. */
final class Ended implements Restarts {
    private final PrintWriter err;
    private final TerminalSession console;
    private final Optional<Duration> timeout;

    /** The end of a life that was to be followed by another one; null before the first. */
    private Outcome.Ending told;

    /** What came of the guest, once that was told; copies may go on then. */
    private Integer status;

    private volatile boolean copyFailed;

    /**
     * @param console the guest's; closed before anything is told of its end
     * @param timeout that the user allowed
     */
    Ended(PrintWriter err, TerminalSession console, Optional<Duration> timeout) {
        this.err = err;
        this.console = console;
        this.timeout = timeout;
    }

    /** Writes what there is to say and was not said; returns the exit status. */
    int tell(Outcome outcome) {
        if (status == null) {
            status = told(outcome);
        }
        return status == ExitStatus.OK && copyFailed ? ExitStatus.FAILED : status;
    }

    private int told(Outcome outcome) {
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

    /** As {@link #tell}, of a guest that ended well and whose writes are lost all the same. */
    void tellStatistics(String statistics) {
        if (status == null && !statistics.isEmpty()) {
            err.println(statistics.stripTrailing());
        }
    }

    /** Writes that it is not over yet. */
    @Override
    public void startsAgain(Outcome.Ending ending, Duration delay) {
        told = ending;
        if (ending instanceof Outcome.Crashed(String report)) {
            err.println(report.stripTrailing());
        }
        if (ending instanceof Outcome.Rebooted) {
            err.println("The guest reboots.");
        } else {
            err.println("The guest is started again" + in(delay) + ".");
        }
    }

    /** The terminal has no guest any more: its keys are the user's again, Ctrl-C among them. */
    @Override
    public void copiesGoOn(Outcome outcome, LastingCopies copies) {
        console.close();
        status = told(outcome);
        String names = String.join(", ", copies.names());
        err.println("vmm: copies of the guest go on: " + names + "; Ctrl-C powers them off.");
        try (StopSignals _ = StopSignals.onEach(copies::shutdown)) {
            copies.await();
        }
    }

    @Override
    public void copyStartsAgain(String name, Outcome.Ending ending, Duration delay) {
        String how = Endings.inWords(ending);
        err.println("vmm: %s %s and is started again%s.".formatted(name, how, in(delay)));
    }

    @Override
    public void copyEnded(String name, Outcome.Ending ending) {
        copyFailed |= Endings.isFailure(ending);
        err.println("vmm: %s %s.".formatted(name, Endings.inWords(ending)));
        if (ending instanceof Outcome.Crashed(String report)) {
            err.println(report.stripTrailing());
        }
    }

    @Override
    public void copyFailed(String name, String why) {
        copyFailed = true;
        String stop = why.endsWith(".") ? "" : ".";
        err.println("vmm: %s: %s%s".formatted(name, Escaped.sentence(why), stop));
    }

    private int failed(String why) {
        err.println(why);
        return ExitStatus.FAILED;
    }

    private static String in(Duration delay) {
        return delay.isZero() ? "" : " in " + inWords(delay);
    }

    private static String inWords(Duration time) {
        return time.toMillis() % 1000 == 0 ? time.toSeconds() + " s" : time.toMillis() + " ms";
    }
}

package org.xenolith.core.lab;

import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.boot.Outcome;
import org.xenolith.core.machine.Guest;
import org.xenolith.core.machine.Host;
import org.xenolith.core.trace.TraceTopic;
import org.xenolith.devices.console.ConsoleLog;
import org.xenolith.devices.terminal.ConsoleIo;
import org.xenolith.devices.terminal.InputListener;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Boots the guests of a lab's cases and reads from their ends how the student's work did. */
final class CaseRunner {
    /** What a case may take; each takes a tenth of it at most. */
    private static final long INSTRUCTIONS = 20_000_000;

    private static final long MIB = 1 << 20;
    private static final long POOL_BYTES = 256 * MIB;

    /** Outcomes of micro-guests, {@code micro.h}. */
    private static final int SUCCESS = 0;

    private static final int FAILURE = 64;

    private static final String TRAP = "unexpected trap";

    private final String hung;
    private final String crashed;
    private final Set<TraceTopic> trace;

    /**
     * @param hung said of work that neither ends nor waits for anything that comes
     * @param crashed said of work that causes a trap which nobody expects
     * @param trace what of the guests goes to standard error
     */
    CaseRunner(String hung, String crashed, Set<TraceTopic> trace) {
        this.hung = hung;
        this.crashed = crashed;
        this.trace = trace;
    }

    /** Boots an image for each case, until one is not passed. */
    LabResult run(List<GuestCase> cases, Path image) throws IOException {
        List<String> passed = new ArrayList<>();
        try (Host host = Host.start(POOL_BYTES, 1)) {
            for (GuestCase tried : cases) {
                LabVerdict verdict = run(host, tried, image);
                if (!verdict.isPassed()) {
                    return new LabResult(
                            passed,
                            verdict.explanation().map(e -> new LabResult.Failure(tried.name(), e)));
                }
                passed.add(tried.name());
            }
        }
        return new LabResult(passed, Optional.empty());
    }

    private LabVerdict run(Host host, GuestCase tried, Path image) throws IOException {
        Output output = new Output();
        try (Guest guest = host.create(options(tried, image), output)) {
            if (tried.extension() != null) {
                guest.extend(tried.extension());
            }
            limit(guest);
            Outcome outcome = tried.course().run(host, guest, output);
            return verdict(outcome, tried.pass(), output.text());
        }
    }

    /** Ends the guest when it has executed more than any case needs. */
    static void limit(Guest guest) {
        guest.domain().pauseAt(guest.domain().retired() + INSTRUCTIONS, guest::destroy);
    }

    private BootOptions options(GuestCase tried, Path image) {
        return BootOptions.of("lab", image, tried.memoryMib() * MIB)
                .commandLine((tried.commandLine() + " pass=" + tried.pass()).strip())
                .vcpus(tried.vcpus())
                .trace(trace, Optional.empty())
                .timeout(Optional.of(GuestCase.PATIENCE))
                .virtualTime(true)
                .build();
    }

    private LabVerdict verdict(Outcome outcome, int pass, String console) {
        return switch (outcome.ending()) {
            case Outcome.PoweredOff(int code) when code == pass -> LabVerdict.PASSED;
            case Outcome.PoweredOff(int code) when code == SUCCESS ->
                    LabVerdict.failed(
                            "Your code ended the guest itself. It is called by the kernel that"
                                    + " checks it, and has to return to it.");
            case Outcome.PoweredOff(int code) when code == FAILURE ->
                    LabVerdict.failed(inOurWords(said(console)));
            case Outcome.PoweredOff _ ->
                    LabVerdict.failed(
                            "The guest wanted what it cannot do without, and Xen refused: "
                                    + said(console));
            case Outcome.Crashed(String report) ->
                    LabVerdict.failed(crashed + " (" + report.lines().findFirst().orElse("") + ")");
            case Outcome.Destroyed _, Outcome.TimedOut _ -> LabVerdict.failed(hung);
            case Outcome.Rebooted _, Outcome.Left _, Outcome.Saved _ ->
                    LabVerdict.failed("The guest ended without an outcome. " + hung);
        };
    }

    private String inOurWords(String said) {
        return said.startsWith(TRAP) ? crashed + " (" + said + ")" : said;
    }

    /** What stands behind the name and the outcome in the last line. */
    private static String said(String console) {
        String last = console.strip();
        last = last.substring(last.lastIndexOf('\n') + 1);
        String[] parts = last.split(": ", 3);
        return parts.length == 3 ? parts[2] : last;
    }

    /** What the guest prints, and nobody who types. */
    private static final class Output implements ConsoleIo {
        private final ConsoleLog log = new ConsoleLog();

        @Override
        public void write(byte[] bytes, int offset, int length) {
            log.write(bytes, offset, length);
        }

        @Override
        public void start(InputListener listener) {}

        String text() {
            return log.text();
        }
    }
}

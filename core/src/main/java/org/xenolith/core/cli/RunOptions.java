package org.xenolith.core.cli;

import org.xenolith.core.cli.value.TierName;
import org.xenolith.core.cli.value.TimeSpan;
import org.xenolith.cpu.translate.Tier;

import picocli.CommandLine.Option;

import java.time.Duration;
import java.util.Optional;

/** How one guest is run, whether it boots or goes on. */
final class RunOptions {
    @Option(
            names = "--timeout",
            paramLabel = "TIME",
            converter = TimeSpan.Positive.class,
            description = "Stops the guest after 60s, 2m or 500ms of wall time.")
    private Duration timeout;

    @Option(
            names = "--stats",
            description = "Tells at the end what the run took: instructions, hypercalls, faults.")
    private boolean statistics;

    @Option(
            names = "--tier",
            paramLabel = "TIER",
            converter = TierName.class,
            description =
                    "How the guest's code is executed: interp; jit, which translates what runs"
                            + " often; verify, which compares the two, slowly, with one vCPU."
                            + " Default: jit.")
    private Tier tier = Tier.standard();

    @Option(
            names = "--no-reboot",
            description = "Ends when the guest reboots, instead of booting it again.")
    private boolean noReboot;

    @Option(
            names = "--timer-slack",
            paramLabel = "TIME",
            defaultValue = "0",
            converter = TimeSpan.Slack.class,
            description =
                    "Lets the guest's timers come late by as much, 10s at most, while nobody has"
                            + " anything for it: an idle guest then wakes once in that time."
                            + " Default: 0.")
    private Duration timerSlack;

    Optional<Duration> timeout() {
        return Optional.ofNullable(timeout);
    }

    boolean statistics() {
        return statistics;
    }

    Tier tier() {
        return tier;
    }

    Duration timerSlack() {
        return timerSlack;
    }

    boolean noReboot() {
        return noReboot;
    }
}

package org.xenolith.core.cli;

import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.boot.ShutdownTime;
import org.xenolith.core.cli.output.ExitStatus;
import org.xenolith.core.cli.output.StandardOutput;
import org.xenolith.core.cli.value.TierName;
import org.xenolith.core.cli.value.TimeSpan;
import org.xenolith.core.cli.value.TraceTopicName;
import org.xenolith.core.config.FleetConfig;
import org.xenolith.core.fleet.Fleet;
import org.xenolith.core.fleet.FleetConsoles;
import org.xenolith.core.fleet.GuestPlan;
import org.xenolith.core.fleet.StopSignals;
import org.xenolith.core.trace.TraceFilter;
import org.xenolith.core.trace.TraceTopic;
import org.xenolith.cpu.translate.Tier;
import org.xenolith.devices.terminal.TerminalSession;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** {@code vmm up}: the guests that files describe, until all of them have ended. */
@Command(
        name = "up",
        header = "Starts the guests that files describe, all in one process.",
        description = {
            "",
            "A file is TOML with any number of guests, or an xl.cfg with one; docs/fleet.md"
                + " describes both. What guests print stands here behind their names; 'vmm console'"
                + " attaches to one from another terminal, 'vmm list' shows them all.",
            "",
            "Ctrl-C asks all guests to power off; a second one destroys them.",
            ""
        },
        footer = {
            "",
            "Exit status: 0 all guests ended as they should, 1 one crashed and was not started"
                    + " again, powered off with a code, could not start or had to be destroyed, 2"
                    + " wrong usage.",
            "",
            "Example:",
            "  vmm up examples/fleet.toml"
        })
final class UpCommand extends ServiceCommand {
    @Parameters(arity = "1..*", paramLabel = "FILE", description = "A fleet or a guest.")
    private List<Path> files;

    @Option(
            names = {"-q", "--no-console"},
            description = "Does not show what guests print.")
    private boolean noConsole;

    @Option(
            names = "--shutdown-timeout",
            paramLabel = "TIME",
            converter = TimeSpan.class,
            description =
                    "How long guests may take to power off when asked. Default: 20s, and 5s more"
                            + " for each guest, shared by the processors.")
    private Duration shutdownTimeout;

    @Option(
            names = "--timeout",
            paramLabel = "TIME",
            converter = TimeSpan.Positive.class,
            description = "Destroys the guests after 60s, 2m or 500ms of wall time.")
    private Duration timeout;

    @Option(
            names = "--tier",
            paramLabel = "TIER",
            converter = TierName.class,
            description = "How the guests' code is executed: see 'vmm boot --help'.")
    private Tier tier = Tier.standard();

    @Option(
            names = "--trace",
            paramLabel = "TOPIC",
            split = ",",
            converter = TraceTopicName.class,
            description = "Writes down on standard error what vmm boot --trace would.")
    private Set<TraceTopic> trace = EnumSet.noneOf(TraceTopic.class);

    @Option(
            names = "--trace-domain",
            paramLabel = "NAME",
            description = "Only of guests with such names; * and ? stand for anything.")
    private String traceDomain = "*";

    @Option(
            names = "--trace-function",
            paramLabel = "NAME",
            description = "Only what such functions of their kernels cause.")
    private String traceFunction = "";

    UpCommand(Services services) {
        super(services);
    }

    @Override
    public Integer call() throws IOException {
        FleetConfig config = ConfiguredGuest.fleet(files, this::say);
        ConfiguredGuest.requireFit(files, tier);
        boolean well;
        TerminalSession terminal = TerminalSession.openOutput();
        try (terminal) {
            Fleet fleet =
                    new Fleet(
                            config,
                            new GuestPlan(
                                    new KnownImages(services, spec.commandLine().getErr()),
                                    options -> traced(options).withTier(tier)),
                            consoles(config, terminal),
                            this::say,
                            shutdownTimeout != null ? _ -> shutdownTimeout : ShutdownTime::of);
            try (StopSignals _ = StopSignals.onEach(fleet::shutdown)) {
                well = fleet.run(Optional.of(services.sockets()), Optional.ofNullable(timeout));
            }
        }
        return StandardOutput.statusAfter(
                terminal, well ? ExitStatus.OK : ExitStatus.FAILED, spec.commandLine().getErr());
    }

    private BootOptions traced(BootOptions guest) {
        return traced(guest, trace, traceDomain, traceFunction);
    }

    /** A guest of a fleet with its trace, if it is one of those to be traced. */
    static BootOptions traced(
            BootOptions guest, Set<TraceTopic> topics, String domains, String function) {
        return TraceFilter.pattern(domains).matcher(guest.name()).matches()
                ? guest.toBuilder().trace(topics, Optional.empty()).traceFunction(function).build()
                : guest;
    }

    private FleetConsoles consoles(FleetConfig config, TerminalSession terminal) {
        return noConsole
                ? FleetConsoles.silent()
                : FleetConsoles.on(terminal, terminal.interactive(), config.guests());
    }
}

package org.xenolith.core.cli;

import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.boot.EndedWithLosses;
import org.xenolith.core.boot.EventActions;
import org.xenolith.core.boot.GuestDevices;
import org.xenolith.core.boot.Outcome;
import org.xenolith.core.boot.TierUnfit;
import org.xenolith.core.cli.output.StandardOutput;
import org.xenolith.core.cli.value.MemoryRangeOption;
import org.xenolith.core.cli.value.TraceTopicName;
import org.xenolith.core.cli.value.VcpuCount;
import org.xenolith.core.config.ConfigException;
import org.xenolith.core.config.DiskSpec;
import org.xenolith.core.config.GuestConfig.Action;
import org.xenolith.core.config.GuestName;
import org.xenolith.core.config.MemoryRange;
import org.xenolith.core.disk.BootDisk;
import org.xenolith.core.trace.TraceTopic;
import org.xenolith.devices.terminal.TerminalSession;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParseResult;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** {@code vmm boot}: one guest, its console on this terminal, until it ends. */
@Command(
        name = "boot",
        aliases = {"create", "run"},
        header = "Boots a guest with its console on this terminal.",
        description = {
            "",
            "Without IMAGE and -k it boots hearth, our own small kernel, with BusyBox. An IMAGE"
                + " that is a disk is looked into for the kernel it would boot; a first disk that"
                + " is a directory gets Debian's. Ctrl-] leaves a guest; so does powering it off"
                + " from inside.",
            ""
        },
        customSynopsis = "vmm boot [IMAGE] [OPTIONS] [-- KERNEL ARGUMENTS]",
        parameterListHeading = "What to boot:%n",
        footer = {
            "",
            "Exit status: 0 the guest powered off, was left or saved, 1 it or a copy of it that"
                    + " 'vmm fork' made crashed, it ran out of time"
                    + " or could not boot, or its output or trace could not be written, 2 wrong"
                    + " usage, 6 to 255 what the guest latched by"
                    + " SCHEDOP_shutdown_code before it powered off, 128 and the signal's number"
                    + " when a signal ended vmm.",
            "",
            "Examples:",
            "  vmm boot debian -m 512M --vcpus 2",
            "  vmm boot debian -- loglevel=8 nokaslr",
            "  vmm boot guest.img --ephemeral",
            "  vmm boot -d ./root -- init=/bin/sh",
            "  vmm boot -k vmlinuz -i initrd.img --append 'console=hvc0 root=/dev/ram0'",
            "  vmm boot --trace=hypercall,event --trace-file boot.trace",
            "  echo poweroff | vmm boot --timeout 60s",
            "",
            "Spellings of QEMU and xl work too: -kernel, -initrd, -append, -smp, -name, -nographic;"
                    + " vmm create."
        })
final class BootCommand extends ServiceCommand {
    private final List<String> kernelArguments;

    @Mixin private final BootSource source;

    @Mixin private DeviceOptions devices;

    @Option(
            names = {"-m", "--memory"},
            paramLabel = "SIZE",
            defaultValue = "256M",
            converter = MemoryRangeOption.class,
            description =
                    "Memory of the guest: 256M, 1G, or a number of MiB; 96M..256M starts it with 96"
                            + " MiB and lets its balloon grow. Default: 256M.")
    private MemoryRange memory;

    @Option(
            names = "--vcpus",
            paramLabel = "N",
            defaultValue = "1",
            converter = VcpuCount.Converter.class,
            description = "Virtual CPUs. Default: 1.")
    private VcpuCount vcpus;

    @Option(
            names = {"-n", "--name"},
            paramLabel = "NAME",
            description =
                    "Name of the guest: letters, digits, - _ and ., not digits alone. Default:"
                            + " the image's name.")
    private String name;

    @Option(
            names = "--append",
            paramLabel = "TEXT",
            description =
                    "Kernel arguments, added after those that the image needs. What follows -- is"
                            + " added too.")
    private List<String> append = List.of();

    @Option(
            names = "--trace",
            paramLabel = "TOPIC",
            split = ",",
            converter = TraceTopicName.class,
            description =
                    "Writes down what happens between guest and host: hypercall, fault, event, mmu,"
                            + " grant, ring, page, xenstore, schedule, instruction. Several are"
                            + " separated by commas. docs/watching.md explains them.")
    private Set<TraceTopic> trace = EnumSet.noneOf(TraceTopic.class);

    @Option(
            names = "--trace-file",
            paramLabel = "FILE",
            description =
                    "Where the trace goes: FILE.json becomes a timeline for Perfetto, FILE.jfr a"
                            + " recording for the JDK's tools, any other name text. Without --trace"
                            + " it gets all but instructions. Default: standard error.")
    private Path traceFile;

    @Option(
            names = "--trace-function",
            paramLabel = "NAME",
            description =
                    "Writes down only what this function of the guest's kernel causes; * and ?"
                            + " stand for anything: 'xen_*'. Without --trace it is hypercalls.")
    private String traceFunction = "";

    @Mixin private RunOptions run;

    @Option(
            names = "--virtual-time",
            description =
                    "Lets the guest's clocks count instructions: each run is then the same,"
                            + " instruction by instruction.")
    private boolean virtualTime;

    BootCommand(Services services, List<String> kernelArguments) {
        super(services);
        this.kernelArguments = kernelArguments;
        source = new BootSource(services);
    }

    @Override
    public Integer call() throws IOException {
        BootOptions options = options();
        TerminalSession console = services.console().get();
        Ended ended = new Ended(spec.commandLine().getErr(), console, run.timeout());
        Outcome outcome;
        try (console) {
            if (console.interactive()) {
                say("Booting " + options.name() + "; Ctrl-] leaves.");
            }
            outcome = services.machine().boot(options, console, ended);
        } catch (EndedWithLosses failed) {
            ended.tellStatistics(failed.statistics());
            throw failed;
        }
        // The terminal is the user's again, and all the guest wrote stands above what follows.
        return StandardOutput.statusAfter(
                console, ended.tell(outcome), spec.commandLine().getErr());
    }

    /** What is traced when a file or a function is named and no topic. */
    private void completeTrace() {
        if (trace.isEmpty() && traceFile != null) {
            trace = TraceTopic.standard();
        } else if (trace.isEmpty() && !traceFunction.isEmpty()) {
            trace = EnumSet.of(TraceTopic.HYPERCALL);
        }
    }

    private void checkName() {
        try {
            if (name != null) {
                GuestName.check(name);
            }
        } catch (ConfigException e) {
            throw NamedFile.usage(spec, e.getMessage() + ".");
        }
    }

    private BootOptions options() throws IOException {
        checkName();
        if (virtualTime && run.timerSlack().isPositive()) {
            throw NamedFile.usage(
                    spec, "--timer-slack is for the host's time, and --virtual-time has its own.");
        }
        completeTrace();
        Optional<Path> configuration = source.configuration();
        return configuration.isPresent() ? configured(configuration.get()) : named();
    }

    /** A system that the command line names. */
    private BootOptions named() throws IOException {
        TierUnfit.check("The guest", run.tier(), vcpus.value()); // before anything is fetched
        GuestDevices written = devices.written();
        devices.natNetwork(); // before anything is fetched
        KnownGuests.Files files = source.files(written);
        String line = String.join(" ", arguments());
        String guestName = name == null ? source.name(files, written) : name;
        return asAsked(
                BootOptions.of(guestName, files.kernel(), memory.minBytes())
                        .initrd(source.initrdOr(files.initrd()))
                        .commandLine((files.commandLine() + " " + line).strip())
                        .bootDisk(files.read().map(disk -> bootDisk(disk, line)))
                        .memory(memory.minBytes(), memory.maxBytes())
                        .vcpus(vcpus.value())
                        .actions(actions(EventActions.STANDARD))
                        .devices(devices.devices(written, source.ownDisk(files))));
    }

    private List<String> arguments() {
        List<String> all = new ArrayList<>(append);
        all.addAll(kernelArguments);
        all.removeIf(String::isBlank);
        return all;
    }

    private BootDisk bootDisk(Path disk, String arguments) {
        return new BootDisk(DiskSpec.of(disk), source.initrdOr(Optional.empty()), arguments);
    }

    /** An xl.cfg; what the command line says too goes before what the file says. */
    private BootOptions configured(Path file) throws IOException {
        ParseResult given = spec.commandLine().getParseResult();
        ConfiguredGuest guest =
                ConfiguredGuest.read(file, this::say)
                        .called(Optional.ofNullable(name))
                        .withArguments(arguments());
        if (given.hasMatchedOption("--memory")) {
            guest = guest.withMemory(memory);
        }
        if (given.hasMatchedOption("--vcpus")) {
            guest = guest.withVcpus(vcpus.value());
        }
        guest.requireFit(file, run.tier());
        BootOptions planned = guest.options(new KnownImages(services, spec.commandLine().getErr()));
        return asAsked(
                planned.toBuilder()
                        .initrd(source.initrdOr(planned.initrd()))
                        .bootDisk(planned.bootDisk().map(this::withInitrdAsked))
                        .actions(actions(planned.actions()))
                        .devices(devices.behind(planned.devices())));
    }

    private BootDisk withInitrdAsked(BootDisk planned) {
        return new BootDisk(planned.disk(), source.initrdOr(planned.initrd()), planned.arguments());
    }

    private EventActions actions(EventActions planned) {
        return run.noReboot() ? planned.withOnReboot(Action.DESTROY) : planned;
    }

    /** With what only the command line says, whatever is booted. */
    private BootOptions asAsked(BootOptions.Builder guest) {
        return guest.trace(trace, Optional.ofNullable(traceFile))
                .traceFunction(traceFunction)
                .natNetwork(devices.natNetwork())
                .timeout(run.timeout())
                .virtualTime(virtualTime)
                .statistics(run.statistics())
                .tier(run.tier())
                .timerSlack(run.timerSlack())
                .build();
    }
}

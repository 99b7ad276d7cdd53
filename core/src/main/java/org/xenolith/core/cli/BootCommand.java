package org.xenolith.core.cli;

import org.xenolith.core.config.ConfigException;
import org.xenolith.core.config.DiskSpec;
import org.xenolith.core.config.GuestConfig.Action;
import org.xenolith.core.config.MemoryRange;
import org.xenolith.core.machine.BootDisk;
import org.xenolith.core.machine.BootFailed;
import org.xenolith.core.machine.BootOptions;
import org.xenolith.core.machine.DirectoryDisk;
import org.xenolith.core.machine.DiskBoot;
import org.xenolith.core.machine.EventActions;
import org.xenolith.core.machine.GuestDevices;
import org.xenolith.core.machine.Outcome;
import org.xenolith.core.trace.TraceTopic;
import org.xenolith.devices.filesystem.UnreadableFileSystem;
import org.xenolith.devices.net.NetworkSpec;
import org.xenolith.devices.net.nat.PortForward;
import org.xenolith.devices.terminal.TerminalSession;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParseResult;

import java.io.IOException;
import java.nio.file.Files;
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
            "Exit status: 0 the guest powered off, was left or saved, 1 it crashed, ran out of time"
                    + " or could not boot, 2 wrong usage, 6 to 255 what the guest latched by"
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
    private static final String DEFAULT_COMMAND_LINE = "console=hvc0";
    private static final String DEFAULT_NETWORK = "nat";

    private final List<String> kernelArguments;

    @Parameters(
            paramLabel = "IMAGE",
            arity = "0..1",
            description =
                    "The name of a known guest (hearth, lantern, debian, lamp), a disk image, a"
                            + " kernel file, or an xl.cfg that describes a guest.")
    private String image;

    @Option(
            names = {"-k", "--kernel"},
            paramLabel = "FILE",
            description = "Kernel: a bzImage (vmlinuz) or an ELF file, built for Xen PV.")
    private Path kernel;

    @Option(
            names = {"-i", "--initrd"},
            paramLabel = "FILE",
            description = "Initial RAM disk, handed to the kernel as it is.")
    private Path initrd;

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
            description = "Name of the guest. Default: the image's name.")
    private String name;

    @Option(
            names = "--append",
            paramLabel = "TEXT",
            description =
                    "Kernel arguments, added after those that the image needs. What follows -- is"
                            + " added too.")
    private List<String> append = List.of();

    @Option(
            names = {"-d", "--disk", "--drive"},
            paramLabel = "DISK",
            description =
                    "A disk, the first is xvda: FILE[,ro][,ephemeral][,overlay=FILE], or as xl and"
                            + " QEMU write it; DIR is a disk with a copy of that directory, which"
                            + " is forgotten in the end. May be given several times.")
    private List<String> disks = List.of();

    @Option(
            names = "--ephemeral",
            description = "What the guest writes to its disks is forgotten when it ends.")
    private boolean ephemeral;

    @Option(
            names = "--net",
            paramLabel = "NETWORK",
            description =
                    "A network interface: nat (no rights needed), none (other guests only),"
                        + " tap:NAME, udp:LOCAL,REMOTE, stream:connect=HOST:PORT; with ,mac="
                        + " ,devid= ,pcap= ,delay= ,loss= ,rate=, nat with ,ipv6=off. Default: nat"
                        + " if there is a disk or -p.")
    private List<String> networks = List.of();

    @Option(
            names = {"-p", "--publish"},
            paramLabel = "[ADDR:]PORT:PORT[/udp]",
            description =
                    "A port of this host that leads to a port of the guest: 8080:80,"
                            + " [::1]:8080:80.")
    private List<String> forwards = List.of();

    @Option(
            names = "--bootloader",
            paramLabel = "FILE",
            description =
                    "A PV guest that loads the kernel from the disk, such as GRUB's"
                            + " grub-x86_64-xen.bin; instead of looking into the disk.")
    private Path bootloader;

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
    }

    @Override
    public Integer call() throws IOException {
        BootOptions options = options();
        Ended ended = new Ended(spec.commandLine().getErr(), run.timeout());
        Outcome outcome;
        try (TerminalSession console = services.console().get()) {
            if (console.interactive()) {
                say("Booting " + options.name() + "; Ctrl-] leaves.");
            }
            outcome = services.machine().boot(options, console, ended::tellRestart);
        }
        // The terminal is the user's again, and all the guest wrote stands above what follows.
        return ended.tell(outcome);
    }

    /** What is traced when a file or a function is named and no topic. */
    private void completeTrace() {
        if (trace.isEmpty() && traceFile != null) {
            trace = EnumSet.complementOf(EnumSet.of(TraceTopic.INSTRUCTION));
        } else if (trace.isEmpty() && !traceFunction.isEmpty()) {
            trace = EnumSet.of(TraceTopic.HYPERCALL);
        }
    }

    private BootOptions options() throws IOException {
        completeTrace();
        if (kernel == null && image != null && ConfiguredGuest.isFile(image)) {
            return configured();
        }
        GuestDevices written = writtenDevices();
        KnownGuests.Files files = files(written);
        List<String> arguments = new ArrayList<>(append);
        arguments.addAll(kernelArguments);
        arguments.removeIf(String::isBlank);
        String line = String.join(" ", arguments);
        String guestName = name == null ? defaultName(files, written) : name;
        return asAsked(
                BootOptions.of(guestName, files.kernel(), memory.minBytes())
                        .initrd(initrdOr(files.initrd()))
                        .commandLine((files.commandLine() + " " + line).strip())
                        .bootDisk(files.read().map(disk -> bootDisk(disk, line)))
                        .memory(memory.minBytes(), memory.maxBytes())
                        .vcpus(vcpus.value())
                        .actions(actions(EventActions.STANDARD))
                        .devices(devices(files, written)));
    }

    private BootDisk bootDisk(Path disk, String arguments) {
        return new BootDisk(diskOf(disk), Optional.ofNullable(initrd), arguments);
    }

    /** What the command line lists; it is checked before anything is fetched or unpacked. */
    private GuestDevices writtenDevices() {
        try {
            List<DiskSpec> all = new ArrayList<>();
            for (String disk : disks) {
                DiskSpec spec = DiskSpec.parse(disk);
                if (!Files.isDirectory(spec.file())) {
                    existing("disk", spec.file());
                }
                all.add(spec);
            }
            return new GuestDevices(
                    all,
                    networks.stream().map(NetworkSpec::parse).toList(),
                    forwards.stream().map(PortForward::parse).toList());
        } catch (ConfigException | IllegalArgumentException e) {
            throw usage(e.getMessage() + ".");
        }
    }

    private GuestDevices devices(KnownGuests.Files files, GuestDevices written) throws IOException {
        List<DiskSpec> all = imagesOf(written.disks());
        if (files.disk().isPresent()) {
            DiskSpec first = diskOf(files.disk().get());
            // The image of a known guest is everybody's: what this one writes stays with it.
            all.addFirst(isKnownGuest() ? first.asEphemeral() : first);
        }
        if (ephemeral) {
            all.replaceAll(DiskSpec::asEphemeral);
        }
        boolean isOnNat =
                written.networks().isEmpty() && !(all.isEmpty() && written.forwards().isEmpty());
        return new GuestDevices(
                all,
                isOnNat ? List.of(NetworkSpec.parse(DEFAULT_NETWORK)) : written.networks(),
                written.forwards());
    }

    /** Puts an image in the place of each directory. */
    private static List<DiskSpec> imagesOf(List<DiskSpec> disks) throws IOException {
        List<DiskSpec> all = new ArrayList<>();
        for (DiskSpec disk : disks) {
            all.add(Files.isDirectory(disk.file()) ? DirectoryDisk.imageOf(disk) : disk);
        }
        return all;
    }

    private GuestDevices together(GuestDevices described, GuestDevices written) throws IOException {
        List<DiskSpec> all = imagesOf(described.disks());
        all.addAll(imagesOf(written.disks()));
        if (ephemeral) {
            all.replaceAll(DiskSpec::asEphemeral);
        }
        List<NetworkSpec> places = new ArrayList<>(described.networks());
        places.addAll(written.networks());
        List<PortForward> ports = new ArrayList<>(described.forwards());
        ports.addAll(written.forwards());
        return new GuestDevices(all, places, ports);
    }

    /** An xl.cfg; what the command line says too goes before what the file says. */
    private BootOptions configured() throws IOException {
        ParseResult given = spec.commandLine().getParseResult();
        List<String> arguments = new ArrayList<>(append);
        arguments.addAll(kernelArguments);
        ConfiguredGuest guest =
                ConfiguredGuest.read(Path.of(image), this::say)
                        .called(Optional.ofNullable(name))
                        .withArguments(arguments);
        if (given.hasMatchedOption("--memory")) {
            guest = guest.withMemory(memory);
        }
        if (given.hasMatchedOption("--vcpus")) {
            guest = guest.withVcpus(vcpus.value());
        }
        BootOptions planned = guest.options(new KnownImages(services, spec.commandLine().getErr()));
        return asAsked(
                planned.toBuilder()
                        .initrd(initrdOr(planned.initrd()))
                        .bootDisk(planned.bootDisk().map(this::withInitrdAsked))
                        .actions(actions(planned.actions()))
                        .devices(together(planned.devices(), writtenDevices())));
    }

    private BootDisk withInitrdAsked(BootDisk planned) {
        return new BootDisk(planned.disk(), initrdOr(planned.initrd()), planned.arguments());
    }

    private EventActions actions(EventActions planned) {
        return run.noReboot() ? planned.withOnReboot(Action.DESTROY) : planned;
    }

    /** With what only the command line says, whatever is booted. */
    private BootOptions asAsked(BootOptions.Builder guest) {
        return guest.trace(trace, Optional.ofNullable(traceFile))
                .traceFunction(traceFunction)
                .timeout(run.timeout())
                .virtualTime(virtualTime)
                .statistics(run.statistics())
                .tier(run.tier())
                .build();
    }

    private Optional<Path> initrdOr(Optional<Path> own) {
        return initrd == null ? own : Optional.of(existing("initrd", initrd));
    }

    private KnownGuests.Files files(GuestDevices written) throws IOException {
        if (kernel != null) {
            if (image != null) {
                throw usage(
                        "'"
                                + image
                                + "' and -k "
                                + kernel
                                + " exclude each other: name one kernel.");
            }
            return kernelFile(existing("kernel", kernel));
        }
        if (bootloader != null) {
            return new KnownGuests.Files(
                    existing("boot loader", bootloader),
                    Optional.empty(),
                    "",
                    Optional.ofNullable(image).map(Path::of),
                    Optional.empty());
        }
        String wanted = image == null ? services.images().names().getFirst() : image;
        if (services.images().names().contains(wanted)) {
            try (StatusLine status =
                    new StatusLine(spec.commandLine().getErr(), services.errorIsTerminal())) {
                return isDirectoryBoot(written)
                        ? services.images().prepareForRoot(status)
                        : services.images().prepare(wanted, false, status);
            }
        }
        Path file = Path.of(wanted);
        if (Files.isDirectory(file)) {
            throw usage(
                    "'%s' is a directory: -d %s boots it as the root file system."
                            .formatted(wanted, wanted));
        }
        if (!Files.exists(file)) {
            throw usage(
                    "'"
                            + wanted
                            + "' is neither a known guest ("
                            + String.join(", ", services.images().names())
                            + ") nor a kernel file.");
        }
        return DiskBoot.isKernel(existing("kernel", file)) ? kernelFile(file) : fromDisk(file);
    }

    /** Whether the system is a directory of the host, and nothing says which kernel to use. */
    private boolean isDirectoryBoot(GuestDevices written) {
        return kernel == null
                && image == null
                && bootloader == null
                && !written.disks().isEmpty()
                && Files.isDirectory(written.disks().getFirst().file());
    }

    private KnownGuests.Files fromDisk(Path file) throws IOException {
        DiskBoot boot;
        try {
            boot = DiskBoot.from(file);
        } catch (UnreadableFileSystem e) {
            throw new BootFailed(
                    "%s boots nothing by itself: %s. With a kernel of yours: -k FILE -d %s"
                            .formatted(file, e.getMessage(), file),
                    e);
        }
        return new KnownGuests.Files(
                boot.kernel(),
                boot.initrd(),
                boot.commandLine(),
                Optional.of(file),
                Optional.of(file));
    }

    private boolean isKnownGuest() {
        return kernel == null && bootloader == null && services.images().names().contains(image);
    }

    private static DiskSpec diskOf(Path file) {
        return new DiskSpec(
                file, Optional.empty(), Optional.empty(), false, false, Optional.empty());
    }

    private static KnownGuests.Files kernelFile(Path kernel) {
        return new KnownGuests.Files(kernel, Optional.empty(), DEFAULT_COMMAND_LINE);
    }

    /** What the user named, never a file that was made of it. */
    private String defaultName(KnownGuests.Files files, GuestDevices written) {
        if (isDirectoryBoot(written)) {
            return fileName(written.disks().getFirst().file());
        }
        if (kernel == null && bootloader == null && image == null) {
            return services.images().names().getFirst();
        }
        return isKnownGuest() ? image : fileName(files.disk().orElse(files.kernel()));
    }

    private static String fileName(Path file) {
        Path last = file.toAbsolutePath().normalize().getFileName();
        return last == null ? "root" : last.toString();
    }

    private Path existing(String what, Path file) {
        if (Files.isDirectory(file)) {
            throw usage("The " + what + " " + file + " is a directory.");
        }
        if (!Files.exists(file)) {
            throw usage("The " + what + " " + file + " does not exist.");
        }
        if (!Files.isReadable(file)) {
            throw usage("The " + what + " " + file + " may not be read by you.");
        }
        return file;
    }

    private ParameterException usage(String sentence) {
        return new ParameterException(spec.commandLine(), sentence);
    }
}

package org.xenolith.core.cli;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.US_ASCII;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.core.boot.BootFailed;
import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.boot.EventActions;
import org.xenolith.core.boot.GuestDevices;
import org.xenolith.core.boot.Machine;
import org.xenolith.core.boot.Outcome;
import org.xenolith.core.boot.Restorer;
import org.xenolith.core.boot.TierUnfit;
import org.xenolith.core.cli.output.StatusLine;
import org.xenolith.core.config.DiskSpec;
import org.xenolith.core.config.GuestConfig.Action;
import org.xenolith.core.control.ControlFolder;
import org.xenolith.core.trace.TraceTopic;
import org.xenolith.devices.host.HostNeeds;
import org.xenolith.devices.net.NetworkSpec;
import org.xenolith.devices.net.nat.PortForward;
import org.xenolith.devices.terminal.TerminalSession;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.Set;

final class VmmTest {
    private final List<BootOptions> booted = new ArrayList<>();
    private final Deque<Outcome.Ending> endings = new ArrayDeque<>();
    private Duration delay = Duration.ZERO;
    private final ByteArrayOutputStream console = new ByteArrayOutputStream();
    private OutputStream terminal = console;
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();
    private boolean debug;
    private Machine machine =
            (options, io, restarts) -> {
                booted.add(options);
                io.write("hello\n".getBytes(US_ASCII), 0, 6);
                Outcome.Ending ending =
                        endings.isEmpty() ? new Outcome.PoweredOff() : endings.remove();
                while (!endings.isEmpty()) {
                    restarts.startsAgain(ending, delay);
                    ending = endings.remove();
                }
                return new Outcome(ending, options.statistics() ? "7 instructions" : "");
            };

    private final List<String> restored = new ArrayList<>();
    private Restorer restorer =
            (file, options, io, restarts) -> {
                restored.add(file + " " + options);
                return new Outcome(
                        endings.isEmpty() ? new Outcome.PoweredOff() : endings.remove(), "");
            };

    @TempDir private Path folder;
    private Path kernel;
    private Path initrd;

    @BeforeEach
    void makeFiles() throws IOException {
        kernel = Files.writeString(folder.resolve("vmlinuz"), "\177ELF kernel");
        initrd = Files.writeString(folder.resolve("initrd.img"), "initrd");
    }

    @Test
    void bootWithoutArgumentsStartsOurOwnGuestWithTheDefaults() {
        assertThat(vmm("boot")).isZero();

        assertThat(booted)
                .containsExactly(
                        BootOptions.of("guest", Path.of("guest.elf"), 256L << 20)
                                .commandLine("own")
                                .build());
        assertThat(console.toString(US_ASCII)).isEqualTo("hello\n");
        assertThat(err.toString()).isEmpty();
    }

    @Test
    void restoreGoesOnWithAFileAndTellsHowTheGuestEnded() {
        endings.add(new Outcome.Saved(Path.of("/tmp/web")));
        assertThat(vmm("restore", "-p", "--timeout", "5s", "--tier=jit", "saved")).isZero();
        assertThat(restored)
                .containsExactly(
                        "saved RestoreOptions[paused=true, timeout=Optional[PT5S],"
                                + " statistics=false, tier=JIT, noReboot=false,"
                                + " changedDisks=false]");
        assertThat(err.toString()).isEqualTo("The guest was saved to /tmp/web.\n");
    }

    @Test
    void everyOptionReachesTheMachine() {
        int status =
                vmm(
                        "boot",
                        "-k",
                        kernel.toString(),
                        "-i",
                        initrd.toString(),
                        "-m",
                        "1G",
                        "--vcpus",
                        "4",
                        "--name",
                        "web",
                        "--trace=hypercall,FAULT",
                        "--trace-file",
                        "boot.trace",
                        "--timeout",
                        "2m",
                        "--virtual-time",
                        "--stats",
                        "--append",
                        "quiet",
                        "--",
                        "--init=/bin/sh",
                        "-x",
                        "--");

        assertThat(status).isZero();
        assertThat(booted)
                .containsExactly(
                        BootOptions.of("web", kernel, 1L << 30)
                                .initrd(Optional.of(initrd))
                                .commandLine("console=hvc0 quiet --init=/bin/sh -x --")
                                .vcpus(4)
                                .trace(
                                        Set.of(TraceTopic.HYPERCALL, TraceTopic.FAULT),
                                        Optional.of(Path.of("boot.trace")))
                                .timeout(Optional.of(Duration.ofMinutes(2)))
                                .virtualTime(true)
                                .statistics(true)
                                .build());
        assertThat(err.toString()).isEqualTo("7 instructions\n");
    }

    @Test
    void spellingsOfQemuMeanTheSame() {
        vmm(
                "boot",
                "-k",
                kernel.toString(),
                "-i",
                initrd.toString(),
                "-m",
                "512",
                "--vcpus",
                "2",
                "--append",
                "quiet",
                "--name",
                "web");
        vmm(
                "create",
                "-kernel",
                kernel.toString(),
                "-initrd",
                initrd.toString(),
                "-m",
                "512M",
                "-smp",
                "cpus=2,cores=2",
                "-append",
                "quiet",
                "-name",
                "web",
                "-nographic",
                "-serial",
                "stdio");

        assertThat(booted).hasSize(2);
        assertThat(booted.get(1)).isEqualTo(booted.get(0));
        assertThat(err.toString()).isEmpty();
    }

    @Test
    void valueOfAnOptionIsNoSpellingOfXlOrQemu() {
        assertThat(vmm("create", "-c", "-k", kernel.toString(), "--append", "-c")).isZero();
        assertThat(vmm("boot", "-k", kernel.toString(), "--trace-function", "-smp")).isZero();
        assertThat(booted.getFirst().commandLine()).endsWith(" -c");
        assertThat(booted.getLast().traceFunction()).isEqualTo("-smp");
    }

    @Test
    void knownGuestsKeepTheirOwnCommandLineInFrontOfTheUsers() {
        assertThat(vmm("boot", "debian", "--", "nokaslr")).isZero();

        assertThat(booted.getFirst().name()).isEqualTo("debian");
        assertThat(booted.getFirst().commandLine()).isEqualTo("debian defaults nokaslr");
        assertThat(booted.getFirst().initrd()).contains(Path.of("debian.cpio"));
    }

    @Test
    void imageMayBeKernelFile() {
        assertThat(vmm("boot", kernel.toString())).isZero();

        assertThat(booted.getFirst().kernel()).isEqualTo(kernel);
        assertThat(booted.getFirst().name()).isEqualTo("vmlinuz");
    }

    @Test
    void disksAndNetworksReachTheMachine() throws Exception {
        Path disk = Files.write(folder.resolve("disk.img"), new byte[512]);
        assertThat(
                        vmm(
                                "boot",
                                "debian",
                                "-d",
                                disk + ",ro",
                                "-drive",
                                "file=" + disk + ",format=raw",
                                "--net",
                                "none,mac=00:16:3e:00:00:07",
                                "-p",
                                "8080:80"))
                .isZero();
        GuestDevices devices = booted.getFirst().devices();
        assertThat(devices.disks()).extracting(DiskSpec::readOnly).containsExactly(true, false);
        assertThat(devices.networks())
                .containsExactly(NetworkSpec.parse("none,mac=00:16:3e:00:00:07"));
        assertThat(devices.forwards()).containsExactly(PortForward.parse("8080:80"));
    }

    @Test
    void guestWithADiskGetsANetworkAndOneWithoutNone() throws Exception {
        Path disk = Files.write(folder.resolve("disk.img"), new byte[512]);
        assertThat(vmm("boot", "debian", "--ephemeral", "-d", disk.toString())).isZero();
        assertThat(booted.getFirst().devices().networks())
                .containsExactly(NetworkSpec.parse("nat"));
        assertThat(booted.getFirst().devices().disks().getFirst().ephemeral()).isTrue();
        assertThat(vmm("boot", "debian")).isZero();
        assertThat(booted.getLast().devices()).isEqualTo(GuestDevices.NONE);
    }

    @Test
    void directoryAsFirstDiskBootsDebiansKernelWithAnImageOfIt() throws Exception {
        HostNeeds.requirePrograms("mke2fs");
        Path root = Files.createDirectory(folder.resolve("root"));
        assertThat(vmm("boot", "-d", root.toString())).as("%s", err).isZero();
        BootOptions options = booted.getFirst();
        assertThat(options.name()).isEqualTo("root");
        assertThat(options.kernel()).isEqualTo(Path.of("debian.vmlinuz"));
        assertThat(options.initrd()).contains(Path.of("hand-over.cpio"));
        DiskSpec disk = options.devices().disks().getFirst();
        assertThat(disk.format()).contains("raw");
        assertThat(disk.file()).isRegularFile();

        assertThat(vmm("boot", "-k", kernel.toString(), "-d", root.toString())).isZero();
        assertThat(booted.getLast().kernel()).as("the user's kernel").isEqualTo(kernel);
        assertThat(booted.getLast().initrd()).isEmpty();
    }

    @Test
    void nameThatSteersATerminalIsRefusedWithoutBeingPrinted() {
        for (String name : List.of("", "a\nb", "\u001b[31mred")) {
            assertThat(vmm("boot", "-n", name)).isEqualTo(2);
        }
        assertThat(err.toString()).contains("'\\x1b[31mred' is no name").doesNotContain("\u001b");
        assertThat(booted).isEmpty();
    }

    @Test
    void guestOfAFileWhoseNameIsNoneHasOneThatIs() throws IOException {
        Path odd = Files.copy(kernel, folder.resolve("my kernel"));
        assertThat(vmm("boot", odd.toString())).isZero();
        assertThat(booted).extracting(BootOptions::name).containsExactly("my-kernel");
    }

    @Test
    void guestOfABootLoaderIsNamedAfterItsDisk() throws Exception {
        Path disk = Files.write(folder.resolve("web.img"), new byte[512]);
        assertThat(vmm("boot", "--bootloader", kernel.toString(), disk.toString())).isZero();
        assertThat(booted.getFirst().name()).isEqualTo("web.img");
        assertThat(booted.getFirst().kernel()).isEqualTo(kernel);
        assertThat(vmm("boot", "--bootloader", kernel.toString(), "-d", disk.toString())).isZero();
        assertThat(booted.getLast().name()).isEqualTo("vmlinuz");
        assertThat(booted.getLast().devices().disks()).hasSize(1);
    }

    @Test
    void crashShowsItsReportAndFails() {
        endings.add(new Outcome.Crashed("guest crashed: #PF at 0x10\nrax 0\n\n"));

        assertThat(vmm("boot")).isEqualTo(1);

        assertThat(err.toString()).isEqualTo("guest crashed: #PF at 0x10\nrax 0\n");
        assertThat(console.toString(US_ASCII)).isEqualTo("hello\n");
    }

    @Test
    void guestThatTakesTooLongFailsWithSentence() {
        endings.add(new Outcome.TimedOut());

        assertThat(vmm("boot", "--timeout", "1500ms")).isEqualTo(1);

        assertThat(err.toString())
                .isEqualTo("vmm: the guest was stopped: it did not power off within 1500 ms.\n");
    }

    private static OutputStream failing(String why) {
        return new OutputStream() {
            @Override
            public void write(int b) throws IOException {
                throw new IOException(why);
            }
        };
    }

    @Test
    void bootIntoAFullDiskIsNoSuccess() {
        terminal = failing("No space left on device");
        assertThat(vmm("boot")).isEqualTo(1);
        assertThat(err.toString())
                .isEqualTo("vmm: standard output could not be written: No space left on device\n");
        endings.add(new Outcome.PoweredOff(7));
        assertThat(vmm("boot")).isEqualTo(7);
    }

    @Test
    void guestWhoseReaderHasSeenEnoughIsNoFailure() {
        terminal = failing("Broken pipe");
        assertThat(vmm("boot")).isZero();
        assertThat(err.toString()).isEmpty();
    }

    @Test
    void leavingIsNoFailure() {
        endings.add(new Outcome.Left());

        assertThat(vmm("boot")).isZero();
    }

    @Test
    void rebootIsAnotherStartUnlessForbidden() {
        assertThat(vmm("boot")).isZero();
        assertThat(booted.getLast().actions()).isEqualTo(EventActions.STANDARD);

        assertThat(vmm("boot", "--no-reboot")).isZero();
        assertThat(booted.getLast().actions())
                .isEqualTo(EventActions.STANDARD.withOnReboot(Action.DESTROY));

        assertThat(vmm("restore", "--no-reboot", "saved")).isZero();
        assertThat(restored.getLast()).contains("noReboot=true");
    }

    @Test
    void everyFurtherStartIsTold() {
        endings.add(new Outcome.Rebooted());
        endings.add(new Outcome.PoweredOff());
        assertThat(vmm("boot")).isZero();
        assertThat(err.toString()).isEqualTo("The guest reboots.\n");

        err.getBuffer().setLength(0);
        delay = Duration.ofSeconds(2);
        endings.add(new Outcome.Crashed("It crashed.\nrip 0\n"));
        endings.add(new Outcome.PoweredOff());
        assertThat(vmm("boot")).isZero();
        assertThat(err.toString())
                .isEqualTo("It crashed.\nrip 0\nThe guest is started again in 2 s.\n");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "boot -m 1x|'1x' is no amount of memory: write 256M, 1G or 262144K",
                "boot -m 0|'0' is no amount of memory that a guest can have",
                "boot --vcpus 0|'0' is no number of CPUs: write 1 to 32",
                "boot --smp 33|'33' is no number of CPUs: write 1 to 32",
                "boot --vcpus 2 --tier verify|The guest has 2 vCPUs: --tier=verify is for guests"
                        + " with",
                "boot -n 5|'5' is no name: use up to 63 letters, digits, '-', '_' and '.'",
                "boot --timeout soon|'soon' is no time: write 60s, 2m or 500ms",
                "boot --trace all|'all' is no topic: choose from hypercall, fault, event, mmu,",
                "boot nix|'nix' is neither a known guest (guest, debian) nor a kernel file.",
                "boot -k /nonexistent|The kernel /nonexistent does not exist.",
                "boot -k /|The kernel / is a directory.",
                "boot -i /nonexistent|The initrd /nonexistent does not exist.",
                "boot debian -k /bin/sh|'debian' and -k /bin/sh exclude each other",
                "boot --bogus|Unknown option: '--bogus'",
                "boot debian -d /nonexistent|The disk /nonexistent does not exist.",
                "boot debian -d x,vhd|disk 'x,vhd': the format vhd is not supported; raw and qcow2",
                "boot debian -d x,overlay=|disk 'x,overlay=': overlay= names no file",
                "boot debian --net wifi|Network 'wifi': 'wifi' is no kind of network; write nat,",
                "boot debian -p 80|'80' is not [ADDRESS:]HOSTPORT:GUESTPORT",
                "bott|Did you mean boot?",
                "boot --tierr=jit|Did you mean --tier?",
                "boot --timeout 0|'0' is no time above 0",
                "restore --timeout 0s x|'0s' is no time above 0",
                "up --timeout 0 x|'0' is no time above 0",
                "boot debian -d /dev/null,foo|\"foo\" is no disk of a Xen guest: write xvda, xvdb"
                        + " or xvda1.",
                "foo|There is no command 'foo'.",
                "xenstore foo|There is no command 'foo'.",
                "rings G --limit x|'x' is not a number",
                "pages G --depth 99999999999|'99999999999' is too large a number",
                "console G --json|Unknown option: '--json'",
                "trace|Missing required parameter: 'GUEST'",
                "help nonsense|There is no command 'nonsense'.",
                "boot /|'/' is a directory: -d / boots it as the root file system.",
                "image nix|'nix' is no known guest; there are guest, debian.",
                "image|Missing required parameter: 'NAME'",
                "inspect|Missing required parameter: 'FILE'",
                "forward-add G x|'x' is not [ADDRESS:]HOSTPORT:GUESTPORT",
                "forward-remove G x:y:z|'x:y:z' is not [ADDRESS:]PORT",
                "network-attach G bogus|Network 'bogus': 'bogus' is no kind of network",
                "pages G --depth 9|--depth is a number from 0 to 4, not 9.",
                "pages G --vcpu -1|--vcpu is a number from 0 to 31, not -1.",
                "pages G --mfn zz|'zz' is no frame number.",
                "rings G --limit 10001|--limit is a number from 0 to 10000, not 10001.",
                "save -c -p G /tmp/x|-c and -p exclude each other: the guest is left in one state.",
                "xenstore write /local|Missing required parameter: 'VALUE'",
                "xenstore write -g G /local|Missing required parameter: 'VALUE'",
                "xenstore read|Missing required parameter: 'PATH'",
                "xenstore ls / x|Unmatched argument at index 3: 'x'",
                "xenstore read / x|Unmatched argument at index 3: 'x'",
                "xenstore read -p /|Unknown option: '-p'"
            })
    void wrongUsageIsOneSentenceAndStatusTwo(String line, String sentence) {
        assertThat(vmm(line.split(" "))).isEqualTo(2);

        assertThat(err.toString()).startsWith("vmm: ").contains(sentence).contains("--help'.\n");
        assertThat(err.toString()).doesNotContain("Exception").doesNotContain("\tat ");
        assertThat(booted).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"nonsense", "boot --bogus", "explain foo"})
    void nothingIsSuggestedThatIsNotNear(String line) {
        assertThat(vmm(line.split(" "))).isPositive();
        assertThat(err.toString()).doesNotContain("Did you mean");
    }

    @Test
    void helpShowsThatTopicsOfATraceMayBeLeftOut() {
        assertThat(vmm("trace", "--help")).isZero();
        assertThat(out.toString()).contains(" GUEST [TOPIC[,TOPIC...]]");
    }

    @Test
    void helpAndVersionAreThereUnderAllTheirNames() {
        vmm("boot", "--help");
        String help = out.toString();
        out.getBuffer().setLength(0);
        assertThat(vmm("help", "boot")).isZero();
        assertThat(out.toString()).isEqualTo(help).contains("vmm boot [IMAGE]");
        assertThat(vmm("help")).isZero();
        assertThat(out.toString()).contains("Commands:");
        out.getBuffer().setLength(0);
        assertThat(vmm("--version")).isZero();
        assertThat(out.toString()).startsWith("Xenolith ");
        assertThat(err.toString()).isEmpty();
    }

    @Test
    void createBootsTheGuestOfAnXlFile() throws IOException {
        Path file =
                Files.writeString(
                        folder.resolve("web.cfg"),
                        """
                        name = 'web'
                        kernel = '%s'
                        ramdisk = '%s'
                        extra = 'quiet'
                        memory = 96
                        maxmem = 256
                        vcpus = 2
                        on_reboot = 'destroy'
                        vnc = 1
                        """
                                .formatted(kernel, initrd));
        assertThat(vmm("create", file.toString(), "--vcpus", "4", "--stats", "--", "nokaslr"))
                .isZero();
        assertThat(booted)
                .containsExactly(
                        BootOptions.of("web", kernel, 96L << 20)
                                .initrd(Optional.of(initrd))
                                .commandLine("console=hvc0 quiet nokaslr")
                                .memory(96L << 20, 256L << 20)
                                .vcpus(4)
                                .statistics(true)
                                .actions(EventActions.STANDARD.withOnReboot(Action.DESTROY))
                                .build());
        assertThat(err.toString()).contains("web.cfg:9: 'vnc' has no meaning for a PV guest here.");
    }

    @Test
    void xlFileThatMakesNoSenseIsOneSentence() throws IOException {
        Path file = Files.writeString(folder.resolve("web.cfg"), "name = 'web'\ntype = 'hvm'\n");
        for (String command : List.of("create", "up")) {
            err.getBuffer().setLength(0);
            assertThat(vmm(command, file.toString())).isEqualTo(1);
            assertThat(err.toString())
                    .isEqualTo(
                            "vmm: %s:2: only PV guests run here, this one is hvm\n"
                                    .formatted(file));
        }
        assertThat(vmm("up", "/nonexistent.toml")).isEqualTo(1);
        assertThat(vmm("up")).isEqualTo(2);
    }

    @Test
    void fileWithAGuestThatTheTierCannotHaveIsWrongUsage() throws IOException {
        Path file =
                Files.writeString(
                        folder.resolve("web.cfg"),
                        "name = 'web'\nkernel = '%s'\nvcpus = 2\n".formatted(kernel));
        for (String command : List.of("create", "up")) {
            err.getBuffer().setLength(0);
            assertThat(vmm(command, "--tier=verify", file.toString())).isEqualTo(2);
            assertThat(err.toString())
                    .startsWith(
                            "vmm: %s: web has 2 vCPUs: --tier=verify is for guests with one.\nTry 'vmm "
                                    .formatted(file));
        }
        assertThat(booted).isEmpty();
        assertThat(vmm("create", "--tier=verify", "--vcpus=1", file.toString())).isZero();
    }

    @Test
    void savedGuestThatTheTierCannotHaveIsWrongUsage() {
        restorer =
                (file, options, io, restarts) -> {
                    TierUnfit.check("web", options.tier(), 2);
                    throw new AssertionError("it goes on");
                };
        assertThat(vmm("restore", "--tier=verify", "saved")).isEqualTo(2);
        assertThat(err.toString())
                .isEqualTo(
                        "vmm: web has 2 vCPUs: --tier=verify is for guests with one.\n"
                                + "Try 'vmm restore --help'.\n");
    }

    @Test
    void diskThatBootsNothingIsNamedWithTheWayToGiveItAKernel() throws IOException {
        Path disk = Files.write(folder.resolve("disk.img"), new byte[1 << 20]);
        assertThat(vmm("boot", disk.toString())).isEqualTo(1);
        assertThat(err.toString())
                .startsWith("vmm: " + disk + " boots nothing by itself: There is no kernel")
                .endsWith("With a kernel of yours: -k FILE -d " + disk + "\n");
    }

    @Test
    void fleetThatIsNoTextIsNamed() throws IOException {
        Path file = Files.write(folder.resolve("fleet.toml"), new byte[] {'#', (byte) 0xff, '\n'});
        assertThat(vmm("up", file.toString())).isEqualTo(1);
        assertThat(err.toString()).isEqualTo("vmm: " + file + ": it is no text in UTF-8\n");
    }

    @Test
    void vmmAloneAsksForCommand() {
        assertThat(vmm()).isEqualTo(2);
        assertThat(err.toString()).startsWith("vmm: vmm needs a command, such as 'vmm boot'.");
    }

    @Test
    void fileOfAFleetIsNoDisk() throws IOException {
        Path file = Files.writeString(folder.resolve("fleet.toml"), "[guest.a]\n");
        assertThat(vmm("create", file.toString())).isEqualTo(2);
        assertThat(err.toString())
                .contains(
                        "'%s' describes guests in TOML: 'vmm up %s' starts them."
                                .formatted(file, file));
    }

    @Test
    void failuresOfBootAndImagesAreOneSentenceAndStatusOne() {
        machine =
                (_, _, _) -> {
                    throw new BootFailed("the kernel needs at least 40 MiB");
                };
        assertThat(vmm("boot")).isEqualTo(1);
        assertThat(err.toString()).isEqualTo("vmm: the kernel needs at least 40 MiB\n");

        err.getBuffer().setLength(0);
        assertThat(vmm("inspect", "/nonexistent")).isEqualTo(1);
        assertThat(err.toString()).isEqualTo("vmm: /nonexistent: there is no such file\n");
    }

    @Test
    void ourOwnMistakesShowNoStackTraceUnlessAskedFor() {
        machine =
                (_, _, _) -> {
                    throw new IllegalStateException("frame 7 freed twice");
                };
        assertThat(vmm("boot")).isEqualTo(1);
        assertThat(err.toString())
                .isEqualTo(
                        "vmm: internal error: java.lang.IllegalStateException: frame 7 freed twice;"
                                + " XENOLITH_DEBUG=1 shows where it comes from.\n");

        debug = true;
        vmm("boot");
        assertThat(err.toString()).contains("\tat ").contains("VmmTest.java");
    }

    @Test
    void imageTellsWhereItsFilesAre() {
        assertThat(vmm("image", "debian")).isZero();
        assertThat(out.toString())
                .isEqualTo(
                        """
                        kernel        debian.vmlinuz
                        initrd        debian.cpio
                        command line  debian defaults
                        """);
        assertThat(err.toString()).isEqualTo("Looking for news ...\n");
    }

    @Test
    void inspectPrintsWhatTheFileIs() {
        assertThat(vmm("inspect", kernel.toString())).isZero();
        assertThat(out.toString()).isEqualTo("11 bytes\n");
        assertThat(vmm("inspect", initrd.toString())).as("not bootable").isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "--help",
                "boot --help",
                "up --help",
                "image -h",
                "inspect --help",
                "version -h"
            })
    void everyCommandExplainsItself(String line) {
        assertThat(vmm(line.split(" "))).isZero();
        assertThat(out.toString()).contains("Usage: vmm");
        assertThat(out.toString().lines()).allSatisfy(l -> assertThat(l).hasSizeLessThan(101));
    }

    @Test
    void explainTellsWhatANameMeansAndWhereItIsImplemented() {
        assertThat(vmm("explain", "mmu_update")).isZero();
        assertThat(out.toString())
                .contains("mmu_update(requests, count, done, foreign_dom)")
                .contains("org.xenolith.core.mm.MmuUpdate");
    }

    @Test
    void explainTakesAnErrorAsATraceShowsIt() {
        assertThat(vmm("explain", "-EBUSY")).isZero();
        assertThat(out.toString()).startsWith("EBUSY");
    }

    @Test
    void explainSuggestsWhatMayBeMeant() {
        assertThat(vmm("explain", "mmu_updaet")).isEqualTo(1);
        assertThat(err.toString()).contains("mmu_updaet").contains("Did you mean mmu_update");
    }

    @Test
    void versionNamesTheProgramAndItsJava() {
        assertThat(vmm("version")).isZero();
        assertThat(out.toString())
                .startsWith("Xenolith ")
                .contains(" on Java " + Runtime.version().feature());
    }

    private int vmm(String... arguments) {
        Services services =
                new Services(
                        (options, io, restarts) -> machine.boot(options, io, restarts),
                        (file, options, io, restarts) ->
                                restorer.restore(file, options, io, restarts),
                        new TwoGuests(),
                        file ->
                                new Services.Inspection(
                                        Files.size(file) + " bytes\n", file.equals(kernel)),
                        () -> TerminalSession.on(InputStream.nullInputStream(), terminal),
                        ControlFolder.in(folder.resolve("sockets")),
                        false);
        return new Vmm(services, new PrintWriter(out, true), new PrintWriter(err, true), debug)
                .run(arguments);
    }

    @Test
    void labsAreListedAndStartedWithoutOverwritingAnything() throws IOException {
        assertThat(vmm("lab")).isZero();
        assertThat(out.toString()).contains("   1  What is a virtual machine?");
        Path work = folder.resolve("mine");
        assertThat(vmm("lab", "start", "9", work.toString())).isZero();
        assertThat(out.toString()).contains("vmm lab check 9 " + work);
        assertThat(work.resolve("FairScheduler.java")).exists();
        assertThat(vmm("lab", "start", "9", work.toString())).isEqualTo(1);
        assertThat(err.toString()).contains("FairScheduler.java is there already");
    }

    @Test
    void checkBeforeTheStartOfALabTellsHowToStart() {
        Path work = folder.resolve("mine");
        assertThat(vmm("lab", "check", "9", work.toString())).isEqualTo(1);
        assertThat(err.toString())
                .isEqualTo(
                        "vmm: There is no %s/FairScheduler.java: 'vmm lab start 9 %s' writes the"
                                        .formatted(work, work)
                                + " file that you complete.\n");
    }

    @Test
    void labThatIsNotPassedIsExplainedAndHasAStatusOfItsOwn() {
        String work = folder.resolve("mine").toString();
        vmm("lab", "start", "9", work);
        assertThat(vmm("lab", "check", "9", work)).isEqualTo(1);
        assertThat(out.toString())
                .contains("  FAIL  three that compute, alike")
                .contains("fair is a third each");
        assertThat(out.toString().lines()).allMatch(line -> line.length() <= 160);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "lab frobnicate|is none of list, start and check",
                "lab start|Which lab?",
                "lab check 11|There is no lab 11; there are 1 to 10"
            })
    void labThatIsNoneIsWrongUsage(String commandLine, String sentence) {
        assertThat(vmm(commandLine.split(" "))).isEqualTo(2);
        assertThat(err.toString()).contains(sentence);
    }

    @Test
    void codeThatAGuestLatchedIsTheExitStatus() {
        endings.add(new Outcome.PoweredOff(77));
        assertThat(vmm("boot")).isEqualTo(77);
    }

    private static final class TwoGuests implements KnownGuests {
        @Override
        public List<String> names() {
            return List.of("guest", "debian");
        }

        @Override
        public Files prepare(String name, boolean latest, StatusLine status) {
            if (name.equals("guest")) {
                return new Files(Path.of("guest.elf"), Optional.empty(), "own");
            }
            if (name.equals("debian")) {
                status.step(latest ? "Looking for news" : "Packing");
                status.progress(1, 2);
                return new Files(
                        Path.of("debian.vmlinuz"),
                        Optional.of(Path.of("debian.cpio")),
                        "debian defaults");
            }
            throw new AssertionError(name);
        }

        @Override
        public Files prepareForRoot(StatusLine status) {
            return new Files(
                    Path.of("debian.vmlinuz"), Optional.of(Path.of("hand-over.cpio")), "root");
        }
    }
}

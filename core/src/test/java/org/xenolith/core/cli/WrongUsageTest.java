package org.xenolith.core.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.core.boot.BootFailed;
import org.xenolith.core.boot.TierUnfit;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** What makes no sense, or cannot be, is one sentence, and an exit status. */
final class WrongUsageTest extends FakeVmm {
    @Test
    void nameThatSteersATerminalIsRefusedWithoutBeingPrinted() {
        for (String name : List.of("", "a\nb", "\u001b[31mred")) {
            assertThat(vmm("boot", "-n", name)).isEqualTo(2);
        }
        assertThat(err.toString()).contains("'\\x1b[31mred' is no name").doesNotContain("\u001b");
        assertThat(booted).isEmpty();
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
                "boot debian --network nat|--network 'nat' is no network; write it as 10.64.0.0/16",
                "boot debian -p 80|'80' is not [ADDRESS:]HOSTPORT:GUESTPORT",
                "boot debian --share site|the share 'site': write TAG=DIR or TAG=DIR,ro.",
                "boot debian --share a=/nonexistent|The folder /nonexistent to share does not"
                        + " exist.",
                "boot debian --share a=/dev/null|The folder /dev/null to share is none.",
                "boot debian --share a=/tmp --share a=/|Two shares have the tag a.",
                "bott|Did you mean boot?",
                "boot --tierr=jit|Did you mean --tier?",
                "boot --timeout 0|'0' is no time above 0",
                "restore --network 10.0.0.0/8 x|--network '10.0.0.0/8' has to have a number from 16"
                        + " to",
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
                "fork G 7|'7' is no name: use up to 63 letters",
                "fork G|Missing required parameter: 'NAME'",
                "fork G x --overlay a|Value for option option '--overlay' (DISK=FILE) should be in"
                        + " KEY=VALUE",
                "fork G x -p y|'y' is not [ADDRESS:]HOSTPORT:GUESTPORT",
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
    void textOfAFileSteersNoTerminal() throws IOException {
        Path file =
                Files.writeString(
                        folder.resolve("f.toml"), "[guest.a]\n\"\\u001b]0;x\\u0007\" = 1\n");
        assertThat(vmm("up", file.toString())).isEqualTo(1);
        assertThat(err.toString())
                .isEqualTo("vmm: %s:2: there is no key '\\x1b]0;x\\x07' here\n".formatted(file));
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
        assertThat(err.toString()).contains("\tat ").contains("WrongUsageTest.java");
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
}

package org.xenolith.core.cli;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.US_ASCII;

import org.junit.jupiter.api.Test;
import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.boot.EventActions;
import org.xenolith.core.boot.GuestDevices;
import org.xenolith.core.boot.Outcome;
import org.xenolith.core.config.DiskSpec;
import org.xenolith.core.config.GuestConfig.Action;
import org.xenolith.core.trace.TraceTopic;
import org.xenolith.devices.host.HostNeeds;
import org.xenolith.devices.net.NetworkSpec;
import org.xenolith.devices.net.nat.PortForward;
import org.xenolith.devices.net.nat.Subnet;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;

/** What the words after {@code vmm boot}, {@code create} and {@code restore} make of a guest. */
final class BootCommandTest extends FakeVmm {
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
        assertThat(vmm("restore", "-p", "--timeout=5s", "--tier=jit", "--timer-slack=2s", "saved"))
                .isZero();
        assertThat(vmm("restore", "--network=10.64.0.0/16", "--force", "other")).isZero();
        assertThat(restored)
                .contains(
                        "saved RestoreOptions[paused=true, timeout=Optional[PT5S],"
                                + " statistics=false, tier=JIT, noReboot=false, timerSlack=PT2S,"
                                + " changedDisks=false, natNetwork=Optional.empty]");
        assertThat(restored.getLast())
                .contains("changedDisks=true, natNetwork=Optional[10.64.0.0/16]");
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
    void timersMayComeLateWhenTheOptionSaysSo() {
        assertThat(vmm("boot", "-k", kernel.toString(), "--timer-slack", "1500ms")).isZero();
        assertThat(booted.getFirst().timerSlack()).isEqualTo(Duration.ofMillis(1500));
        assertThat(vmm("boot", "-k", kernel.toString())).isZero();
        assertThat(booted.getLast().timerSlack()).isZero();
    }

    @Test
    void timersThatWouldBeTooLateAreWrongUsage() {
        assertThat(vmm("boot", "-k", kernel.toString(), "--timer-slack=11s")).isEqualTo(2);
        assertThat(err.toString()).contains("'11s' is more than 10s");
        assertThat(booted).isEmpty();
    }

    /** There is no host's time in which they could be late. */
    @Test
    void lateTimersInVirtualTimeAreWrongUsage() {
        int status = vmm("boot", "-k", kernel.toString(), "--timer-slack=1s", "--virtual-time");
        assertThat(status).isEqualTo(2);
        assertThat(err.toString()).contains("--timer-slack is for the host's time");
        assertThat(booted).isEmpty();
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
    void networkOfTheNatIsChosen() {
        assertThat(vmm("boot", "debian", "--net", "nat", "--network", "10.64.0.0/16")).isZero();
        assertThat(booted.getFirst().natNetwork()).hasToString("10.64.0.0/16");
        assertThat(vmm("boot", "debian")).isZero();
        assertThat(booted.getLast().natNetwork()).isEqualTo(Subnet.STANDARD);
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
}

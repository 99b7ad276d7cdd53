package org.xenolith.core.fleet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.core.boot.BootFailed;
import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.boot.EventActions;
import org.xenolith.core.boot.GuestDevices;
import org.xenolith.core.config.DiskSpec;
import org.xenolith.core.config.GuestConfig;
import org.xenolith.core.config.GuestConfig.Action;
import org.xenolith.core.config.XlConfigFile;
import org.xenolith.core.disk.DirectoryDisk;
import org.xenolith.core.machine.HostTool;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

final class GuestPlanTest {
    private static final Path KERNEL = Path.of("vmlinuz");
    private static final Path INITRD = Path.of("initrd");

    private final List<String> asked = new ArrayList<>();
    private final GuestPlan plan = new GuestPlan(this::find);

    @TempDir private Path folder;

    private Optional<BootFiles> find(String name) {
        asked.add(name);
        return name.equals("debian")
                ? Optional.of(new BootFiles(KERNEL, Optional.of(INITRD), "console=hvc0 quiet"))
                : Optional.empty();
    }

    private static GuestConfig guest(String keys) {
        return RunningFleet.toml("[guest.web]\n" + keys).guests().getFirst();
    }

    @Test
    void knownImageBringsFilesAndArgumentsAndTheGuestsFollow() throws Exception {
        BootOptions options =
                plan.optionsFor(
                        guest(
                                """
                                image = "debian"
                                cmdline = "run=true"
                                memory = "96M..256M"
                                vcpus = 2
                                """));
        assertThat(options.name()).isEqualTo("web");
        assertThat(options.kernel()).isEqualTo(KERNEL);
        assertThat(options.initrd()).contains(INITRD);
        assertThat(options.commandLine()).isEqualTo("console=hvc0 quiet run=true");
        assertThat(options.memoryBytes()).isEqualTo(96L << 20);
        assertThat(options.maxMemoryBytes()).isEqualTo(256L << 20);
        assertThat(options.vcpus()).isEqualTo(2);
    }

    @Test
    void imageOfManyGuestsIsLookedUpOnce() throws Exception {
        plan.optionsFor(guest("image = 'debian'"));
        plan.optionsFor(guest("image = 'debian'\ninitrd = 'mine'"));
        assertThat(asked).containsExactly("debian");
    }

    @Test
    void kernelOfAnXlFileGetsTheConsoleUnlessItNamesOne() throws Exception {
        String keys = "name = 'db'\nkernel = 'k'\nramdisk = 'r'\nextra = '%s'\n";
        GuestConfig plain = XlConfigFile.parse("a.cfg", keys.formatted("quiet")).guest();
        assertThat(plan.optionsFor(plain).commandLine()).isEqualTo("console=hvc0 quiet");
        GuestConfig own = XlConfigFile.parse("a.cfg", keys.formatted("console=tty0")).guest();
        assertThat(plan.optionsFor(own).commandLine()).isEqualTo("console=tty0");
        assertThat(plan.optionsFor(own).initrd()).contains(Path.of("r"));
    }

    @Test
    void imageMayBeAKernelFile() throws Exception {
        Path file = Files.write(folder.resolve("kernel"), new byte[] {0x7f, 'E', 'L', 'F'});
        assertThat(plan.optionsFor(guest("image = '" + file + "'")).kernel()).isEqualTo(file);
    }

    @Test
    void guestGetsTheDevicesThatItLists() throws Exception {
        GuestDevices devices =
                plan.optionsFor(
                                guest(
                                        """
                                        image = "debian"
                                        disk = "a.img,overlay=%n.qcow2"
                                        network = ["nat,mac=00:16:3e:00:00:01", "none"]
                                        forward = ["8081:80"]
                                        """))
                        .devices();
        assertThat(devices.disks()).containsExactly(DiskSpec.parse("a.img,overlay=web.qcow2"));
        assertThat(devices.networks()).hasSize(2);
        assertThat(devices.forwards()).hasSize(1);
    }

    @Test
    void diskOfAKnownImageStaysAsItIsUnlessTheGuestListsItsOwn() throws Exception {
        BootFiles lamp = new BootFiles(KERNEL, Optional.empty(), "", Optional.of(Path.of("l.img")));
        GuestPlan withDisk =
                new GuestPlan(name -> name.equals("lamp") ? Optional.of(lamp) : Optional.empty());
        assertThat(withDisk.optionsFor(guest("image = 'lamp'")).devices().disks())
                .containsExactly(DiskSpec.parse("l.img,ephemeral"));
        assertThat(withDisk.optionsFor(guest("image = 'lamp'\ndisk = 'b.img'")).devices().disks())
                .containsExactly(DiskSpec.parse("b.img"));
    }

    @Test
    void whatBecomesOfAGuestGoesWithIt() throws Exception {
        BootOptions options =
                plan.optionsFor(
                        guest("image = 'debian'\non-reboot = 'preserve'\non-crash = 'restart'"));
        assertThat(options.actions())
                .isEqualTo(new EventActions(Action.DESTROY, Action.PRESERVE, Action.RESTART));
        assertThat(options.bootDisk()).as("its files are none of a disk's").isEmpty();
    }

    @Test
    void networkThatMakesNoSenseIsOneSentence() {
        assertThatThrownBy(() -> plan.optionsFor(guest("image = 'debian'\nnetwork = 'bogus'")))
                .isInstanceOf(BootFailed.class);
    }

    @Test
    void guestWithoutAnythingToBootIsRefused() {
        assertThatThrownBy(() -> plan.optionsFor(guest("memory = '8M'")))
                .isInstanceOf(BootFailed.class)
                .hasMessage("it names no image, no kernel and no disk");
        assertThatThrownBy(() -> plan.optionsFor(guest("image = 'nowhere'")))
                .isInstanceOf(BootFailed.class)
                .hasMessage("'nowhere' is neither a known guest nor a file");
    }

    @Test
    void whatTheCommandLineAddsIsAddedToEachGuest() throws Exception {
        GuestPlan traced =
                new GuestPlan(
                        this::find, options -> options.toBuilder().traceFunction("xen_*").build());
        assertThat(traced.optionsFor(guest("image = 'debian'")).traceFunction()).isEqualTo("xen_*");
    }

    @Test
    void diskThatNamesAKnownImageIsItsBaseUnderAnOverlay() throws Exception {
        Path base = folder.resolve("lamp.img");
        GuestPlan lamp =
                new GuestPlan(
                        name ->
                                name.equals("lamp")
                                        ? Optional.of(
                                                new BootFiles(
                                                        KERNEL,
                                                        Optional.empty(),
                                                        "",
                                                        Optional.of(base)))
                                        : Optional.empty());
        BootOptions kept = lamp.optionsFor(guest("image = 'lamp'\ndisk = 'lamp,overlay=%n.qcow2'"));
        DiskSpec disk = kept.devices().disks().getFirst();
        assertThat(disk.file()).isEqualTo(base);
        assertThat(disk.overlay()).contains(Path.of("web.qcow2"));
        assertThat(disk.ephemeral()).isFalse();
        BootOptions forgotten = lamp.optionsFor(guest("image = 'lamp'\ndisk = 'lamp'"));
        assertThat(forgotten.devices().disks().getFirst().ephemeral()).isTrue();
    }

    @Test
    void directoryIsADiskThatTheGuestForgets() throws Exception {
        HostTool.require("mke2fs");
        Path site = Files.createDirectories(folder.resolve("site-web"));
        Files.writeString(site.resolve("index.html"), "hello\n");
        BootOptions options =
                plan.optionsFor(
                        guest(
                                "image = 'debian'\ndisk = ['%s/site-%%n,vdev=xvdb']"
                                        .formatted(folder)));
        DiskSpec disk = options.devices().disks().getFirst();
        assertThat(DirectoryDisk.isImage(disk)).isTrue();
        assertThat(disk.device()).contains("xvdb");
        assertThat(disk.ephemeral()).isTrue();
    }
}

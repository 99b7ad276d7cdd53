package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.boot.GuestDevices;
import org.xenolith.core.boot.Outcome;
import org.xenolith.core.config.DiskSpec;
import org.xenolith.core.disk.DirectoryDisk;
import org.xenolith.core.disk.DiskBoot;
import org.xenolith.core.image.debian.BootInput;
import org.xenolith.core.image.debian.DebianInput;
import org.xenolith.core.image.debian.HandOverInitramfs;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** Guests whose whole system comes with their first disk: an image, or a directory. */
@Timeout(value = 4, unit = TimeUnit.MINUTES)
class DiskImageBootTest {
    private static final String INIT =
            """
            #!/bin/busybox sh
            export PATH=/bin
            busybox mount -o remount,rw /
            echo "first process $$ is $0"
            busybox grep ' / ' /proc/mounts
            echo kept >/note
            busybox sync
            busybox mount -o remount,ro /
            busybox poweroff -f
            """;

    @TempDir Path folder;

    private final GuestConsole console = new GuestConsole();

    @ParameterizedTest
    @CsvSource({"whole disk,/dev/sda,/dev/xvda", "gpt,/dev/vda1,/dev/xvda1", "dos,,/dev/xvda1"})
    void imageBootsItsOwnKernelAndMountsItsOwnRoot(String layout, String root, String mounted)
            throws Exception {
        HostTool.require("mke2fs", "debugfs", "sfdisk", "e2fsck");
        BootInput debian = DebianInput.orSkip();
        GuestRoot files =
                GuestRoot.with(debian, folder)
                        .add("sbin/init", INIT)
                        .addBoot(
                                debian,
                                "cryptomgr.notests" + (root == null ? "" : " root=" + root));
        Path image = folder.resolve("guest.img");
        boolean isPartitioned = !layout.equals("whole disk");
        if (isPartitioned) {
            files.writeDisk(image, layout);
        } else {
            files.writeDisk(image);
        }
        DiskBoot boot = DiskBoot.from(image);
        boot(boot.kernel(), boot.initrd(), boot.commandLine(), DiskSpec.parse("" + image));

        assertThat(console.text())
                .contains("first process 1 is /sbin/init")
                .contains(mounted + " / ext4 rw");
        String fileSystem = image + (isPartitioned ? "?offset=" + GuestRoot.PARTITION_OFFSET : "");
        assertThat(HostTool.run("debugfs", "-R", "cat /note", fileSystem)).contains("kept");
        HostTool.run("e2fsck", "-f", "-n", fileSystem);
    }

    @Test
    void directoryBootsAndIsNeverWrittenTo() throws Exception {
        HostTool.require("mke2fs");
        BootInput debian = DebianInput.orSkip();
        GuestRoot files = GuestRoot.with(debian, folder).add("etc/first process", INIT);
        Files.createSymbolicLink(
                files.directory().resolve("bin/first"), Path.of("/etc/first process"));
        Path initrd = folder.resolve("initrd");
        HandOverInitramfs.write(debian, initrd);
        boot(
                debian.kernel(),
                Optional.of(initrd),
                debian.defaultCommandLine() + " root=/dev/xvda rw init=/bin/first",
                DirectoryDisk.imageOf(DiskSpec.parse("" + files.directory())));

        assertThat(console.text())
                .contains("first process 1 is /bin/first")
                .contains("/dev/xvda / ext4 rw");
        assertThat(files.directory().resolve("note")).doesNotExist();
    }

    @Test
    void rootWithoutAFirstProcessSaysSo() throws Exception {
        HostTool.require("mke2fs");
        BootInput debian = DebianInput.orSkip();
        Path initrd = folder.resolve("initrd");
        HandOverInitramfs.write(debian, initrd);
        Path empty = Files.createDirectory(folder.resolve("empty"));
        BootOptions options =
                options(
                        debian.kernel(),
                        Optional.of(initrd),
                        debian.defaultCommandLine() + " root=/dev/xvda",
                        DirectoryDisk.imageOf(DiskSpec.parse("" + empty)));
        try (DebianSession guest = DebianSession.start(options)) {
            guest.await("'/dev/xvda' has no first process: no /sbin/init");
            guest.await("rescue# ");
        }
    }

    private void boot(Path kernel, Optional<Path> initrd, String commandLine, DiskSpec disk)
            throws Exception {
        Outcome outcome =
                new VmmMachine().boot(options(kernel, initrd, commandLine, disk), console);
        assertThat(outcome.ending())
                .as("%s", console.text())
                .isInstanceOf(Outcome.PoweredOff.class);
        assertThat(console.text()).doesNotContain("WARNING:", "Oops", "I/O error", "EXT4-fs error");
    }

    private static BootOptions options(
            Path kernel, Optional<Path> initrd, String commandLine, DiskSpec disk) {
        return BootFixture.options(
                        kernel, initrd.orElseThrow(), commandLine, 160 * BootFixture.MIB, 1, false)
                .with(new GuestDevices(List.of(disk), List.of(), List.of()));
    }
}

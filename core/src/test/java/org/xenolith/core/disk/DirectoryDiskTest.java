package org.xenolith.core.disk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.core.config.DiskSpec;
import org.xenolith.core.machine.HostTool;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;

class DirectoryDiskTest {
    @TempDir Path folder;
    private Path directory;

    @BeforeEach
    void fill() throws IOException {
        directory = Files.createDirectories(folder.resolve("root/etc")).getParent();
        Files.writeString(directory.resolve("etc/motd"), "a line\n");
        Files.createSymbolicLink(directory.resolve("etc/link"), Path.of("motd"));
    }

    @Test
    void imageHoldsTheFilesAndHasRoomForMore() throws Exception {
        HostTool.require("mke2fs", "e2fsck", "debugfs");
        DiskSpec disk = DirectoryDisk.imageOf(DiskSpec.parse(directory + ",vdev=xvdb,ro"));
        assertThat(disk.device()).contains("xvdb");
        assertThat(disk.readOnly()).isTrue();
        assertThat(disk.format()).contains("raw");
        assertThat(Files.size(disk.file())).isGreaterThanOrEqualTo(512L << 20);
        String image = disk.file().toString();
        HostTool.run("e2fsck", "-f", "-n", image);
        assertThat(HostTool.run("debugfs", "-R", "cat /etc/motd", image)).contains("a line");
        assertThat(HostTool.run("debugfs", "-R", "stat /etc/link", image)).contains("\"motd\"");
    }

    @Test
    void manySmallFilesFit() throws Exception {
        HostTool.require("mke2fs", "e2fsck");
        for (int i = 0; i < 20_000; i++) {
            Files.createFile(directory.resolve("etc/" + i));
        }
        DiskSpec disk = DirectoryDisk.imageOf(DiskSpec.parse("" + directory));
        assertThat(HostTool.run("e2fsck", "-f", "-n", "" + disk.file()))
                .containsPattern("2001\\d/\\d+ files");
    }

    @Test
    void hostWithoutMke2fsIsToldWhatToInstall() throws Exception {
        DiskSpec disk = DiskSpec.parse("" + directory);
        assertThatThrownBy(() -> DirectoryDisk.imageOf(disk, List.of(folder)))
                .isInstanceOf(IOException.class)
                .hasMessage(
                        "A directory needs mke2fs to become a disk: install it (package"
                                + " e2fsprogs)");
    }

    @Test
    void failureOfMke2fsIsItsLastLine() throws Exception {
        Path program = folder.resolve("mke2fs");
        Files.writeString(program, "#!/bin/sh\necho first\necho 'mke2fs: disk full'\nexit 1\n");
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
        DiskSpec disk = DiskSpec.parse("" + directory);
        assertThatThrownBy(() -> DirectoryDisk.imageOf(disk, List.of(folder)))
                .isInstanceOf(IOException.class)
                .hasMessage("mke2fs made no image of " + directory + ": mke2fs: disk full");
    }

    @Test
    void directoryHasNoOverlay() throws Exception {
        DiskSpec disk = DiskSpec.parse(directory + ",overlay=" + folder.resolve("o.qcow2"));
        assertThatThrownBy(() -> DirectoryDisk.imageOf(disk))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("cannot have an overlay");
    }
}

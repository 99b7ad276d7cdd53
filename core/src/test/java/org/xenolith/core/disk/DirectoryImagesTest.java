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

class DirectoryImagesTest {
    @TempDir Path folder;
    private Path site;
    private final DirectoryImages images = new DirectoryImages();

    @BeforeEach
    void fill() throws IOException {
        HostTool.require("mke2fs", "debugfs");
        site = Files.createDirectories(folder.resolve("site/html")).getParent();
        Files.writeString(site.resolve("html/index.php"), "first\n");
    }

    private DiskSpec disk(String more) throws Exception {
        return images.imageOf(DiskSpec.parse(site + more));
    }

    @Test
    void guestsOfOneDirectoryShareAnImageAndForgetWhatTheyWrite() throws Exception {
        DiskSpec first = disk("");
        DiskSpec second = disk(",vdev=xvdc");
        DiskSpec third = images.imageOf(DiskSpec.parse(folder + "/site/../site,ro"));
        assertThat(second.file()).isEqualTo(first.file()).isEqualTo(third.file());
        assertThat(first.ephemeral()).isTrue();
        assertThat(second.device()).contains("xvdc");
        assertThat(third.readOnly()).isTrue();
    }

    @Test
    void guestThatStartsLaterSeesWhatHasChanged() throws Exception {
        DiskSpec before = disk("");
        Files.writeString(site.resolve("html/index.php"), "other\n");
        DiskSpec after = disk("");
        assertThat(content(before)).contains("first");
        assertThat(content(after)).contains("other");
    }

    @Test
    void filesThatBecomeProgramsAreAChange() throws Exception {
        Path setup = Files.writeString(site.resolve("setup"), "#!/bin/sh\n");
        DiskSpec before = disk("");
        Files.setPosixFilePermissions(setup, PosixFilePermissions.fromString("rwxr-xr-x"));
        assertThat(disk("").file()).isNotEqualTo(before.file());
    }

    @Test
    void directoryHasNoOverlayWhoeverAskedBefore() throws Exception {
        disk("");
        assertThatThrownBy(() -> disk(",overlay=" + folder.resolve("o.qcow2")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("cannot have an overlay");
    }

    private static String content(DiskSpec disk) throws Exception {
        return HostTool.run("debugfs", "-R", "cat /html/index.php", "" + disk.file());
    }
}

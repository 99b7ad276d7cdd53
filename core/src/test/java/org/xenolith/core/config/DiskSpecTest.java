package org.xenolith.core.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.util.Optional;

class DiskSpecTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "/images/web.qcow2,qcow2,xvda,rw",
                "format=qcow2, vdev=xvda, access=rw, target=/images/web.qcow2",
                "vdev=xvda,format=qcow2,/images/web.qcow2",
                "tap:qcow2:/images/web.qcow2,xvda,w",
            })
    void xlSpellingsOfOneDiskMeanTheSame(String text) throws ConfigException {
        assertThat(DiskSpec.parse(text))
                .isEqualTo(
                        new DiskSpec(
                                Path.of("/images/web.qcow2"),
                                Optional.of("qcow2"),
                                Optional.of("xvda"),
                                false,
                                false,
                                Optional.empty()));
    }

    @Test
    void oldFileAndPhyPrefixesAreFiles() throws ConfigException {
        assertThat(DiskSpec.parse("file:/a,xvda1,r").file()).isEqualTo(Path.of("/a"));
        assertThat(DiskSpec.parse("file:/a,xvda1,r").readOnly()).isTrue();
        assertThat(DiskSpec.parse("phy:/dev/vg/a,hda,w").device()).contains("hda");
    }

    @Test
    void qemuDrivesAreUnderstood() throws ConfigException {
        DiskSpec disk = DiskSpec.parse("file=a.img,format=raw,if=virtio,snapshot=on,readonly=on");
        assertThat(disk.file()).isEqualTo(Path.of("a.img"));
        assertThat(disk.format()).contains("raw");
        assertThat(disk.ephemeral()).isTrue();
        assertThat(disk.readOnly()).isTrue();
    }

    @Test
    void accessMayFollowTheFileAtOnce() throws ConfigException {
        assertThat(DiskSpec.parse("a.img,ro").readOnly()).isTrue();
        assertThat(DiskSpec.parse("a.img,ro").device()).isEmpty();
        assertThat(DiskSpec.parse("a.img,raw,ro").format()).contains("raw");
    }

    @Test
    void aFileAloneIsADisk() throws ConfigException {
        DiskSpec disk = DiskSpec.parse("lamp.img");
        assertThat(disk.format()).isEmpty();
        assertThat(disk.device()).isEmpty();
        assertThat(disk.readOnly()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                ",raw,xvda,rw",
                "a,vhd,xvda,rw",
                "a,raw,xvda,sometimes",
                "a,raw,xvda,rw,more",
                "a,colour=green",
                "a,ephemeral,overlay=b",
                "a,ro=perhaps",
                "a,cdrom",
                "file=a,media=cdrom",
                "file=a,media=tape"
            })
    void whatIsNoDiskIsRefusedInOneSentence(String text) {
        assertThatThrownBy(() -> DiskSpec.parse(text))
                .isInstanceOf(ConfigException.class)
                .message()
                .startsWith("disk '" + text + "': ")
                .doesNotContain("\n");
    }
}

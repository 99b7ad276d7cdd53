package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.core.config.DiskSpec;
import org.xenolith.core.snapshot.SnapshotException;
import org.xenolith.devices.net.NetworkSpec;
import org.xenolith.devices.net.nat.PortForward;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

class SavedGuestTest {
    private static BootOptions with(String... disks) throws Exception {
        List<DiskSpec> specs = new ArrayList<>();
        for (String disk : disks) {
            specs.add(DiskSpec.parse(disk));
        }
        return BootOptions.of("web1", Path.of("vmlinuz"), 96L << 20)
                .devices(
                        new GuestDevices(
                                specs,
                                List.of(NetworkSpec.parse("nat,mac=00:16:3e:00:00:01,devid=2")),
                                List.of(PortForward.parse("8080:80"))))
                .build();
    }

    @Test
    void whatIsWrittenIsReadAsTheSame() throws Exception {
        SavedGuest saved =
                SavedGuest.of(with("/img/a.img,raw,xvdb,ro", "/img/base.img,overlay=/img/o.qcow2"));
        assertThat(SavedGuest.parse(saved.toText())).isEqualTo(saved);
    }

    @Test
    void imagesAreFoundFromAnotherFolder() throws Exception {
        SavedGuest read = SavedGuest.parse(SavedGuest.of(with("a.img,raw")).toText());
        assertThat(read.devices().disks().getFirst().file())
                .isEqualTo(Path.of("a.img").toAbsolutePath());
    }

    @Test
    void diskThatForgetsIsOneSentence() {
        assertThatThrownBy(() -> SavedGuest.of(with("/img/a.img,ephemeral")))
                .isInstanceOf(SnapshotException.class)
                .hasMessageContaining("/img/a.img is forgotten");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "null",
                "[]",
                "{}",
                "{\"name\":\"a\"",
                "{\"name\":\"a\",\"memoryBytes\":-1,\"disks\":[],\"networks\":[],\"forwards\":[]}",
                "{\"name\":\"a\",\"memoryBytes\":1,\"disks\":[{}],\"networks\":[],\"forwards\":[]}",
                "{\"name\":\"a\",\"memoryBytes\":1,\"disks\":[],\"networks\":[\"x\"],\"forwards\":[]}",
                "{\"name\":\"a\",\"memoryBytes\":1,\"disks\":[],\"networks\":[],\"forwards\":[7]}"
            })
    void textThatIsNoneOfOursIsADamagedSnapshot(String text) {
        assertThatThrownBy(() -> SavedGuest.parse(text))
                .isInstanceOf(SnapshotException.class)
                .hasMessage("The snapshot is damaged: its configuration is none");
    }
}

package org.xenolith.core.saved;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.boot.EventActions;
import org.xenolith.core.boot.GuestDevices;
import org.xenolith.core.boot.RestoreOptions;
import org.xenolith.core.config.DiskSpec;
import org.xenolith.core.config.GuestConfig.Action;
import org.xenolith.core.disk.BootDisk;
import org.xenolith.core.machine.VmmMachine;
import org.xenolith.core.snapshot.SnapshotException;
import org.xenolith.cpu.translate.Tier;
import org.xenolith.devices.net.MacAddress;
import org.xenolith.devices.net.NetworkSpec;
import org.xenolith.devices.net.nat.PortForward;
import org.xenolith.devices.net.nat.Subnet;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

class SavedGuestTest {
    @TempDir private Path folder;

    /** A configuration without its last brace. */
    private static final String WHOLE =
            "{\"name\":\"a\",\"memoryBytes\":1,\"disks\":[],\"networks\":[],\"forwards\":[]";

    private static final String ACTIONS =
            "\"onPoweroff\":\"destroy\",\"onReboot\":\"restart\",\"onCrash\":\"destroy\"";

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
                SavedGuest.of(
                        with("/img/a.img,raw,xvdb,ro", "/img/base.img,overlay=/img/o.qcow2")
                                .toBuilder()
                                .kernel(Path.of("/boot/vmlinuz"))
                                .natNetwork(Subnet.parse("10.64.0.0/16"))
                                .build());
        assertThat(SavedGuest.parse(saved.toText())).isEqualTo(saved);
        assertThat(saved.natNetwork()).hasToString("10.64.0.0/16");
    }

    @Test
    void addressesBehindTheNatAreReadAsTheyWereWritten() throws Exception {
        Map<MacAddress, String> addresses =
                Map.of(MacAddress.parse("00:16:3e:00:00:01"), "10.0.2.17");
        SavedGuest saved = SavedGuest.of(with()).withNatAddresses(addresses);
        assertThat(SavedGuest.parse(saved.toText()).natAddresses()).isEqualTo(addresses);
    }

    @Test
    void guestOfAFileThatNamesNoNetworkWasInTheUsualOne() throws Exception {
        assertThat(SavedGuest.parse(WHOLE + "}").natNetwork()).isEqualTo(Subnet.STANDARD);
    }

    /** It goes on with the address and the gateway that it knows, and asks for no others. */
    @Test
    void guestWithAnAddressIsRefusedInAnotherNetwork() throws Exception {
        BootOptions.Builder large = with().toBuilder().natNetwork(Subnet.parse("10.64.0.0/16"));
        SavedGuest saved = SavedGuest.of(large.build());
        SavedGuest.of(large.devices(GuestDevices.NONE).build()).requireNetwork(Subnet.STANDARD);
        saved.requireNetwork(Subnet.parse("10.64.0.0/16"));
        assertThatThrownBy(() -> saved.requireNetwork(Subnet.STANDARD))
                .isInstanceOf(SnapshotException.class)
                .hasMessageEndingWith(
                        "was saved with an address of 10.64.0.0/16, which it goes on with, and not"
                                + " with one of 10.0.2.0/24");
    }

    @Test
    void whatItBootsIsWrittenAndReadAsTheSame() throws Exception {
        EventActions actions = new EventActions(Action.RESTART, Action.PRESERVE, Action.DESTROY);
        BootOptions options =
                with().toBuilder()
                        .kernel(Path.of("/boot/vmlinuz"))
                        .initrd(Optional.of(Path.of("/boot/initrd.img")))
                        .commandLine("root=/dev/xvda \"quiet\"")
                        .actions(actions)
                        .build();
        SavedBoot boot = SavedGuest.parse(SavedGuest.of(options).toText()).boot().orElseThrow();
        assertThat(boot.kernel()).isEqualTo(Path.of("/boot/vmlinuz"));
        assertThat(boot.initrd()).contains(Path.of("/boot/initrd.img"));
        assertThat(boot.commandLine()).isEqualTo("root=/dev/xvda \"quiet\"");
        assertThat(boot.disk()).isEmpty();
        assertThat(boot.actions()).isEqualTo(actions);
    }

    @Test
    void diskThatTheKernelIsReadFromIsWrittenInsteadOfWhatWasRead() throws Exception {
        BootDisk disk =
                new BootDisk(
                        DiskSpec.parse("/img/base.img,qcow2,overlay=/img/o.qcow2"),
                        Optional.of(Path.of("/boot/mine.img")),
                        "quiet");
        BootOptions options =
                with().toBuilder()
                        .kernel(Path.of("/tmp/xenolith-kernel-1"))
                        .bootDisk(Optional.of(disk))
                        .build();
        SavedGuest saved = SavedGuest.of(options);
        assertThat(saved.toText()).doesNotContain("xenolith-kernel");
        SavedGuest read = SavedGuest.parse(saved.toText());
        assertThat(read).isEqualTo(saved);
        assertThat(read.boot().orElseThrow().disk()).contains(disk);
    }

    @Test
    void fileOfBeforeThatPartIsReadWithoutIt() throws Exception {
        String text =
                "{\"name\":\"a\",\"memoryBytes\":1,\"disks\":[],\"networks\":[],\"forwards\":[]}";
        SavedGuest read = SavedGuest.parse(text);
        assertThat(read.boot()).isEmpty();
        assertThat(read.toText()).as("nothing is made up").isEqualTo(text);
    }

    @Test
    void guestWhoseNameInAFileIsNoneHasOneThatIs() throws Exception {
        String text = WHOLE.replace("\"a\"", "\"my disk\\u001b\"") + "}";
        assertThat(SavedGuest.parse(text).name()).isEqualTo("my-disk-");
    }

    @Test
    void guestOnADirectoryIsNotSavedAsItsDiskGoesWithTheProcess() {
        assertThatThrownBy(() -> SavedGuest.of(with("/var/tmp/xenolith-directory-7.ext4,raw,xvda")))
                .isInstanceOf(SnapshotException.class)
                .hasMessageContaining("was made of a directory")
                .message()
                .doesNotContain("\n");
    }

    @Test
    void imagesAreFoundFromAnotherFolder() throws Exception {
        SavedGuest read = SavedGuest.parse(SavedGuest.of(with("a.img,raw")).toText());
        assertThat(read.boot().orElseThrow().kernel())
                .isEqualTo(Path.of("vmlinuz").toAbsolutePath());
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
                "{\"name\":\"a\",\"memoryBytes\":1,\"disks\":[],\"networks\":[],\"forwards\":[7]}",
                WHOLE + ",\"boot\":[]}",
                WHOLE + ",\"boot\":{}}",
                WHOLE + ",\"boot\":{\"kernel\":\"/k\"}}",
                WHOLE + ",\"boot\":{\"kernel\":\"/k\"," + ACTIONS + "}}",
                WHOLE + ",\"boot\":{\"commandLine\":\"\"," + ACTIONS + "}}",
                WHOLE + ",\"boot\":{\"disk\":{},\"commandLine\":\"\"," + ACTIONS + "}}",
                WHOLE
                        + ",\"boot\":{\"kernel\":\"/k\",\"disk\":{\"file\":\"/d\"},\"commandLine\":\"\","
                        + ACTIONS
                        + "}}",
                WHOLE
                        + ",\"boot\":{\"kernel\":\"/k\",\"commandLine\":\"\",\"onPoweroff\":\"destroy\","
                        + "\"onReboot\":\"again\",\"onCrash\":\"destroy\"}}",
                WHOLE + ",\"natNetwork\":\"10.0.0.0/8\"}",
                WHOLE + ",\"natAddresses\":{\"00:16:3e:00:00:01\":\"10.64.0.15\"}}",
                WHOLE + ",\"natAddresses\":{\"00:16:3e:00:00:01\":null}}",
                WHOLE + ",\"natAddresses\":{\"0\":\"10.0.2.15\"}}",
                WHOLE + ",\"diskFiles\":[null]}",
                WHOLE + ",\"diskFiles\":[{\"file\":\"/a\",\"bytes\":1}]}",
                WHOLE + ",\"diskFiles\":[{\"file\":\"\\u0000\",\"modified\":\"\"}]}",
                WHOLE + ",\"boot\":{\"kernel\":\"\\u0000\",\"commandLine\":\"\"," + ACTIONS + "}}"
            })
    void textThatIsNoneOfOursIsADamagedSnapshot(String text) {
        assertThatThrownBy(() -> SavedGuest.parse(text))
                .isInstanceOf(SnapshotException.class)
                .hasMessage("The snapshot is damaged: its configuration is none");
    }

    @Test
    void fileThatIsNotThereIsNamedOnce() {
        RestoreOptions how = new RestoreOptions(false, Optional.empty(), false, Tier.standard());
        Path file = folder.resolve("nosuch");
        assertThatThrownBy(() -> new VmmMachine().restore(file, how, null))
                .isInstanceOf(SnapshotException.class)
                .hasMessage(file + ": There is no such file");
        assertThatThrownBy(() -> new VmmMachine().restore(folder, how, null))
                .hasMessage(folder + ": This is a directory, not a snapshot");
    }

    @Test
    void fileThatIsNoSnapshotIsNamed() throws IOException {
        Path file = Files.writeString(folder.resolve("none"), "no snapshot at all");
        RestoreOptions how = new RestoreOptions(false, Optional.empty(), false, Tier.standard());
        assertThatThrownBy(() -> new VmmMachine().restore(file, how, null))
                .isInstanceOf(SnapshotException.class)
                .hasMessageStartingWith(file + ": This is no snapshot");
    }
}

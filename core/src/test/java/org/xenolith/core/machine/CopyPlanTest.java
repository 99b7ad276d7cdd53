package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.xenolith.core.boot.BootFailed;
import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.boot.EventActions;
import org.xenolith.core.boot.GuestDevices;
import org.xenolith.core.config.ConfigException;
import org.xenolith.core.config.DiskSpec;
import org.xenolith.core.config.GuestConfig.Action;
import org.xenolith.core.control.ControlException;
import org.xenolith.core.disk.BootDisk;
import org.xenolith.core.trace.TraceTopic;
import org.xenolith.devices.net.NetworkSpec;
import org.xenolith.devices.net.nat.PortForward;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

final class CopyPlanTest {
    private static BootOptions guest(String network, String... disks) throws ConfigException {
        List<DiskSpec> specs = new ArrayList<>();
        for (String disk : disks) {
            specs.add(DiskSpec.parse(disk));
        }
        return BootOptions.of("web1", Path.of("vmlinuz"), 64 << 20)
                .devices(
                        new GuestDevices(
                                specs,
                                List.of(NetworkSpec.parse(network)),
                                List.of(PortForward.parse("8080:80"))))
                .trace(Set.of(TraceTopic.FAULT), Optional.of(Path.of("trace")))
                .actions(new EventActions(Action.DESTROY, Action.RESTART, Action.PRESERVE))
                .build();
    }

    private static ForkRequest request(String members) throws ControlException {
        String text = "{'name':'try1'" + (members.isEmpty() ? "" : "," + members) + "}";
        return ForkRequest.parse(JsonParser.parseString(text).getAsJsonObject());
    }

    @Test
    void copyHasNoNameAddressPortOrFileOfTheGuests() throws Exception {
        BootOptions guest = guest("nat,mac=00:16:3e:00:00:01,pcap=x.pcap,devid=3", "a.img,ro");
        BootOptions copy = CopyPlan.of(guest, request("'forwards':['8081:80']"));
        assertThat(copy.name()).isEqualTo("try1");
        assertThat(copy.trace()).isEmpty();
        assertThat(copy.traceFile()).isEmpty();
        assertThat(copy.devices().networks()).containsExactly(NetworkSpec.parse("nat,devid=3"));
        assertThat(copy.devices().forwards()).containsExactly(PortForward.parse("8081:80"));
        assertThat(copy.devices().disks()).isEqualTo(guest.devices().disks());
        assertThat(copy.actions()).as("it forgets nothing").isEqualTo(guest.actions());
    }

    @Test
    void copyThatForgetsItsDiskDoesNotStartAgain() throws Exception {
        BootOptions guest = guest("nat", "a.img,overlay=web1.qcow2", "b.img,ephemeral");
        BootOptions copy = CopyPlan.of(guest, request(""));
        assertThat(copy.devices().disks())
                .containsExactly(
                        DiskSpec.parse("a.img,ephemeral"), DiskSpec.parse("b.img,ephemeral"));
        assertThat(copy.actions())
                .isEqualTo(new EventActions(Action.DESTROY, Action.DESTROY, Action.PRESERVE));
    }

    @Test
    void copyThatKeepsItsDisksStartsAgainFromThem() throws Exception {
        BootOptions guest = guest("nat", "b.img,vdev=xvdb,ephemeral", "a.img,overlay=web1.qcow2");
        BootDisk boot = new BootDisk(DiskSpec.parse("a.img"), Optional.empty(), "quiet");
        BootOptions copy =
                CopyPlan.of(
                        guest.toBuilder().bootDisk(Optional.of(boot)).build(),
                        request("'overlays':{'xvda':'/d/a.qcow2','xvdb':'/d/b.qcow2'}"));
        DiskSpec own = DiskSpec.parse("a.img,overlay=/d/a.qcow2");
        assertThat(copy.devices().disks())
                .containsExactly(DiskSpec.parse("b.img,vdev=xvdb,overlay=/d/b.qcow2"), own);
        assertThat(copy.actions()).isEqualTo(guest.actions());
        assertThat(copy.bootDisk().orElseThrow().disk()).isEqualTo(own);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "nat|a.img|''|writes to its disk xvda itself",
                "nat|a.img|'overlays':{'xvda':'/d/a'}|writes to its disk xvda itself",
                "nat|a.img,ro|'overlays':{'xvda':'/d/a'}|xvda is read-only",
                "nat|a.img,ephemeral|'overlays':{'xvdb':'/d/a'}|web1 has no disk xvdb",
                "none|a.img,ro|'forwards':['0:80']|no interface on the network 'nat'"
            },
            quoteCharacter = '"')
    void copyThatCannotBeIsOneSentence(String network, String disk, String members, String why)
            throws Exception {
        BootOptions guest = guest(network, disk);
        ForkRequest request = request(members.equals("''") ? "" : members);
        assertThatThrownBy(() -> CopyPlan.of(guest, request))
                .isInstanceOf(BootFailed.class)
                .hasMessageContaining(why);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{}|fork needs a 'name' for the copy.",
                "{'name':7}|fork needs a 'name' for the copy.",
                "{'name':'7'}|'7' is no name: use up to 63 letters",
                "{'name':'a','overlays':[]}|'overlays' is an object: a file for each disk.",
                "{'name':'a','overlays':{'xvda':1}}|fork needs files as 'overlays'.",
                "{'name':'a','overlays':{'xvda':'a'}}|fork needs absolute paths as 'overlays'.",
                "{'name':'a','forwards':'1:1'}|'forwards' is a list of ports.",
                "{'name':'a','forwards':[1]}|fork needs ports as 'forwards'.",
                "{'name':'a','forwards':['x']}|'x' is not [ADDRESS:]HOSTPORT:GUESTPORT"
            },
            quoteCharacter = '"')
    void requestThatMakesNoSenseIsOneSentence(String text, String why) {
        JsonObject request = JsonParser.parseString(text).getAsJsonObject();
        assertThatThrownBy(() -> ForkRequest.parse(request))
                .isInstanceOf(ControlException.class)
                .hasMessageStartingWith(why);
    }
}

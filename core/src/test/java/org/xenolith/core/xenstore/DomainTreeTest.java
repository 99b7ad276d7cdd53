package org.xenolith.core.xenstore;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;

class DomainTreeTest {
    private static final UUID ID = UUID.fromString("e46d9c8a-32d1-4010-a579-f278c968b871");

    private final Xenstore store = new Xenstore();
    private final DomainTree tree =
            DomainTree.create(
                    store,
                    new DomainTree.Description(
                            1, "domu", ID, 524288, 600000, 2, 49153, 1, 49154, 2));
    private final GuestClient guest = GuestClient.of(store, 1);

    @Test
    void suspendThatTheGuestHasNotHeardIsTakenBack() {
        String request = "/local/domain/1/control/shutdown";
        tree.requestSuspend();
        tree.withdrawSuspend();
        assertThat(store.read(request)).contains("");
        tree.requestShutdown("poweroff");
        tree.withdrawSuspend();
        assertThat(store.read(request)).contains("poweroff");
    }

    @Test
    void theTreeIsThatOfXensToolstack() {
        assertThat(store.dump().lines())
                .containsExactlyInAnyOrder(
                        """
                        /local = ""
                        /local/domain = ""
                        /local/domain/0 = ""
                        /local/domain/0/backend = ""
                        /local/domain/0/backend/console = ""
                        /local/domain/0/backend/console/1 = ""
                        /local/domain/0/backend/console/1/0 = ""
                        /local/domain/0/backend/console/1/0/frontend = "/local/domain/1/console"
                        /local/domain/0/backend/console/1/0/frontend-id = "1"
                        /local/domain/0/backend/console/1/0/online = "1"
                        /local/domain/0/backend/console/1/0/state = "1"
                        /local/domain/0/backend/console/1/0/protocol = "vt100"
                        /local/domain/1 = ""
                        /local/domain/1/vm = "/vm/e46d9c8a-32d1-4010-a579-f278c968b871"
                        /local/domain/1/name = "domu"
                        /local/domain/1/domid = "1"
                        /local/domain/1/cpu = ""
                        /local/domain/1/cpu/0 = ""
                        /local/domain/1/cpu/0/availability = "online"
                        /local/domain/1/cpu/1 = ""
                        /local/domain/1/cpu/1/availability = "online"
                        /local/domain/1/memory = ""
                        /local/domain/1/memory/static-max = "600000"
                        /local/domain/1/memory/target = "524288"
                        /local/domain/1/memory/videoram = "0"
                        /local/domain/1/device = ""
                        /local/domain/1/device/suspend = ""
                        /local/domain/1/device/suspend/event-channel = ""
                        /local/domain/1/control = ""
                        /local/domain/1/control/shutdown = ""
                        /local/domain/1/control/feature-poweroff = ""
                        /local/domain/1/control/feature-reboot = ""
                        /local/domain/1/control/feature-suspend = ""
                        /local/domain/1/control/sysrq = ""
                        /local/domain/1/control/platform-feature-multiprocessor-suspend = "1"
                        /local/domain/1/control/platform-feature-xs_reset_watches = "1"
                        /local/domain/1/data = ""
                        /local/domain/1/drivers = ""
                        /local/domain/1/feature = ""
                        /local/domain/1/attr = ""
                        /local/domain/1/error = ""
                        /local/domain/1/store = ""
                        /local/domain/1/store/port = "1"
                        /local/domain/1/store/ring-ref = "49153"
                        /local/domain/1/console = ""
                        /local/domain/1/console/backend = "/local/domain/0/backend/console/1/0"
                        /local/domain/1/console/backend-id = "0"
                        /local/domain/1/console/limit = "16384"
                        /local/domain/1/console/type = "xenconsoled"
                        /local/domain/1/console/output = "pty"
                        /local/domain/1/console/tty = ""
                        /local/domain/1/console/port = "2"
                        /local/domain/1/console/ring-ref = "49154"
                        /vm = ""
                        /vm/e46d9c8a-32d1-4010-a579-f278c968b871 = ""
                        /vm/e46d9c8a-32d1-4010-a579-f278c968b871/name = "domu"
                        /vm/e46d9c8a-32d1-4010-a579-f278c968b871/uuid = "e46d9c8a-32d1-4010-a579-f278c968b871"
                        """
                                .lines()
                                .toArray(String[]::new));
    }

    @Test
    void theGuestReadsEverythingOfItsOwn() {
        assertThat(guest.read("name")).isEqualTo("domu");
        assertThat(guest.read("memory/target")).isEqualTo("524288");
        assertThat(guest.read("store/ring-ref")).isEqualTo("49153");
        assertThat(guest.list("cpu")).isEqualTo("0|1");
        assertThat(guest.read(guest.read("vm") + "/uuid")).isEqualTo(ID.toString());
    }

    @Test
    void theGuestWritesWhereItsDriversDoAndNowhereElse() {
        assertThat(guest.write("control/feature-poweroff", "1")).isEqualTo("OK");
        assertThat(guest.write("control/shutdown", "")).isEqualTo("OK");
        assertThat(guest.write("control/sysrq", "")).isEqualTo("OK");
        assertThat(guest.write("device/suspend/event-channel", "9")).isEqualTo("OK");
        assertThat(guest.write("error/device/vbd/51712/error", "2 no")).isEqualTo("OK");
        assertThat(guest.write("data/x", "v")).isEqualTo("OK");
        assertThat(guest.write("memory/target", "1")).isEqualTo("EACCES");
        assertThat(guest.write("device/vbd/1/state", "1")).isEqualTo("EACCES");
        assertThat(guest.write("control/other", "1")).isEqualTo("EACCES");
        assertThat(guest.rm("cpu")).isEqualTo("EACCES");
    }

    @Test
    void anotherGuestSeesNothingOfIt() {
        GuestClient other = GuestClient.of(store, 2);
        assertThat(other.read("/local/domain/1/name")).isEqualTo("EACCES");
        assertThat(other.read("/local/domain/1/data")).isEqualTo("EACCES");
        assertThat(other.list("/vm")).isEqualTo("EACCES");
    }

    @Test
    void aDeviceHasTwoDirectoriesThatPointAtEachOther() {
        tree.addDevice(
                "vbd",
                51712,
                Map.of("virtual-device", "51712", "device-type", "disk"),
                Map.of("mode", "w"));
        String frontend = DomainTree.frontendPath(1, "vbd", 51712);
        String backend = DomainTree.backendPath(1, "vbd", 51712);
        assertThat(guest.read("device/vbd/51712/backend")).isEqualTo(backend);
        assertThat(guest.read(backend + "/frontend")).isEqualTo(frontend);
        assertThat(guest.read("device/vbd/51712/virtual-device")).isEqualTo("51712");
        assertThat(guest.read(backend + "/mode")).isEqualTo("w");
        assertThat(guest.write("device/vbd/51712/state", "3")).isEqualTo("OK");
        assertThat(guest.write("device/vbd/51712/ring-ref", "8")).isEqualTo("OK");
        assertThat(guest.write(backend + "/state", "4")).isEqualTo("EACCES");
        assertThat(store.perms(frontend)).isEqualTo(Permissions.of("n1", "r0"));
        assertThat(store.perms(backend)).isEqualTo(Permissions.of("n0", "r1"));
        tree.removeDevice("vbd", 51712);
        assertThat(guest.list("device/vbd")).isEmpty();
    }

    @Test
    void theGuestHearsOfANewDeviceWhenItIsComplete() {
        guest.watch("device", "t");
        guest.events();
        List<String> states = new ArrayList<>();
        store.watch(
                "/local/domain/1/device",
                _ -> states.add(store.read("/local/domain/1/device/vif/0/state").orElse("none")));
        tree.addDevice("vif", 0, Map.of("mac", "00:16:3e:00:00:01"), Map.of());
        assertThat(states).startsWith("none", "1").doesNotContainSequence("1", "none");
        assertThat(guest.events()).contains("device/vif/0|t", "device/vif/0/state|t");
    }

    @Test
    void removingTheDomainLeavesNothingBehind() {
        tree.addDevice("vbd", 51712, Map.of(), Map.of());
        guest.write("data/x", "v");
        store.release(1);
        tree.remove();
        assertThat(store.list("/local/domain")).containsExactly("0");
        assertThat(store.list("/vm")).isEmpty();
        assertThat(store.dump()).doesNotContain("/1");
    }

    @Test
    void copyCanWhatTheGuestHasSaidThatItCan() {
        DomainTree copy =
                DomainTree.create(
                        store,
                        new DomainTree.Description(
                                2, "copy", UUID.randomUUID(), 524288, 600000, 2, 1, 1, 2, 2));
        assertThat(tree.saysItSuspends()).isFalse();
        guest.write("control/feature-suspend", "1");
        assertThat(copy.saysItSuspends()).isFalse();
        copy.takeFeaturesOf(tree);
        assertThat(tree.saysItSuspends()).isTrue();
        assertThat(copy.saysItSuspends()).isTrue();
        assertThat(GuestClient.of(store, 2).write("control/feature-suspend", "1")).isEqualTo("OK");
    }

    @Test
    void guestThatWasAskedToEndIsNotAskedToSuspendItselfInstead() {
        String path = "/local/domain/1/control/shutdown";
        tree.requestShutdown("poweroff");
        tree.requestSuspend();
        assertThat(store.read(path)).contains("poweroff");
        tree.requestShutdown(""); // the kernel has heard it
        tree.requestSuspend();
        assertThat(store.read(path)).contains("suspend");
    }

    /** It would power off the next domain that has its number. */
    @Test
    void requestThatComesWhenTheDomainIsGoneWritesNothing() {
        tree.remove();
        tree.requestShutdown("poweroff");
        tree.requestSuspend();
        tree.setMemoryTarget(4096);
        assertThat(store.dump()).doesNotContain("/local/domain/1");
    }
}

package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.core.backend.Disk;
import org.xenolith.core.backend.DiskName;
import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.boot.GuestDevices;
import org.xenolith.core.boot.Outcome;
import org.xenolith.core.boot.RestoreOptions;
import org.xenolith.core.config.DiskSpec;
import org.xenolith.core.control.ControlClient;
import org.xenolith.core.control.ControlException;
import org.xenolith.core.control.ControlFolder;
import org.xenolith.core.control.ControlServer;
import org.xenolith.cpu.translate.Tier;
import org.xenolith.devices.block.BlockImage;
import org.xenolith.devices.block.DiskImage;
import org.xenolith.devices.terminal.InputListener;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

/** Two guests of a host, spoken to over its control socket. */
@Timeout(60)
class HostVerbsBootTest {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @TempDir Path folder;

    private static JsonObject request(String verb, String guest) {
        JsonObject request = new JsonObject();
        request.addProperty("verb", verb);
        if (guest != null) {
            request.addProperty("guest", guest);
        }
        return request;
    }

    private Guest lantern(Host host, String commandLine, GuestConsole console) throws IOException {
        Guest guest =
                host.create(
                        BootFixture.options(
                                BootFixture.lantern(folder),
                                null,
                                commandLine,
                                8 * BootFixture.MIB,
                                1,
                                false),
                        console);
        guest.start();
        return guest;
    }

    @Test
    void verbsListPauseDescribeAndEndGuests() throws Exception {
        ControlFolder sockets = ControlFolder.in(folder.resolve("s"));
        try (Host host = Host.start(1L << 30, 2);
                ControlServer _ = ControlServer.start(sockets, new HostVerbs(host));
                ControlClient client = ControlClient.connectToAll(sockets).getFirst()) {
            GuestConsole console = new GuestConsole();
            lantern(host, "", console);
            GuestConsole spinning = new GuestConsole();
            Guest second = lantern(host, "run=echo up;spin 100000", spinning);
            assertThat(console.awaitText("lantern> ", PATIENCE)).isTrue();
            // Before that it may still wait for the store.
            assertThat(spinning.awaitText("\nup", PATIENCE)).as(spinning.text()).isTrue();

            // Behind its prompt it still has to look for news and to fall asleep.
            while (!state(client, "1").equals("-b----")) {
                Thread.onSpinWait();
            }
            JsonArray list = client.ask(request("list", null)).getAsJsonArray();
            assertThat(list).hasSize(2);
            JsonObject first = list.get(0).getAsJsonObject();
            assertThat(first.get("id").getAsInt()).isEqualTo(1);
            assertThat(first.get("memory_kib").getAsLong()).isEqualTo(8192);
            assertThat(first.get("state").getAsString()).isEqualTo("-b----");
            assertThat(list.get(1).getAsJsonObject().get("state").getAsString())
                    .isEqualTo("r-----");

            client.ask(request("pause", "2"));
            assertThat(state(client, "2")).isEqualTo("r-p---");
            client.ask(request("unpause", "2"));
            JsonObject stat = client.ask(request("stat", "1")).getAsJsonObject();
            assertThat(stat.get("instructions").getAsLong()).isPositive();
            assertThat(stat.get("decoded_code_bytes").getAsLong()).isPositive();
            assertThat(stat.get("code_dropped_for_room").getAsLong()).isZero();
            assertThat(stat.getAsJsonObject("hypercalls_by_name").size()).isPositive();

            client.ask(request("destroy", "2"));
            assertThat(second.await(Optional.of(PATIENCE)).ending())
                    .isInstanceOf(Outcome.Destroyed.class);
            assertThat(state(client, "2")).isEqualTo("---s-d");
        }
    }

    @Test
    void guestThatStartsAgainIsListedOnceBeforeAndAfterItHasGivenBackWhatItHad() throws Exception {
        try (Host host = Host.start(1L << 30, 1)) {
            HostVerbs verbs = new HostVerbs(host);
            Guest guest = lantern(host, "", new GuestConsole());
            WaitingGuest next = new WaitingGuest(guest, PATIENCE);
            host.expect(next);
            for (JsonObject request : List.of(request("list", null), request("list", "test"))) {
                assertThat(verbs.perform("list", request).getAsJsonArray())
                        .singleElement()
                        .asString()
                        .doesNotContain("waiting");
            }
            guest.close();
            for (JsonObject request : List.of(request("list", null), request("list", "test"))) {
                assertThat(verbs.perform("list", request).getAsJsonArray())
                        .singleElement()
                        .asString()
                        .contains("\"state\":\"waiting\"");
            }
            host.expectNoMore(next);
            assertThat(verbs.perform("list", request("list", null)).getAsJsonArray()).isEmpty();
        }
    }

    @Test
    void guestIsLookedIntoWhileItRunsStandsAndHasEnded() throws Exception {
        ControlFolder sockets = ControlFolder.in(folder.resolve("s"));
        try (Host host = Host.start(1L << 30, 2);
                ControlServer _ = ControlServer.start(sockets, new HostVerbs(host));
                ControlClient client = ControlClient.connectToAll(sockets).getFirst()) {
            GuestConsole console = new GuestConsole();
            Guest guest = lantern(host, "", console);
            assertThat(console.awaitText("lantern> ", PATIENCE)).isTrue();
            lookInside(client);
            assertThat(guest.isPaused()).as("it goes on").isFalse();
            client.ask(request("pause", "1"));
            lookInside(client);
            assertThat(guest.isPaused()).as("it stays paused").isTrue();
            client.ask(request("unpause", "1"));
            client.ask(request("destroy", "1"));
            guest.await(Optional.of(PATIENCE));
            lookInside(client);
        }
    }

    private static void lookInside(ControlClient client) throws Exception {
        JsonObject pages = client.ask(request("pages", "1")).getAsJsonObject();
        assertThat(pages.getAsJsonArray("types")).isNotEmpty();
        assertThat(pages.getAsJsonObject("tree").getAsJsonArray("entries")).isNotEmpty();
        JsonObject of = request("pages", "1");
        of.add("mfn", pages.getAsJsonObject("tree").get("mfn"));
        JsonObject frame = client.ask(of).getAsJsonObject().getAsJsonObject("frame");
        assertThat(frame.get("type").getAsString()).isEqualTo("L4");

        assertThat(client.ask(request("events", "1")).toString())
                .contains("\"use\":\"console\"")
                .contains("\"use\":\"xenstore\"")
                .contains("VIRQ_TIMER");
        JsonObject grants = client.ask(request("grants", "1")).getAsJsonObject();
        assertThat(grants.get("granted_count").getAsInt()).isGreaterThanOrEqualTo(2);
        JsonArray rings = client.ask(request("rings", "1")).getAsJsonArray();
        assertThat(rings).hasSize(4);
        JsonObject output = rings.get(0).getAsJsonObject();
        assertThat(output.get("device").getAsString()).isEqualTo("console");
        assertThat(output.get("producer").getAsLong()).as("its prompt").isPositive();
    }

    @Test
    void storeIsListedReadAndWritten() throws Exception {
        ControlFolder sockets = ControlFolder.in(folder.resolve("s"));
        try (Host host = Host.start(1L << 30, 1);
                ControlServer _ = ControlServer.start(sockets, new HostVerbs(host));
                ControlClient client = ControlClient.connectToAll(sockets).getFirst()) {
            JsonObject write = storeRequest("xenstore-write", "/tool/x");
            write.addProperty("value", "7");
            client.ask(write);
            assertThat(client.ask(storeRequest("xenstore-read", "/tool/x")).getAsString())
                    .isEqualTo("7");
            assertThat(client.ask(storeRequest("xenstore-ls", "/tool")).toString())
                    .contains("/tool/x");
            for (String verb : new String[] {"xenstore-ls", "xenstore-read"}) {
                assertThatThrownBy(() -> client.ask(storeRequest(verb, "/none")))
                        .isInstanceOf(ControlException.class)
                        .hasMessageContaining("/none");
                assertThatThrownBy(() -> client.ask(storeRequest(verb, "//")))
                        .isInstanceOf(ControlException.class);
            }
        }
    }

    private static JsonObject storeRequest(String verb, String path) {
        JsonObject request = request(verb, null);
        request.addProperty("path", path);
        return request;
    }

    private static String state(ControlClient client, String guest) throws Exception {
        JsonElement list = client.ask(request("list", guest));
        return list.getAsJsonArray().get(0).getAsJsonObject().get("state").getAsString();
    }

    @Test
    void guestThatDoesNotExistIsOneSentence() throws Exception {
        ControlFolder sockets = ControlFolder.in(folder.resolve("s"));
        try (Host host = Host.start(1L << 30, 1);
                ControlServer _ = ControlServer.start(sockets, new HostVerbs(host));
                ControlClient client = ControlClient.connectToAll(sockets).getFirst()) {
            for (String verb :
                    new String[] {
                        "pause", "stat", "destroy", "mem-set", "console", "trace", "where"
                    }) {
                assertThatThrownBy(() -> client.ask(request(verb, "nobody")))
                        .as(verb)
                        .isInstanceOf(ControlException.class)
                        .hasMessage("No guest is called 'nobody'.");
            }
        }
    }

    @Test
    void everyVerbIsPerformedAndAnyOtherIsOneSentence() throws Exception {
        ControlFolder sockets = ControlFolder.in(folder.resolve("s"));
        try (Host host = Host.start(1L << 30, 1);
                ControlServer _ = ControlServer.start(sockets, new HostVerbs(host));
                ControlClient client = ControlClient.connectToAll(sockets).getFirst()) {
            lantern(host, "", new GuestConsole());
            int port = freePort();
            List<String> verbs = new ArrayList<>(HostVerbs.NAMES);
            // A guest that stands does not end before its time; lantern has no balloon and
            // does not suspend itself.
            verbs.removeAll(List.of("mem-set", "fork", "unpause", "destroy"));
            verbs.addAll(List.of("unpause", "destroy"));
            client.ask(request("pause", "test"));
            for (String verb : verbs) {
                JsonObject request = request(verb, "test");
                request.addProperty("kib", 8192);
                request.addProperty("milliseconds", 4000);
                request.addProperty("file", folder.resolve("saved").toString());
                request.addProperty("leave", "running");
                request.addProperty("path", "/local/domain/1/name");
                request.addProperty("value", "test");
                request.addProperty("network", "nat");
                request.addProperty("id", 0);
                request.addProperty("forward", port + ":80");
                request.addProperty("port", port);
                client.ask(request);
            }
            assertThatThrownBy(() -> client.ask(request("migrate", "test")))
                    .isInstanceOf(ControlException.class)
                    .hasMessage("There is no verb 'migrate'.");
        }
    }

    @Test
    void savedGuestEndsAndGoesOnFromItsFile() throws Exception {
        ControlFolder sockets = ControlFolder.in(folder.resolve("s"));
        Path file = folder.resolve("saved");
        try (Host host = Host.start(1L << 30, 1);
                ControlServer _ = ControlServer.start(sockets, new HostVerbs(host));
                ControlClient client = ControlClient.connectToAll(sockets).getFirst()) {
            GuestConsole console = new GuestConsole();
            Guest guest = lantern(host, "", console);
            assertThat(console.awaitText("lantern> ", PATIENCE)).isTrue();
            JsonObject request = request("save", "test");
            request.addProperty("file", "saved");
            assertThatThrownBy(() -> client.ask(request))
                    .hasMessage("save needs an absolute path as 'file'.");
            request.addProperty("file", folder + "/nowhere/saved");
            assertThatThrownBy(() -> client.ask(request))
                    .hasMessage(
                            "%s/nowhere/saved: there is no folder %s/nowhere."
                                    .formatted(folder, folder));
            assertThat(guest.isPaused()).as("after a save that failed").isFalse();
            request.addProperty("file", file.toString());
            try (ExecutorService follower = Executors.newSingleThreadExecutor()) {
                Future<Outcome> end =
                        follower.submit(
                                () -> {
                                    try (guest) {
                                        return guest.await(Optional.of(PATIENCE));
                                    }
                                });
                client.ask(request);
                assertThat(end.get().ending()).isEqualTo(new Outcome.Saved(file));
            }
        }
        GuestConsole console = new GuestConsole();
        try (ExecutorService thread = Executors.newSingleThreadExecutor()) {
            RestoreOptions options =
                    new RestoreOptions(false, Optional.of(PATIENCE), false, Tier.standard());
            Future<Outcome> end =
                    thread.submit(() -> new VmmMachine().restore(file, options, console));
            console.type("poweroff\n");
            assertThat(end.get().ending()).isInstanceOf(Outcome.PoweredOff.class);
        }
    }

    @Test
    void diskOfASavedGuestIsFreeWhenTheSaveIsAnswered() throws Exception {
        ControlFolder sockets = ControlFolder.in(folder.resolve("s"));
        Path disk = Files.write(folder.resolve("raw.img"), new byte[1 << 16]);
        GuestConsole console = new GuestConsole();
        BootOptions options =
                BootFixture.options(
                                BootFixture.lantern(folder),
                                null,
                                "",
                                8 * BootFixture.MIB,
                                1,
                                false)
                        .with(
                                new GuestDevices(
                                        List.of(DiskSpec.parse(disk + ",raw")),
                                        List.of(),
                                        List.of()));
        try (ExecutorService thread = Executors.newSingleThreadExecutor()) {
            Future<Outcome> end =
                    thread.submit(
                            () -> new VmmMachine(Optional.of(sockets)).boot(options, console));
            assertThat(console.awaitText("lantern> ", PATIENCE)).isTrue();
            try (ControlClient client = ControlClient.connectToAll(sockets).getFirst()) {
                JsonObject request = request("save", "test");
                request.addProperty("file", folder.resolve("saved").toString());
                assertThat(DiskImage.isInUse(disk)).isTrue();
                client.ask(request);
                assertThat(DiskImage.isInUse(disk)).isFalse();
            }
            assertThat(end.get().ending()).isInstanceOf(Outcome.Saved.class);
        }
    }

    @Test
    void guestThatCannotBeSavedAndLeftPausedGoesOn() throws Exception {
        ControlFolder sockets = ControlFolder.in(folder.resolve("s"));
        try (Host host = Host.start(1L << 30, 1);
                ControlServer _ = ControlServer.start(sockets, new HostVerbs(host));
                ControlClient client = ControlClient.connectToAll(sockets).getFirst()) {
            Guest guest = lantern(host, "", new GuestConsole());
            JsonObject request = request("save", "test");
            request.addProperty("leave", "paused");
            request.addProperty("file", folder + "/nowhere/saved");
            assertThatThrownBy(() -> client.ask(request)).isInstanceOf(ControlException.class);
            assertThat(guest.isPaused()).as("after a save that failed").isFalse();

            request.addProperty("file", folder.resolve("saved").toString());
            client.ask(request);
            assertThat(guest.isPaused()).as("after a save").isTrue();

            request.addProperty("file", folder + "/nowhere/saved");
            assertThatThrownBy(() -> client.ask(request)).isInstanceOf(ControlException.class);
            assertThat(guest.isPaused()).as("it was paused before").isTrue();
        }
    }

    @Test
    void memorySetAboveTheMaximumIsRefused() throws Exception {
        ControlFolder sockets = ControlFolder.in(folder.resolve("s"));
        try (Host host = Host.start(1L << 30, 1);
                ControlServer _ = ControlServer.start(sockets, new HostVerbs(host));
                ControlClient client = ControlClient.connectToAll(sockets).getFirst()) {
            Guest guest = lantern(host, "", new GuestConsole());
            JsonObject request = request("mem-set", "test");
            request.addProperty("kib", 9000);
            assertThatThrownBy(() -> client.ask(request))
                    .hasMessage("test cannot have 9000 KiB: its maximum is 8192 KiB.");
            request.addProperty("kib", 4);
            assertThatThrownBy(() -> client.ask(request))
                    .hasMessage("test cannot have 4 KiB: its minimum is 1024 KiB.");
            assertThat(guest.balloon().targetKib()).isEqualTo(8192);
        }
    }

    @Test
    void timerSlackOfARunningGuestIsWhatItStartsWithNext() throws Exception {
        try (Host host = Host.start(1L << 30, 1)) {
            Guest guest = lantern(host, "", new GuestConsole());
            HostVerbs verbs = new HostVerbs(host);
            JsonObject request = request("timer-slack", "test");
            assertThatThrownBy(() -> verbs.perform("timer-slack", request))
                    .hasMessage(
                            "timer-slack needs 'milliseconds', a whole number from 0 to 10000.");
            request.addProperty("milliseconds", 10_001);
            assertThatThrownBy(() -> verbs.perform("timer-slack", request))
                    .hasMessageContaining("from 0 to 10000");
            request.addProperty("milliseconds", 4000);
            verbs.perform("timer-slack", request);
            assertThat(guest.domain().timerSlackNanos()).isEqualTo(4_000_000_000L);
            assertThat(guest.configuration().timerSlack()).isEqualTo(Duration.ofSeconds(4));
        }
    }

    @Test
    void memorySetOfAGuestWithoutABalloonIsRefused() throws Exception {
        try (Host host = Host.start(1L << 30, 1)) {
            Guest guest = lantern(host, "", new GuestConsole());
            JsonObject request = request("mem-set", "test");
            request.addProperty("kib", 6144);
            assertThatThrownBy(() -> new HostVerbs(host).perform("mem-set", request))
                    .hasMessage(
                            "test has no balloon, or none yet: its kernel does not look at"
                                    + " memory/target in xenstore.");
            assertThat(guest.balloon().targetKib()).isEqualTo(8192);
        }
    }

    @Test
    void verbsForALivingGuestAreRefusedByOneThatHasEnded() throws Exception {
        try (Host host = Host.start(1L << 30, 1)) {
            Guest guest = lantern(host, "run=poweroff", new GuestConsole());
            guest.await(Optional.of(PATIENCE));
            HostVerbs verbs = new HostVerbs(host);
            for (String verb : List.of("pause", "unpause", "shutdown", "reboot", "mem-set")) {
                JsonObject request = request(verb, "test");
                request.addProperty("kib", 6144);
                assertThatThrownBy(() -> verbs.perform(verb, request))
                        .as(verb)
                        .isInstanceOf(ControlException.class)
                        .hasMessageStartingWith("A guest that has ended cannot ");
            }
        }
    }

    @Test
    void attachedConsoleShowsThePastAndTypes() throws Exception {
        ControlFolder sockets = ControlFolder.in(folder.resolve("s"));
        try (Host host = Host.start(1L << 30, 1);
                ControlServer _ = ControlServer.start(sockets, new HostVerbs(host));
                ControlClient client = ControlClient.connectToAll(sockets).getFirst()) {
            GuestConsole console = new GuestConsole();
            Guest guest = lantern(host, "", console);
            assertThat(console.awaitText("lantern> ", PATIENCE)).isTrue();
            client.ask(request("console", "1"));
            client.input()
                    .write("echo from elsewhere\npoweroff\n".getBytes(StandardCharsets.UTF_8));
            assertThat(guest.await(Optional.of(PATIENCE)).ending())
                    .isInstanceOf(Outcome.PoweredOff.class);
            guest.close();
            String seen = new String(client.output().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(seen).contains("lantern> ").contains("\nfrom elsewhere");
            assertThat(console.text()).contains("\nfrom elsewhere");
        }
    }

    @Test
    void deviceDirectoryWithANameOfTheGuestsMakingIsPassedOver() throws Exception {
        ControlFolder sockets = ControlFolder.in(folder.resolve("s"));
        try (Host host = Host.start(1L << 30, 1);
                ControlServer _ = ControlServer.start(sockets, new HostVerbs(host));
                ControlClient client = ControlClient.connectToAll(sockets).getFirst()) {
            Guest guest = lantern(host, "", new GuestConsole());
            String vifs = guest.tree().home() + "/device/vif/";
            host.store().write(vifs + "nonsense/state", "4");
            host.store().write(vifs + "99999999999/state", "4");
            host.store().write(vifs + "0/state", "4");
            JsonArray listed = client.ask(request("network-list", "1")).getAsJsonArray();
            assertThat(listed).hasSize(1);
            assertThat(listed.get(0).getAsJsonObject().get("id").getAsInt()).isZero();
        }
    }

    @Test
    void queuesOfADeviceAreListedInTheirOrder() throws Exception {
        try (Host host = Host.start(1L << 30, 1)) {
            Guest guest = lantern(host, "", new GuestConsole());
            String vif = guest.tree().home() + "/device/vif/0/";
            host.store().write(vif + "state", "4");
            for (int queue = 0; queue < 11; queue++) {
                host.store().write(vif + "queue-" + queue + "/tx-ring-ref", "" + (700 + queue));
                host.store().write(vif + "queue-" + queue + "/event-channel-rx", "" + queue);
            }
            host.store().write(vif + "queue-nonsense/tx-ring-ref", "1");
            JsonElement listed = new HostVerbs(host).perform("network-list", request("", "1"));
            JsonArray queues =
                    listed.getAsJsonArray().get(0).getAsJsonObject().getAsJsonArray("queues");
            assertThat(queues).hasSize(11);
            JsonObject last = queues.get(10).getAsJsonObject();
            assertThat(last.get("queue").getAsInt()).isEqualTo(10);
            assertThat(last.get("tx-ring-ref").getAsString()).isEqualTo("710");
            assertThat(last.get("event-channel-rx").getAsString()).isEqualTo("10");
        }
    }

    @Test
    void diskThatCouldNotBeClosedMakesAGuestThatPoweredOffFail() throws Exception {
        Host host = Host.start(1L << 30, 1);
        Outcome outcome;
        try (host) {
            GuestConsole console = new GuestConsole();
            Guest guest = lantern(host, "", console);
            assertThat(console.awaitText("lantern> ", PATIENCE)).isTrue();
            guest.devices().attach(new Disk(DiskName.parse("xvda"), fullDisk(), "full.img"));
            console.type("poweroff\n");
            outcome = guest.await(Optional.of(PATIENCE));
            assertThat(outcome.ending()).isEqualTo(new Outcome.PoweredOff());
            VmmMachine.requireNothingLost(outcome, host.losses());
        }
        assertThatThrownBy(() -> VmmMachine.requireNothingLost(outcome, host.losses()))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("could not be closed: No space left on device");
    }

    @Test
    void readersOfAConsoleAreSentAwayWhenTheGuestHasEndedAndIsKept() throws Exception {
        try (Host host = Host.start(1L << 30, 1)) {
            GuestConsole console = new GuestConsole();
            Guest guest = lantern(host, "", console);
            assertThat(console.awaitText("lantern> ", PATIENCE)).isTrue();
            AtomicInteger sentAway = new AtomicInteger();
            guest.console().attach((_, _, _) -> {}, sentAway::incrementAndGet);
            console.type("poweroff\n");
            guest.await(Optional.of(PATIENCE));
            assertThat(sentAway).hasValue(1);
            guest.console().attach((_, _, _) -> {}, sentAway::incrementAndGet);
            assertThat(sentAway).as("one that came late").hasValue(2);
        }
    }

    private static BlockImage fullDisk() {
        return new BlockImage() {
            @Override
            public long sizeBytes() {
                return 1 << 20;
            }

            @Override
            public boolean isReadOnly() {
                return false;
            }

            @Override
            public void read(long offset, ByteBuffer into) {
                into.position(into.limit());
            }

            @Override
            public void write(long offset, ByteBuffer from) {
                from.position(from.limit());
            }

            @Override
            public void discard(long offset, long lengthBytes) {}

            @Override
            public void flush() {}

            @Override
            public void close() throws IOException {
                throw new IOException("No space left on device");
            }
        };
    }

    @Test
    void whatAGuestWritesOfItsDevicesReachesNoTerminalWithItsEscapes() throws Exception {
        ControlFolder sockets = ControlFolder.in(folder.resolve("s"));
        try (Host host = Host.start(1L << 30, 1);
                ControlServer _ = ControlServer.start(sockets, new HostVerbs(host));
                ControlClient client = ControlClient.connectToAll(sockets).getFirst()) {
            Guest guest = lantern(host, "", new GuestConsole());
            String disk = guest.tree().home() + "/device/vbd/51712/";
            host.store().write(disk + "state", "4\033]52;c;eA==\007");
            JsonArray listed = client.ask(request("block-list", "1")).getAsJsonArray();
            assertThat(listed.get(0).getAsJsonObject().get("state").getAsString())
                    .isEqualTo("4\\x1b]52;c;eA==\\x07");
        }
    }

    @Test
    void whoTypesToAGuestThatDoesNotReadCanLeave() throws Exception {
        try (Host host = Host.start(1L << 30, 1)) {
            GuestConsole console = new GuestConsole();
            Guest guest = lantern(host, "", console);
            assertThat(console.awaitText("lantern> ", PATIENCE)).isTrue();
            guest.pause();
            InputListener keys =
                    new HostVerbs(host).attach("1", (bytes, offset, length) -> {}, () -> {}).keys();
            Thread typing = Thread.ofPlatform().start(() -> keys.typed(new byte[1 << 20], 1 << 20));
            while (typing.getState() != Thread.State.TIMED_WAITING) {
                Thread.onSpinWait();
            }
            typing.interrupt();
            typing.join(PATIENCE);
            assertThat(typing.isAlive()).as("still there").isFalse();
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    @Test
    void portOfTheHostComesAndGoesWhileTheGuestRuns() throws Exception {
        ControlFolder sockets = ControlFolder.in(folder.resolve("s"));
        try (Host host = Host.start(1L << 30, 1);
                ControlServer _ = ControlServer.start(sockets, new HostVerbs(host));
                ControlClient client = ControlClient.connectToAll(sockets).getFirst()) {
            lantern(host, "", new GuestConsole());
            JsonObject add = request("forward-add", "1");
            assertThatThrownBy(() -> client.ask(add)).hasMessage("forward-add needs a 'forward'.");
            add.addProperty("forward", "80");
            assertThatThrownBy(() -> client.ask(add)).hasMessageContaining("'80' is not [ADDRESS");
            add.addProperty("forward", "0:80");
            assertThatThrownBy(() -> client.ask(add))
                    .hasMessage("The guest 'test' has no interface on the network 'nat'.");
            JsonObject attach = request("network-attach", "1");
            attach.addProperty("network", "nat");
            client.ask(attach);

            JsonObject added = client.ask(add).getAsJsonObject();
            int port = added.get("host_port").getAsInt();
            assertThat(client.ask(request("forward-list", "1")).getAsJsonArray())
                    .containsExactly(added);
            new Socket(InetAddress.getLoopbackAddress(), port).close();
            add.addProperty("forward", port + ":81");
            assertThatThrownBy(() -> client.ask(add)).hasMessageContaining("the port is in use.");

            JsonObject remove = request("forward-remove", "1");
            assertThatThrownBy(() -> client.ask(remove))
                    .hasMessage("forward-remove needs a 'port'.");
            remove.addProperty("port", port + "/udp");
            assertThatThrownBy(() -> client.ask(remove)).hasMessageContaining("does not lead to");
            remove.addProperty("port", port);
            client.ask(remove);
            assertThat(client.ask(request("forward-list", "1")).getAsJsonArray()).isEmpty();
            assertThatThrownBy(() -> new Socket(InetAddress.getLoopbackAddress(), port))
                    .isInstanceOf(ConnectException.class);
        }
    }

    @Test
    void interfaceComesAndGoesWhileTheGuestRuns() throws Exception {
        ControlFolder sockets = ControlFolder.in(folder.resolve("s"));
        try (Host host = Host.start(1L << 30, 1);
                ControlServer _ = ControlServer.start(sockets, new HostVerbs(host));
                ControlClient client = ControlClient.connectToAll(sockets).getFirst()) {
            lantern(host, "", new GuestConsole());
            JsonObject attach = request("network-attach", "1");
            assertThatThrownBy(() -> client.ask(attach)).hasMessageContaining("'network'");
            attach.addProperty("network", "cable");
            assertThatThrownBy(() -> client.ask(attach)).hasMessageContaining("cable");
            attach.addProperty("network", "none,mac=00:16:3e:00:00:07");
            assertThat(client.ask(attach).getAsInt()).isZero();
            assertThatThrownBy(() -> client.ask(attach))
                    .hasMessageContaining("00:16:3e:00:00:07 is already on port");
            JsonArray listed = client.ask(request("network-list", "1")).getAsJsonArray();
            assertThat(listed).hasSize(1);
            assertThat(listed.get(0).getAsJsonObject().get("mac").getAsString())
                    .isEqualTo("00:16:3e:00:00:07");

            JsonObject detach = request("network-detach", "1");
            detach.addProperty("id", 3);
            assertThatThrownBy(() -> client.ask(detach)).hasMessageContaining("no interface 3");
            detach.addProperty("id", 0);
            client.ask(detach);
            // The guest has no driver and never came past the state in which its end was made.
            String ours = "/local/domain/0/backend/vif/1/0/online";
            assertThat(host.store().read(ours).orElse("0")).isEqualTo("0");
        }
    }
}

package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.boot.EventActions;
import org.xenolith.core.boot.Outcome;
import org.xenolith.core.boot.Restarts;
import org.xenolith.core.config.GuestConfig.Action;
import org.xenolith.core.control.ControlClient;
import org.xenolith.core.control.ControlFolder;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** A guest that reboots while it is watched: lantern, as `vmm` runs it. */
@Timeout(120)
class TraceOverRebootBootTest {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final String PROMPT = "lantern> ";

    @TempDir Path folder;

    private final GuestConsole console = new GuestConsole();
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private ControlFolder sockets;

    @BeforeEach
    void nameSockets() {
        sockets = ControlFolder.in(folder.resolve("s"));
    }

    @AfterEach
    void stopThreads() {
        threads.shutdownNow();
    }

    private BootOptions.Builder lantern() {
        return BootFixture.options(
                BootFixture.lantern(folder), null, "", 8 * BootFixture.MIB, 1, false)
                .toBuilder();
    }

    private Future<Outcome> boot(BootOptions options) throws Exception {
        VmmMachine machine = new VmmMachine(Optional.of(sockets));
        Future<Outcome> end = threads.submit(() -> machine.boot(options, console, Restarts.UNTOLD));
        assertThat(console.awaitText(PROMPT, PATIENCE)).as(console.text()).isTrue();
        return end;
    }

    private void type(String line) throws InterruptedException {
        long position = console.position();
        console.type(line + "\n");
        assertThat(console.awaitText(PROMPT, position + line.length(), PATIENCE))
                .as(console.text())
                .isTrue();
    }

    private static JsonObject request(String... topics) {
        JsonObject request = new JsonObject();
        request.addProperty("verb", "trace");
        request.addProperty("guest", "test");
        JsonArray labels = new JsonArray();
        List.of(topics).forEach(labels::add);
        request.add("topics", labels);
        return request;
    }

    private static String all(ControlClient client) throws IOException {
        return new String(client.output().readAllBytes(), StandardCharsets.UTF_8);
    }

    private static String endedBy(String all) {
        return JsonParser.parseString(all.substring(all.indexOf('\0') + 1))
                .getAsJsonObject()
                .get("ended_by")
                .getAsString();
    }

    @Test
    void traceGoesOnWithTheFirstInstructionOfTheNextLife() throws Exception {
        Future<Outcome> end = boot(lantern().actions(EventActions.STANDARD).build());
        try (ControlClient client = ControlClient.connectToAll(sockets).getFirst()) {
            client.ask(request("schedule", "hypercall"));
            type("reboot");
            type("reboot");
            client.endInput();
            String all = all(client);
            List<String> lines = all.lines().toList();
            List<String> reboots =
                    lines.stream().filter(line -> line.contains("rebooted, and is d")).toList();
            assertThat(reboots).hasSize(2);
            for (String reboot : reboots) {
                String next = reboot.replaceAll(".* is (d\\d+) from here on", "$1");
                int at = lines.indexOf(reboot);
                assertThat(lines.get(at - 1)).contains(reboot.replaceAll(".*] (d\\d+) .*", "$1"));
                assertThat(lines.get(at + 1)).contains(" " + next + "v0 ").contains(" runs");
                assertThat(lines.get(at + 2)).contains(" " + next + "v0 k ");
            }
            assertThat(endedBy(all)).isEqualTo("reader");
        }
        console.type("poweroff\n");
        assertThat(end.get().ending()).isEqualTo(new Outcome.PoweredOff());
    }

    @Test
    void timelineOverARebootIsWhole() throws Exception {
        Future<Outcome> end = boot(lantern().actions(EventActions.STANDARD).build());
        JsonObject request = request("schedule", "hypercall");
        request.addProperty("format", "timeline");
        try (ControlClient client = ControlClient.connectToAll(sockets).getFirst()) {
            client.ask(request);
            type("reboot");
            console.type("poweroff\n");
            String all = all(client);
            assertThat(endedBy(all)).isEqualTo("guest");
            String timeline = all.substring(0, all.indexOf('\0'));
            JsonArray events =
                    JsonParser.parseString(timeline)
                            .getAsJsonObject()
                            .getAsJsonArray("traceEvents");
            assertThat(events.toString()).containsOnlyOnce("\"rebooted\"");
            assertThat(
                            events.asList().stream()
                                    .map(event -> event.getAsJsonObject().get("pid").getAsInt())
                                    .distinct())
                    .hasSize(2);
        }
        assertThat(end.get().ending()).isEqualTo(new Outcome.PoweredOff());
    }

    @Test
    void rebootThatIsTheEndOfTheGuestEndsTheTrace() throws Exception {
        EventActions actions = EventActions.STANDARD.withOnReboot(Action.PRESERVE);
        Future<Outcome> end = boot(lantern().actions(actions).build());
        try (ControlClient client = ControlClient.connectToAll(sockets).getFirst();
                ControlClient other = ControlClient.connectToAll(sockets).getFirst()) {
            client.ask(request("schedule"));
            console.type("reboot\n");
            assertThat(endedBy(all(client))).isEqualTo("guest");
            JsonObject destroy = request();
            destroy.addProperty("verb", "destroy");
            other.ask(destroy);
        }
        end.get();
    }

    @Test
    void guestThatCannotStartAgainEndsTheTrace() throws Exception {
        try (Host host = Host.start(1L << 30, 1);
                Guest guest =
                        host.create(lantern().actions(EventActions.STANDARD).build(), console)) {
            guest.start();
            assertThat(console.awaitText(PROMPT, PATIENCE)).isTrue();
            LiveTrace trace = LiveTrace.start(guest, TraceRequest.parse(request("schedule")));
            var out = new ByteArrayOutputStream();
            Future<?> pumped =
                    threads.submit(
                            () -> {
                                trace.pump(out);
                                return null;
                            });
            console.type("reboot\n");
            assertThat(guest.await(Optional.of(PATIENCE)).ending())
                    .isInstanceOf(Outcome.Rebooted.class);
            host.freePorts("another");
            host.freePorts("test");
            pumped.get();
            assertThat(endedBy(out.toString(StandardCharsets.UTF_8))).isEqualTo("guest");
        }
    }
}

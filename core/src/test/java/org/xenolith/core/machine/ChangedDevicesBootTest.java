package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.core.boot.BootFailed;
import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.boot.GuestDevices;
import org.xenolith.core.boot.Outcome;
import org.xenolith.core.boot.Restarts;
import org.xenolith.core.boot.RestoreOptions;
import org.xenolith.core.control.ControlClient;
import org.xenolith.core.control.ControlException;
import org.xenolith.core.control.ControlFolder;
import org.xenolith.cpu.translate.Tier;
import org.xenolith.devices.net.NetworkSpec;

import java.io.IOException;
import java.net.BindException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.StreamSupport;

/**
 * What was attached and detached while a guest ran is so in its next life too: lantern, as `vmm`
 * runs it.
 */
@Timeout(60)
class ChangedDevicesBootTest {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final String PROMPT = "lantern> ";

    @TempDir Path folder;
    private ControlFolder sockets;
    private VmmMachine machine;

    @BeforeEach
    void makeMachine() {
        sockets = ControlFolder.in(folder.resolve("s"));
        machine = new VmmMachine(Optional.of(sockets));
    }

    private BootOptions lantern(String... networks) {
        return BootFixture.options(
                        BootFixture.lantern(folder), null, "", 8 * BootFixture.MIB, 1, false)
                .with(
                        new GuestDevices(
                                List.of(),
                                List.of(networks).stream().map(NetworkSpec::parse).toList(),
                                List.of()));
    }

    /** The guest called test, spoken to while it runs. */
    private record Spoken(ControlClient client) implements AutoCloseable {
        JsonElement ask(String verb) throws IOException, ControlException {
            return client.ask(request(verb));
        }

        JsonElement ask(String verb, String member, String value)
                throws IOException, ControlException {
            JsonObject request = request(verb);
            request.addProperty(member, value);
            return client.ask(request);
        }

        private static JsonObject request(String verb) {
            JsonObject request = new JsonObject();
            request.addProperty("verb", verb);
            request.addProperty("guest", "test");
            return request;
        }

        int attach(String network) throws IOException, ControlException {
            return ask("network-attach", "network", network).getAsInt();
        }

        /** Asks for it and waits until it is gone: lantern never used it and has nothing to say. */
        void detach(int number) throws IOException, ControlException {
            JsonObject request = request("network-detach");
            request.addProperty("id", number);
            client.ask(request);
            while (interfaces().stream().anyMatch(each -> each.startsWith(number + " "))) {
                Thread.onSpinWait();
            }
        }

        /** Number and address of each interface. */
        List<String> interfaces() throws IOException, ControlException {
            JsonArray list = ask("network-list").getAsJsonArray();
            return StreamSupport.stream(list.spliterator(), false)
                    .map(JsonElement::getAsJsonObject)
                    .map(each -> each.get("id") + " " + text(each, "mac"))
                    .toList();
        }

        /** What a device that is just going may not have any more is empty. */
        private static String text(JsonObject device, String name) {
            JsonElement value = device.get(name);
            return value == null || value.isJsonNull() ? "" : value.getAsString();
        }

        @Override
        public void close() throws IOException {
            client.close();
        }
    }

    private Spoken speak() throws IOException {
        return new Spoken(ControlClient.connectToAll(sockets).getFirst());
    }

    private static void expectPrompt(GuestConsole console, long position)
            throws InterruptedException {
        assertThat(console.awaitText(PROMPT, position, PATIENCE)).as(console.text()).isTrue();
    }

    private static void reboot(GuestConsole console) throws InterruptedException {
        long position = console.position();
        console.type("reboot\n");
        expectPrompt(console, position + "reboot".length());
    }

    @Test
    void interfacesAndPortsAreAfterARebootAsTheyWereBefore() throws Exception {
        GuestConsole console = new GuestConsole();
        try (ExecutorService thread = Executors.newSingleThreadExecutor()) {
            BootOptions options = lantern("none", "none,mac=00:16:3e:00:00:01");
            Future<Outcome> end =
                    thread.submit(() -> machine.boot(options, console, Restarts.UNTOLD));
            expectPrompt(console, 0);
            try (Spoken test = speak()) {
                assertThat(test.attach("nat,mac=00:16:3e:00:00:02")).isEqualTo(2);
                assertThat(test.attach("none,mac=00:16:3e:00:00:07,devid=7")).isEqualTo(7);
                JsonElement port = test.ask("forward-add", "forward", "0:80");
                test.detach(0);
                reboot(console);
                assertThat(test.interfaces())
                        .containsExactly(
                                "1 00:16:3e:00:00:01",
                                "2 00:16:3e:00:00:02",
                                "7 00:16:3e:00:00:07");
                assertThat(test.ask("forward-list").getAsJsonArray()).containsExactly(port);
                int number = port.getAsJsonObject().get("host_port").getAsInt();
                new Socket(InetAddress.getLoopbackAddress(), number).close();

                test.ask("forward-remove", "port", "" + number);
                test.detach(2);
                reboot(console);
                assertThat(test.interfaces())
                        .containsExactly("1 00:16:3e:00:00:01", "7 00:16:3e:00:00:07");
                assertThat(test.ask("forward-list").getAsJsonArray()).isEmpty();
            }
            console.type("poweroff\n");
            assertThat(end.get().ending()).isInstanceOf(Outcome.PoweredOff.class);
        }
    }

    @Test
    void socketOfADetachedInterfaceGoesWithIt() throws Exception {
        GuestConsole console = new GuestConsole();
        int local = freePort();
        String tunnel = "udp:127.0.0.1:%d,127.0.0.1:%d".formatted(local, freePort());
        try (ExecutorService thread = Executors.newSingleThreadExecutor()) {
            Future<Outcome> end =
                    thread.submit(() -> machine.boot(lantern("none"), console, Restarts.UNTOLD));
            expectPrompt(console, 0);
            try (Spoken test = speak()) {
                for (int i = 0; i < 2; i++) {
                    int number = test.attach(tunnel);
                    assertThat(isFree(local)).isFalse();
                    test.detach(number);
                    long deadline = System.nanoTime() + PATIENCE.toNanos();
                    while (!isFree(local)) {
                        assertThat(System.nanoTime()).as("closed").isLessThan(deadline);
                    }
                }
            }
            console.type("poweroff\n");
            assertThat(end.get().ending()).isInstanceOf(Outcome.PoweredOff.class);
        }
    }

    private static int freePort() throws IOException {
        try (DatagramSocket socket = new DatagramSocket(0, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private static boolean isFree(int port) throws IOException {
        try (DatagramSocket socket = new DatagramSocket(port, InetAddress.getLoopbackAddress())) {
            return socket.isBound();
        } catch (BindException e) {
            return false;
        }
    }

    @Test
    void interfacesAndPortsAreAfterARestoreAsTheyWereBefore() throws Exception {
        Path file = folder.resolve("saved");
        List<String> before;
        JsonElement port;
        try (ExecutorService thread = Executors.newSingleThreadExecutor()) {
            GuestConsole console = new GuestConsole();
            BootOptions options = lantern("none", "none");
            Future<Outcome> end = thread.submit(() -> machine.boot(options, console));
            expectPrompt(console, 0);
            try (Spoken test = speak()) {
                assertThat(test.attach("nat")).isEqualTo(2);
                port = test.ask("forward-add", "forward", "0:80");
                test.detach(0);
                before = test.interfaces();
                assertThat(before).hasSize(2);
                test.ask("save", "file", file.toString());
            }
            assertThat(end.get().ending()).isEqualTo(new Outcome.Saved(file));

            GuestConsole after = new GuestConsole();
            RestoreOptions how =
                    new RestoreOptions(false, Optional.of(PATIENCE), false, Tier.standard());
            end = thread.submit(() -> machine.restore(file, how, after));
            after.type("echo on\n");
            expectPrompt(after, 0);
            try (Spoken test = speak()) {
                assertThat(test.interfaces()).isEqualTo(before);
                assertThat(test.ask("forward-list").getAsJsonArray()).containsExactly(port);
                assertThat(test.attach("none")).as("the first that is free").isZero();
            }
            after.type("poweroff\n");
            assertThat(end.get().ending()).isInstanceOf(Outcome.PoweredOff.class);
        }
    }

    @Test
    void numberThatIsTakenIsOneSentence() throws Exception {
        assertThatThrownBy(
                        () ->
                                machine.boot(
                                        lantern("none,devid=3", "none,devid=3"),
                                        new GuestConsole()))
                .isInstanceOf(BootFailed.class)
                .hasMessage("Two network interfaces have the number 3");
        GuestConsole console = new GuestConsole();
        try (ExecutorService thread = Executors.newSingleThreadExecutor()) {
            BootOptions options = lantern("none,devid=3");
            Future<Outcome> end = thread.submit(() -> machine.boot(options, console));
            expectPrompt(console, 0);
            try (Spoken test = speak()) {
                assertThatThrownBy(() -> test.attach("none,devid=3"))
                        .hasMessage("The guest 'test' has an interface 3 already.");
                assertThat(test.attach("none")).isZero();
            }
            console.type("poweroff\n");
            assertThat(end.get().ending()).isInstanceOf(Outcome.PoweredOff.class);
        }
    }
}

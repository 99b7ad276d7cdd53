package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.core.boot.BootFailed;
import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.boot.GuestDevices;
import org.xenolith.core.boot.LastingCopies;
import org.xenolith.core.boot.Outcome;
import org.xenolith.core.boot.Restarts;
import org.xenolith.core.config.DiskSpec;
import org.xenolith.core.control.ControlClient;
import org.xenolith.core.control.ControlException;
import org.xenolith.core.control.ControlFolder;
import org.xenolith.core.image.Initramfs;
import org.xenolith.core.image.debian.BootInput;
import org.xenolith.core.image.debian.DebianImage;
import org.xenolith.core.image.debian.DebianInput;
import org.xenolith.devices.block.DiskImage;
import org.xenolith.devices.console.ConsoleLog;
import org.xenolith.devices.net.NetworkSpec;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/** A guest that somebody copies over the control socket while it runs. */
@Timeout(value = 3, unit = TimeUnit.MINUTES)
class ForkVerbBootTest {
    private static final Duration PATIENCE = Duration.ofSeconds(100);

    @TempDir Path folder;

    /** Powers copies off as soon as they are alone. */
    private static final class Told implements Restarts {
        final List<String> lasting = new ArrayList<>();
        final Map<String, Outcome.Ending> ended = new ConcurrentHashMap<>();

        @Override
        public void startsAgain(Outcome.Ending ending, Duration delay) {}

        @Override
        public void copiesGoOn(Outcome outcome, LastingCopies copies) {
            assertThat(outcome.ending()).isInstanceOf(Outcome.Destroyed.class);
            lasting.addAll(copies.names());
            copies.shutdown();
            copies.await();
        }

        @Override
        public void copyEnded(String name, Outcome.Ending ending) {
            ended.put(name, ending);
        }
    }

    /** What somebody sees and types at {@code vmm console}. */
    private static final class Attached implements AutoCloseable {
        private final ControlClient client;
        private final ConsoleLog log = new ConsoleLog();

        Attached(ControlFolder sockets, String guest) throws IOException, ControlException {
            client = ControlClient.connectToAll(sockets).getFirst();
            client.ask(request("console", guest));
            Thread.ofVirtual().start(this::pump);
        }

        private void pump() {
            byte[] bytes = new byte[4096];
            try {
                for (int n = client.output().read(bytes); n > 0; n = client.output().read(bytes)) {
                    log.write(bytes, 0, n);
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        void answers(String command, String answer) throws Exception {
            client.input().write((command + "\n").getBytes(StandardCharsets.US_ASCII));
            client.input().flush();
            assertThat(log.awaitText("\n" + answer, PATIENCE)).as("%s", log.text()).isTrue();
        }

        @Override
        public void close() throws IOException {
            client.close();
        }
    }

    private static JsonObject request(String verb, String guest) {
        JsonObject request = new JsonObject();
        request.addProperty("verb", verb);
        request.addProperty("guest", guest);
        return request;
    }

    private static JsonObject fork(String guest, String name) {
        JsonObject request = request("fork", guest);
        request.addProperty("name", name);
        return request;
    }

    private BootOptions debian(Path disk) throws Exception {
        BootInput input = DebianInput.orSkip();
        Path initrd = folder.resolve("initrd");
        new Initramfs().file("mem/empty", 0644, "").appendTo(input.initrd(), initrd);
        return BootOptions.of("web1", input.kernel(), 96 * BootFixture.MIB)
                .initrd(Optional.of(initrd))
                .commandLine(input.defaultCommandLine())
                .devices(
                        new GuestDevices(
                                List.of(DiskSpec.parse(disk + ",ephemeral")),
                                List.of(NetworkSpec.parse("nat,mac=00:16:3e:00:00:01")),
                                List.of()))
                .build();
    }

    @Test
    void copiesGoOnFromMemoryAndDiskUnderNamesAndAddressesOfTheirOwn() throws Exception {
        Path base = Files.write(folder.resolve("base.img"), new byte[1 << 20]);
        Path kept = folder.resolve("kept.qcow2");
        BootOptions options = debian(base);
        ControlFolder sockets = ControlFolder.in(folder.resolve("s"));
        VmmMachine machine = new VmmMachine(Optional.of(sockets));
        GuestConsole console = new GuestConsole();
        Told told = new Told();
        try (ExecutorService thread = Executors.newSingleThreadExecutor()) {
            Future<Outcome> end = thread.submit(() -> machine.boot(options, console, told));
            assertThat(console.awaitText(DebianImage.PROMPT, PATIENCE)).as(console.text()).isTrue();
            console.type("v=$((40+2)); printf 'below' | dd of=/dev/xvda conv=fsync; echo do''ne\n");
            assertThat(console.awaitText("\ndone", PATIENCE)).as(console.text()).isTrue();
            try (ControlClient client = ControlClient.connectToAll(sockets).getFirst()) {
                JsonObject keeping = fork("web1", "try1");
                JsonObject overlays = new JsonObject();
                overlays.addProperty("xvda", kept.toString());
                keeping.add("overlays", overlays);
                askAtOnce(sockets, keeping, fork("web1", "try2"));
                isRefused(client, fork("web1", "try2"), "There is a guest that is called 'try2'");
                isRefused(client, fork("web1", "web1"), "There is a guest that is called 'web1'");
                leavesNoPortOpenWhenAnotherIsTaken(client);

                try (Attached first = new Attached(sockets, "try1");
                        Attached second = new Attached(sockets, "try2")) {
                    first.answers("echo $v $(head -c 5 /dev/xvda) 1st", "42 below 1st");
                    first.answers(
                            "printf above | dd of=/dev/xvda conv=fsync; echo wri''tten", "written");
                    second.answers("echo $v $(head -c 5 /dev/xvda) 2nd", "42 below 2nd");
                    console.type("echo $v here\n");
                    assertThat(console.awaitText("\n42 here", PATIENCE)).isTrue();
                    haveAddressesOfTheirOwn(client, List.of("web1", "try1", "try2"));
                    isRefused(client, save("try2"), "is forgotten when it ends");
                    client.ask(request("destroy", "web1"));
                    assertThat(end.get().ending()).isInstanceOf(Outcome.Destroyed.class);
                }
            }
        }
        assertThat(told.lasting).containsExactly("try1", "try2");
        assertThat(told.ended)
                .containsOnly(
                        Map.entry("try1", new Outcome.PoweredOff()),
                        Map.entry("try2", new Outcome.PoweredOff()));
        DiskImage.requireBase(kept, base);
        try (var names = Files.list(folder)) {
            assertThat(names.map(file -> file.getFileName().toString()))
                    .containsExactlyInAnyOrder("base.img", "kept.qcow2", "initrd", "s");
        }
    }

    private static void leavesNoPortOpenWhenAnotherIsTaken(ControlClient client) throws Exception {
        InetAddress here = InetAddress.getByName("127.0.0.1");
        int free;
        try (ServerSocket taken = new ServerSocket(0, 1, here);
                ServerSocket closed = new ServerSocket(0, 1, here)) {
            free = closed.getLocalPort();
            closed.close();
            JsonObject request = fork("web1", "try3");
            JsonArray forwards = new JsonArray();
            forwards.add(free + ":80");
            forwards.add(taken.getLocalPort() + ":80");
            request.add("forwards", forwards);
            isRefused(client, request, "the port is in use");
        }
        new ServerSocket(free, 1, here).close();
    }

    private JsonObject save(String guest) {
        JsonObject save = request("save", guest);
        save.addProperty("file", folder.resolve("saved").toString());
        return save;
    }

    private static void isRefused(ControlClient client, JsonObject request, String why) {
        assertThatThrownBy(() -> client.ask(request))
                .isInstanceOf(ControlException.class)
                .hasMessageContaining(why);
    }

    /** Two may copy one guest at the same time; the one who comes second waits. */
    private static void askAtOnce(ControlFolder sockets, JsonObject... requests) throws Exception {
        List<Future<JsonElement>> answers = new ArrayList<>();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (JsonObject request : requests) {
                answers.add(threads.submit(() -> ask(sockets, request)));
            }
        }
        for (Future<JsonElement> answer : answers) {
            answer.get();
        }
    }

    private static JsonElement ask(ControlFolder sockets, JsonObject request) throws Exception {
        try (ControlClient client = ControlClient.connectToAll(sockets).getFirst()) {
            return client.ask(request);
        }
    }

    private static void haveAddressesOfTheirOwn(ControlClient client, List<String> guests)
            throws Exception {
        List<String> addresses = new ArrayList<>();
        for (String guest : guests) {
            JsonArray nics = client.ask(request("network-list", guest)).getAsJsonArray();
            JsonElement mac = nics.get(0).getAsJsonObject().get("mac");
            addresses.add(mac.getAsString());
        }
        assertThat(addresses).doesNotHaveDuplicates().contains("00:16:3e:00:00:01");
    }

    @Test
    void guestWhoseKernelCannotSuspendItselfIsRefusedAtOnce() throws Exception {
        try (Host host = Host.start(1L << 30, 1)) {
            Guest guest =
                    host.create(
                            BootFixture.options(
                                    BootFixture.lantern(folder),
                                    null,
                                    "run=sleep 1000",
                                    8 * BootFixture.MIB,
                                    1,
                                    false),
                            new GuestConsole());
            guest.start();
            HostVerbs verbs = new HostVerbs(host);
            assertThatThrownBy(() -> verbs.perform("fork", fork("test", "copy")))
                    .isInstanceOf(ControlException.class)
                    .hasMessageStartingWith("test cannot be copied: its kernel has not said");
            guest.destroy();
            guest.await(Optional.of(PATIENCE));
            assertThatThrownBy(() -> verbs.perform("fork", fork("test", "copy")))
                    .hasMessage("A guest that has ended cannot be copied.");
        }
    }

    /** They were destroyed, whatever they had to write. */
    @Test
    void copiesPowerOffWhenTheirFirstGuestCannotStartAgain() throws Exception {
        BootOptions options = debian(Files.write(folder.resolve("base.img"), new byte[1 << 20]));
        ControlFolder sockets = ControlFolder.in(folder.resolve("s"));
        VmmMachine machine = new VmmMachine(Optional.of(sockets));
        GuestConsole console = new GuestConsole();
        Told told = new Told();
        try (ExecutorService thread = Executors.newSingleThreadExecutor()) {
            Future<Outcome> end = thread.submit(() -> machine.boot(options, console, told));
            assertThat(console.awaitText(DebianImage.PROMPT, PATIENCE)).as(console.text()).isTrue();
            try (ControlClient client = ControlClient.connectToAll(sockets).getFirst()) {
                client.ask(fork("web1", "try1"));
            }
            Files.delete(options.initrd().orElseThrow());
            console.type("reboot -f\n");
            assertThatThrownBy(end::get).hasCauseInstanceOf(BootFailed.class);
        }
        assertThat(told.ended).containsOnly(Map.entry("try1", new Outcome.PoweredOff()));
    }
}

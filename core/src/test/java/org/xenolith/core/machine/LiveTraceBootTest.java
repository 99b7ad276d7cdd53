package org.xenolith.core.machine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.control.ControlClient;
import org.xenolith.core.control.ControlException;
import org.xenolith.core.control.ControlFolder;
import org.xenolith.core.control.ControlServer;
import org.xenolith.core.image.Symbols;
import org.xenolith.core.statistics.RamHash;
import org.xenolith.core.trace.TraceTopic;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.FutureTask;
import java.util.function.Consumer;

/** lantern, watched over the control socket while it runs. */
@Timeout(120)
class LiveTraceBootTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    @TempDir Path folder;

    private final GuestConsole console = new GuestConsole();
    private Host host;
    private ControlServer server;
    private ControlFolder sockets;

    @BeforeEach
    void startHost() throws IOException {
        sockets = ControlFolder.in(folder.resolve("s"));
        host = Host.start(1L << 30, 2);
        server = ControlServer.start(sockets, new HostVerbs(host));
    }

    @AfterEach
    void stopHost() {
        server.close();
        host.close();
    }

    private BootOptions.Builder lantern(String commandLine) {
        return BootFixture.options(
                BootFixture.lantern(folder), null, commandLine, 8 * BootFixture.MIB, 1, false)
                .toBuilder();
    }

    private Guest started(BootOptions options) throws IOException {
        Guest guest = host.create(options, console);
        guest.start();
        return guest;
    }

    private Guest started(String commandLine) throws IOException {
        return started(lantern(commandLine).build());
    }

    /** It wakes each millisecond, and prints. */
    private Guest beating() throws Exception {
        Guest guest = started("run=beat 1");
        assertThat(console.awaitText("beat 2", PATIENCE)).isTrue();
        return guest;
    }

    private ControlClient client() throws IOException {
        return ControlClient.connectToAll(sockets).getFirst();
    }

    private static JsonObject request(String... topics) {
        JsonObject request = new JsonObject();
        request.addProperty("verb", "trace");
        request.addProperty("guest", "test");
        if (topics.length > 0) {
            JsonArray labels = new JsonArray();
            List.of(topics).forEach(labels::add);
            request.add("topics", labels);
        }
        return request;
    }

    private static JsonObject counting(int count, String... topics) {
        JsonObject request = request(topics);
        request.addProperty("count", count);
        return request;
    }

    /** What a trace showed, and how it ended. */
    private record Seen(String text, JsonObject end) {
        static Seen of(ControlClient client) throws IOException {
            return of(new String(client.output().readAllBytes(), StandardCharsets.UTF_8));
        }

        static Seen of(String all) {
            int mark = all.indexOf('\0');
            return new Seen(
                    all.substring(0, mark),
                    JsonParser.parseString(all.substring(mark + 1)).getAsJsonObject());
        }

        long events() {
            return end.get("events").getAsLong();
        }

        String endedBy() {
            return end.get("ended_by").getAsString();
        }
    }

    private Seen trace(JsonObject request) throws IOException, ControlException {
        try (ControlClient client = client()) {
            client.ask(request);
            return Seen.of(client);
        }
    }

    private static void awaitUnwatched(Guest guest) {
        while (guest.trace().isWatched()) {
            Thread.onSpinWait();
        }
    }

    // ---- what is seen ----

    @Test
    void traceBeginsAndEndsWhileTheGuestRuns() throws Exception {
        Guest guest = beating();
        Seen seen = trace(counting(30, "hypercall"));
        assertThat(seen.text.lines()).hasSize(30).allMatch(line -> line.contains(" d1v0 k "));
        assertThat(seen.text).contains("sched_op(SCHEDOP_block").contains(" in ");
        assertThat(seen.events()).isEqualTo(30);
        assertThat(seen.endedBy()).isEqualTo("count");
        assertThat(guest.trace().isWatched()).isFalse();
        assertThat(guest.isPaused()).as("it goes on").isFalse();
        assertThat(trace(counting(3)).text.lines()).as("and can be watched again").hasSize(3);
    }

    @ParameterizedTest
    @CsvSource({
        "hypercall,' = '",
        "event,event ",
        "ring,requests pushed device=console ring=output",
        "schedule,runs",
        "xenstore,xenstore changed",
        "instruction,'  mov'"
    })
    void eachPartThatTellsOfItselfIsSwitchedOnAndOff(String topic, String text) throws Exception {
        Guest guest = beating();
        try (ControlClient client = client()) {
            client.ask(counting(40, topic));
            Thread writer =
                    Thread.ofVirtual()
                            .start(
                                    () -> {
                                        while (!Thread.interrupted()) {
                                            host.store().write("/tool/x", "y");
                                        }
                                    });
            Seen seen = Seen.of(client);
            writer.interrupt();
            assertThat(seen.text).contains(text);
            assertThat(seen.text.lines().filter(line -> !line.contains("lost here"))).hasSize(40);
        }
        assertThat(guest.trace().isWatched()).isFalse();
    }

    @Test
    void onlyWhatAFunctionCausesIsShown() throws Exception {
        beating();
        String all = trace(counting(30, "hypercall")).text;
        String line = all.lines().filter(each -> each.contains("SCHEDOP_block")).findFirst().get();
        String function = line.replaceFirst(".* in (\\w+).*", "$1");
        JsonObject request = counting(5, "hypercall");
        request.addProperty("function", function.substring(0, function.length() - 1) + "?");
        assertThat(trace(request).text.lines())
                .hasSize(5)
                .allMatch(each -> each.contains(" in " + function));
    }

    @Test
    void timelineIsWhole() throws Exception {
        beating();
        JsonObject request = counting(50);
        request.addProperty("format", "timeline");
        Seen seen = trace(request);
        JsonArray events =
                JsonParser.parseString(seen.text).getAsJsonObject().getAsJsonArray("traceEvents");
        List<String> phases =
                events.asList().stream()
                        .map(event -> event.getAsJsonObject().get("ph").getAsString())
                        .filter(phase -> !phase.equals("M"))
                        .toList();
        assertThat(phases).as("but for bars that were cut").hasSizeBetween(49, 51);
        assertThat(Collections.frequency(phases, "B"))
                .isPositive()
                .isEqualTo(Collections.frequency(phases, "E"));
    }

    // ---- how it ends ----

    /** Watches the store only, by hand. */
    private static LiveTrace watchingTheStore(Guest guest) throws ControlException {
        return LiveTrace.start(guest, TraceRequest.parse(request("xenstore")));
    }

    private static Seen pumped(LiveTrace trace) throws IOException {
        var out = new ByteArrayOutputStream();
        trace.pump(out);
        return Seen.of(out.toString(StandardCharsets.UTF_8));
    }

    private static void awaitBlocked(Thread thread) {
        while (thread.getState() != Thread.State.BLOCKED) {
            assertThat(thread.isAlive()).as("it waits").isTrue();
            Thread.onSpinWait();
        }
    }

    @Test
    void whatHappensUntilTheGuestIsLeftAloneIsShown() throws Exception {
        Guest guest = beating();
        LiveTrace trace = watchingTheStore(guest);
        Thread ending =
                guest.whileStill(
                                () -> {
                                    Thread ends = Thread.ofPlatform().start(trace::close);
                                    awaitBlocked(ends);
                                    host.store().write("/tool/last", "y");
                                    return ends;
                                })
                        .orElseThrow();
        ending.join();
        assertThat(pumped(trace).text).contains("/tool/last");
    }

    @Test
    void lossesAtTheEndAreInTheTraceToo() throws Exception {
        LiveTrace trace = watchingTheStore(beating());
        for (int i = 0; i < 10_000; i++) {
            host.store().write("/tool/x", "y");
        }
        trace.close();
        Seen seen = pumped(trace);
        long lost = seen.end.get("lost").getAsLong();
        assertThat(lost).isPositive();
        assertThat(seen.text.lines().toList().getLast())
                .endsWith(" - " + lost + " events lost here");
    }

    // ---- several viewers ----

    @Test
    void twoViewersSeeWhatEachOfThemWants() throws Exception {
        Guest guest = beating();
        try (ControlClient first = client();
                ControlClient second = client()) {
            first.ask(request("schedule"));
            second.ask(counting(20, "hypercall"));
            Seen ofCalls = Seen.of(second);
            assertThat(ofCalls.text).doesNotContain(" runs").contains("SCHEDOP_block");
            assertThat(guest.trace().isWatched()).as("by the first one").isTrue();
            first.endInput();
            Seen ofSlices = Seen.of(first);
            assertThat(ofSlices.text).contains(" runs").doesNotContain("SCHEDOP_block");
            assertThat(ofSlices.endedBy()).isEqualTo("reader");
        }
        assertThat(guest.trace().isWatched()).isFalse();
    }

    @Test
    void traceFromTheStartGoesOnBesideALiveOne() throws Exception {
        Path file = folder.resolve("all.trace");
        Guest guest =
                started(
                        lantern("run=hypercall 500;poweroff")
                                .trace(EnumSet.of(TraceTopic.HYPERCALL), Optional.of(file))
                                .build());
        guest.await(Optional.of(PATIENCE));
        guest.close();
        long undisturbed = lines(file);
        Guest watched =
                host.create(
                        lantern("run=sleep 10;hypercall 500;poweroff")
                                .trace(EnumSet.of(TraceTopic.HYPERCALL), Optional.of(file))
                                .build(),
                        console);
        watched.pause(); // until somebody watches: it is soon over
        watched.start();
        try (ControlClient client = client()) {
            client.ask(counting(3, "hypercall", "schedule"));
            watched.unpause();
            assertThat(Seen.of(client).events()).isEqualTo(3);
        }
        watched.await(Optional.of(PATIENCE));
        watched.close();
        assertThat(lines(file)).isGreaterThanOrEqualTo(undisturbed);
        assertThat(Files.readString(file)).doesNotContain(" runs").doesNotContain("lost here");
    }

    private static long lines(Path file) throws IOException {
        return Files.readString(file).lines().count();
    }

    @Test
    void tooManyViewersAreToldSo() throws Exception {
        beating();
        ControlClient[] clients = new ControlClient[GuestTrace.MOST_VIEWERS];
        for (int i = 0; i < clients.length; i++) {
            clients[i] = client();
            clients[i].ask(request("page"));
        }
        assertThatThrownBy(() -> trace(request()))
                .isInstanceOf(ControlException.class)
                .hasMessage("8 watch test already.");
        for (ControlClient client : clients) {
            client.endInput();
            assertThat(Seen.of(client).endedBy()).isEqualTo("reader");
            client.close();
        }
        assertThat(trace(counting(1)).events()).isEqualTo(1);
    }

    // ---- readers who are slow, or die ----

    @Test
    void readerWhoSleepsHoldsUpNobodyAndIsToldWhatHeLost() throws Exception {
        Guest guest = started("");
        assertThat(console.awaitText("lantern> ", PATIENCE)).isTrue();
        try (ControlClient client = client()) {
            client.ask(request("instruction"));
            long position = console.position();
            console.type("hypercall 20000\n");
            assertThat(console.awaitText("lantern> ", position, PATIENCE))
                    .as("some hundred thousand instructions that nobody reads")
                    .isTrue();
            client.endInput();
            Seen seen = Seen.of(client);
            long shown = seen.text.lines().filter(line -> !line.endsWith("lost here")).count();
            assertThat(shown).isEqualTo(seen.events());
            assertThat(seen.end.get("lost").getAsLong()).isPositive();
        }
        assertThat(guest.trace().isWatched()).isFalse();
    }

    @Test
    void readerWhoDiesIsForgotten() throws Exception {
        Guest guest = beating();
        try (ControlClient client = client()) {
            client.ask(request("instruction"));
            assertThat(guest.trace().isWatched()).isTrue();
        }
        awaitUnwatched(guest);
    }

    @Test
    void readerWhoSleepsOverTheEndLeavesTheGuestAloneAtOnce() throws Exception {
        Guest guest = beating();
        JsonObject request = request("instruction");
        request.addProperty("milliseconds", 200);
        try (ControlClient client = client()) {
            client.ask(request);
            awaitUnwatched(guest);
            assertThat(Seen.of(client).endedBy()).isEqualTo("time");
        }
    }

    // ---- ends ----

    @Test
    void traceEndsWithTheGuest() throws Exception {
        Guest guest = beating();
        try (ControlClient client = client()) {
            client.ask(request("hypercall"));
            guest.destroy();
            assertThat(Seen.of(client).endedBy()).isEqualTo("guest");
        }
        assertThatThrownBy(() -> trace(request()))
                .isInstanceOf(ControlException.class)
                .hasMessage("test has ended.");
    }

    @Test
    void guestThatIsPausedCanBeWatchedAndStaysPaused() throws Exception {
        Guest guest = beating();
        guest.pause();
        try (ControlClient client = client()) {
            client.ask(counting(10, "hypercall"));
            assertThat(guest.isPaused()).isTrue();
            guest.unpause();
            assertThat(Seen.of(client).events()).isEqualTo(10);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{'topics':['hypercal']}|'hypercal' is no topic: choose from hypercall, fault,"
                        + " event,",
                "{'topics':'fault'}|'topics' is a list of one topic or more.",
                "{'topics':[]}|'topics' is a list of one topic or more.",
                "{'topics':[{}]}|'' is no topic",
                "{'count':0}|'count' is a whole number above 0.",
                "{'count':-1}|'count' is a whole number above 0.",
                "{'count':[]}|'count' is a whole number above 0.",
                "{'milliseconds':1e3}|'milliseconds' is a whole number above 0.",
                "{'milliseconds':99999999999999999999}|'milliseconds' is a whole number above 0.",
                "{'function':7}|'function' is a text.",
                "{'format':'jfr'}|'format' is 'text' or 'timeline'.",
                "{'guest':'nobody'}|No guest is called 'nobody'."
            })
    void requestThatMakesNoSenseIsOneSentence(String members, String said) throws Exception {
        started("");
        JsonObject request = request();
        JsonParser.parseString(members)
                .getAsJsonObject()
                .entrySet()
                .forEach(member -> request.add(member.getKey(), member.getValue()));
        assertThatThrownBy(() -> trace(request))
                .isInstanceOf(ControlException.class)
                .hasMessageStartingWith(said);
    }

    // ---- where ----

    private JsonObject where() throws Exception {
        JsonObject request = new JsonObject();
        request.addProperty("verb", "where");
        request.addProperty("guest", "test");
        try (ControlClient client = client()) {
            return client.ask(request).getAsJsonObject();
        }
    }

    private JsonObject vcpu0() throws Exception {
        return where().getAsJsonArray("vcpus").get(0).getAsJsonObject();
    }

    @Test
    void guestThatWaitsForAKeyIsInItsIdleLoop() throws Exception {
        Guest guest = started("");
        assertThat(console.awaitText("lantern> ", PATIENCE)).isTrue();
        while (!guest.state().equals("-b----")) {
            Thread.onSpinWait();
        }
        JsonObject vcpu = vcpu0();
        assertThat(vcpu.get("state").getAsString()).isEqualTo("blocked");
        assertThat(vcpu.get("mode").getAsString()).isEqualTo("kernel");
        assertThat(vcpu.getAsJsonObject("waits_for").get("upcalls_masked").getAsBoolean())
                .isFalse();
        List<String> certain =
                vcpu.getAsJsonArray("calls").asList().stream()
                        .map(JsonElement::getAsJsonObject)
                        .filter(call -> call.get("certain").getAsBoolean())
                        .map(call -> call.get("function").getAsString().replaceFirst("\\+.*", ""))
                        .toList();
        assertThat(certain).as("by its frame pointers").contains("kernel_main");
        assertThat(where().get("paused").getAsBoolean()).isFalse();
        guest.pause();
        assertThat(where().get("paused").getAsBoolean()).isTrue();
        assertThat(guest.isPaused()).isTrue();
        guest.destroy();
        guest.await(Optional.of(PATIENCE));
        assertThat(where().get("ended").getAsBoolean()).isTrue();
    }

    @Test
    void guestThatStandsForAnotherLookOnlyIsNotPaused() throws Exception {
        Guest guest = beating();
        where(); // what it needs is ready
        FutureTask<JsonElement> where =
                new FutureTask<>(
                        () -> WatchVerbs.perform(guest, host.store(), "where", new JsonObject()));
        guest.whileStill(
                () -> {
                    awaitBlocked(Thread.ofPlatform().start(where));
                    return true;
                });
        assertThat(where.get().getAsJsonObject().get("paused").getAsBoolean()).isFalse();
    }

    /** Whether it stands, a while after somebody tried to start it during a look. */
    private static boolean standsWhenStarted(Guest guest, Runnable start) throws Exception {
        Thread[] starter = new Thread[1];
        boolean stands =
                guest.whileStill(
                                () -> {
                                    starter[0] = Thread.ofPlatform().start(start);
                                    while (starter[0].isAlive()
                                            && starter[0].getState() != Thread.State.BLOCKED) {
                                        Thread.onSpinWait();
                                    }
                                    return guest.isPaused();
                                })
                        .orElseThrow();
        starter[0].join();
        return stands;
    }

    @Test
    void restoredGuestDoesNotStartInTheMiddleOfALook() throws Exception {
        Path file = folder.resolve("saved");
        BootOptions options = lantern("run=beat 1").build();
        Guest saved = beating();
        saved.saveAndEnd(file);
        saved.close();

        Guest restored = host.restore(file, options, new GuestConsole());
        assertThat(standsWhenStarted(restored, restored::start)).isTrue();
        assertThat(restored.isPaused()).isFalse();
        restored.destroy();
        restored.close();

        Guest paused = host.restore(file, options, new GuestConsole());
        standsWhenStarted(paused, paused::startPaused);
        assertThat(paused.isPaused()).as("as it was asked for").isTrue();
    }

    @Test
    void guestThatRunsIsFoundInWhatItDoes() throws Exception {
        started("run=spin 100000");
        JsonObject vcpu = vcpu0();
        while (!vcpu.get("state").getAsString().equals("running")
                || !vcpu.toString().contains("command_spin")) {
            vcpu = vcpu0();
        }
        assertThat(vcpu.has("waits_for")).isFalse();
    }

    @Test
    void symbolsThatTheHeapTookBackAreReadAgainUnlessTheKernelIsAnother() throws Exception {
        Path file = BootFixture.lantern(folder);
        Optional<ImageCache.Version> version = ImageCache.version(file);
        ImageCache images = new ImageCache();
        GuestSymbols symbols =
                new GuestSymbols(
                        Symbols.of(images.kernel(file).elf()), () -> Host.symbols(images, version));
        assertThat(symbols.ready().areKnown()).isTrue();
        symbols.forget();
        assertThat(symbols.ready().areKnown()).isTrue();
        symbols.forget();
        Files.write(file, new byte[100]);
        assertThat(symbols.ready().areKnown()).isFalse();
        symbols.forget();
        Files.delete(file);
        assertThat(symbols.ready().areKnown()).isFalse();
    }

    // ---- it leaves no mark ----

    private long[] run(Consumer<Guest> look) throws Exception {
        Guest guest =
                host.create(
                        lantern("run=mem;sleep 30;hypercall 100;spin 2;events;sleep 5;poweroff")
                                .virtualTime(true)
                                .build(),
                        new GuestConsole());
        var stands = guest.pauseAt(200_000);
        guest.start();
        stands.await();
        look.accept(guest);
        guest.unpause();
        guest.await(Optional.of(PATIENCE));
        long[] end = {guest.domain().retired(), RamHash.of(guest.domain().frames())};
        guest.close();
        return end;
    }

    @Test
    void guestInVirtualTimeEndsAlikeWhetherOrNotSomebodyLooked() throws Exception {
        long[] undisturbed = run(_ -> {});
        long[] watched =
                run(
                        _ -> {
                            try {
                                where();
                                ControlClient client = client();
                                client.ask(counting(100));
                                client.close();
                                ControlClient other = client();
                                other.ask(request("instruction"));
                            } catch (Exception e) {
                                throw new AssertionError(e);
                            }
                        });
        assertThat(watched).isEqualTo(undisturbed);
    }
}

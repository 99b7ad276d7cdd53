package org.xenolith.core.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertTimeout;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.xenolith.core.control.ControlException;
import org.xenolith.core.control.ControlFolder;
import org.xenolith.core.control.ControlServer;
import org.xenolith.core.control.Verbs;
import org.xenolith.devices.console.ConsoleSink;
import org.xenolith.devices.terminal.InputListener;
import org.xenolith.devices.terminal.TerminalSession;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BiConsumer;

/** The commands that talk to running guests, against a host that only writes down what it hears. */
@Timeout(60)
final class GuestVerbsTest {
    @TempDir private Path parent;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();
    private final List<JsonObject> heard = new CopyOnWriteArrayList<>();
    private JsonElement answer = JsonNull.INSTANCE;
    private String traced = "";
    private String refusal;
    private Duration delay = Duration.ZERO;
    private InputStream input = InputStream.nullInputStream();
    private OutputStream console = new ByteArrayOutputStream();
    private final StringBuffer typed = new StringBuffer();
    private BiConsumer<ConsoleSink, Runnable> attached = (_, _) -> {};
    private ControlServer host;

    /** Two guests, web and db. */
    private final class Written implements Verbs {
        @Override
        public JsonElement perform(String verb, JsonObject arguments) throws ControlException {
            if (verb.equals("list")) {
                return JsonParser.parseString(
                        "[{'name':'web','id':1,'memory_kib':8192,'vcpus':1,'state':'r-----',"
                                + "'cpu_seconds':1.0},{'name':'db','id':2,'memory_kib':8192,"
                                + "'vcpus':1,'state':'r-----','cpu_seconds':1.0}]");
            }
            heard.add(arguments);
            LockSupport.parkNanos(delay.toNanos());
            if (refusal != null) {
                throw new ControlException(refusal);
            }
            return answer;
        }

        @Override
        public Trace trace(JsonObject request) throws ControlException {
            heard.add(request);
            if (refusal != null) {
                throw new ControlException(refusal);
            }
            return new Trace() {
                @Override
                public void pump(OutputStream to) throws IOException {
                    to.write(traced.getBytes(StandardCharsets.UTF_8));
                }

                @Override
                public void stop(boolean hostEnds) {}

                @Override
                public void close() {}
            };
        }

        @Override
        public Attachment attach(String guest, ConsoleSink sink, Runnable ended)
                throws ControlException {
            attached.accept(sink, ended);
            return new Attachment() {
                @Override
                public InputListener keys() {
                    return new Typed();
                }

                @Override
                public void close() {}
            };
        }
    }

    /** What a guest gets from its console. */
    private final class Typed implements InputListener {
        @Override
        public void typed(byte[] bytes, int length) {
            typed.append(new String(bytes, 0, length, StandardCharsets.US_ASCII));
        }

        @Override
        public void endOfInput() {}

        @Override
        public void leave() {}
    }

    private Path sockets() {
        return parent.resolve("sockets");
    }

    @BeforeEach
    void startHost() throws IOException {
        host = ControlServer.start(ControlFolder.in(sockets()), new Written());
    }

    @AfterEach
    void stopHost() {
        host.close();
    }

    private int vmm(String... arguments) {
        Services services =
                new Services(
                        null,
                        null,
                        null,
                        null,
                        () -> TerminalSession.on(input, console),
                        ControlFolder.in(sockets()),
                        false);
        return new Vmm(services, new PrintWriter(out, true), new PrintWriter(err, true), false)
                .run(arguments);
    }

    /** As one that was stopped by SIGSTOP: the kernel lets callers in, and nobody answers. */
    private ServerSocketChannel stoppedHost() throws IOException {
        return listening(1, 50);
    }

    /**
     * @param backlog how many the kernel lets in before the process takes one
     */
    private ServerSocketChannel listening(int pid, int backlog) throws IOException {
        ServerSocketChannel stopped = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        stopped.bind(UnixDomainSocketAddress.of(sockets().resolve(pid + ".sock")), backlog);
        return stopped;
    }

    /** Another process with a guest called web, which is not as fast. */
    private void haveNamesake(ServerSocketChannel listening) {
        try (SocketChannel caller = listening.accept()) {
            caller.read(ByteBuffer.allocate(1_000));
            LockSupport.parkNanos(Duration.ofMillis(50).toNanos());
            byte[] answer = "{\"result\":[{\"name\":\"web\",\"id\":7}]}\n".getBytes();
            caller.write(ByteBuffer.wrap(answer));
            caller.read(ByteBuffer.allocate(1)); // the end
        } catch (IOException gone) {
            // The test has ended.
        }
    }

    private Duration timeOf(Runnable task) {
        long start = System.nanoTime();
        task.run();
        return Duration.ofNanos(System.nanoTime() - start);
    }

    @Test
    void manyHostsThatDoNotAnswerCostOneWait() throws IOException {
        Duration taken;
        try (ServerSocketChannel _ = listening(1, 50);
                ServerSocketChannel _ = listening(2, 50);
                ServerSocketChannel _ = listening(3, 50)) {
            taken = timeOf(() -> assertThat(vmm("list")).isEqualTo(1));
        }
        assertThat(taken).as("three times five seconds").isLessThan(Duration.ofSeconds(15));
        assertThat(out.toString().lines().skip(1)).hasSize(2);
        assertThat(err.toString())
                .isEqualTo(
                        "vmm: vmm process 1 does not answer; vmm process 2 does not answer;"
                                + " vmm process 3 does not answer.\n");
    }

    @Test
    void guestIsFoundWithoutWaitingForAHostThatDoesNotAnswer() throws IOException {
        Duration taken;
        try (ServerSocketChannel _ = listening(1, 50);
                ServerSocketChannel full = listening(2, 0);
                SocketChannel _ = SocketChannel.open(full.getLocalAddress())) {
            taken = timeOf(() -> assertThat(vmm("pause", "web", "db")).isZero());
        }
        assertThat(heard).hasSize(2);
        assertThat(taken).as("not the five seconds").isLessThan(Duration.ofSeconds(5));
        assertThat(err.toString()).isEmpty();
    }

    @Test
    void guestWhoseProcessIsNamedIsFoundAmongNamesakes() throws IOException {
        long pid = ProcessHandle.current().pid();
        try (ServerSocketChannel other = listening(2, 50)) {
            Thread.ofVirtual().start(() -> haveNamesake(other));
            assertThat(vmm("pause", pid + "/web")).isZero();
        }
        assertThat(heard).hasSize(1);
    }

    @Test
    void namesakeOfASlowerProcessIsStillHeardOf() throws IOException {
        try (ServerSocketChannel other = listening(2, 50)) {
            Thread.ofVirtual().start(() -> haveNamesake(other));
            assertThat(vmm("pause", "web")).isEqualTo(1);
        }
        assertThat(heard).isEmpty();
        assertThat(err.toString())
                .startsWith("vmm: Several guests are called 'web': say 2/web or ");
    }

    @Test
    void hostThatDoesNotAnswerIsNamedAndTheOthersAreListed() throws IOException {
        try (ServerSocketChannel _ = stoppedHost()) {
            assertThat(vmm("list")).isEqualTo(1);
        }
        assertThat(out.toString().lines().skip(1)).hasSize(2).first().asString().startsWith("web ");
        assertThat(err.toString()).isEqualTo("vmm: vmm process 1 does not answer.\n");
    }

    @Test
    void guestsOfOtherHostsCanBeSpokenToAndMayTakeTheirTime() throws IOException {
        delay = Duration.ofSeconds(7);
        try (ServerSocketChannel _ = stoppedHost()) {
            assertThat(vmm("pause", "web")).as("%s", err).isZero();
            assertThat(vmm("pause", "none")).isEqualTo(1);
        }
        assertThat(heard).hasSize(1);
        assertThat(err.toString())
                .isEqualTo(
                        "vmm: No guest is called 'none'; running are: web, db. vmm process 1 does"
                                + " not answer.\n");
    }

    @Test
    void guestThatIsNotThereKeepsNobodyFromTheOthers() {
        answer = new JsonArray();
        for (String verb : List.of("pause", "network-list", "block-list")) {
            heard.clear();
            assertThat(vmm(verb, "web", "none", "db")).as(verb).isEqualTo(1);
            assertThat(heard)
                    .extracting(request -> request.get("guest").getAsInt())
                    .containsExactly(1, 2);
        }
        assertThat(err.toString().lines())
                .hasSize(3)
                .containsOnly("vmm: No guest is called 'none'; running are: web, db.");
    }

    @Test
    void eachQueueOfADeviceIsShownWithItsRings() {
        answer =
                JsonParser.parseString(
                        "[{'id':0,'backend_id':0,'backend_path':'/be/vif/1/0','handle':'0',"
                            + "'state':'4','mac':'00:16:3e:00:00:01','queues':[{'queue':0,"
                            + "'event-channel-tx':'9','event-channel-rx':'10','tx-ring-ref':'8',"
                            + "'rx-ring-ref':'768'},{'queue':1,'event-channel':'11',"
                            + "'tx-ring-ref':'769','rx-ring-ref':'770'}]}]");
        assertThat(vmm("network-list", "web")).isZero();
        assertThat(out.toString()).doesNotContain("-1");
        List<String> lines = out.toString().lines().toList();
        assertThat(lines).hasSize(3);
        assertThat(lines.get(1)).contains(" 9/10 ", " 8/768 ", "/be/vif/1/0");
        assertThat(lines.get(2)).isEqualTo(" ".repeat(42) + "11   769/770");
    }

    @Test
    void saveThatIsToLeaveTheGuestRunningDoesNotEndIt() {
        assertThat(vmm("save", "-c", "web", "/tmp/web.saved")).isZero();
        assertThat(heard.getFirst().get("leave").getAsString()).isEqualTo("running");
    }

    @Test
    void timerSlackIsAskedForInMilliseconds() {
        assertThat(vmm("timer-slack", "web", "4s")).isZero();
        assertThat(heard.getFirst().get("milliseconds").getAsInt()).isEqualTo(4000);
        assertThat(vmm("timer-slack", "web", "11s")).isEqualTo(2);
        assertThat(err.toString()).contains("'11s' is more than 10s");
    }

    @Test
    void forkNamesTheCopyAndItsFilesFromWhereTheCommandRuns() {
        String overlay = "xvda=web2.qcow2";
        assertThat(vmm("fork", "web", "web2", "--overlay", overlay, "-p", "8081:80")).isZero();
        JsonObject request = heard.getFirst();
        assertThat(request.get("guest").getAsInt()).isEqualTo(1);
        assertThat(request.get("name").getAsString()).isEqualTo("web2");
        assertThat(request.getAsJsonObject("overlays").get("xvda").getAsString())
                .isEqualTo(Path.of("web2.qcow2").toAbsolutePath().toString());
        assertThat(request.getAsJsonArray("forwards").toString()).isEqualTo("[\"8081:80\"]");
        assertThat(out.toString()).isEmpty();
    }

    // ---- trace ----

    private static String end(int events, int lost, String by) {
        return "\0{\"events\":%d,\"lost\":%d,\"ended_by\":\"%s\"}\n".formatted(events, lost, by);
    }

    @Test
    void traceIsShownAndItsEndIsTold() {
        traced = "[    0.000001] d1v0 k iret() ä\n" + end(1, 0, "count");
        assertThat(vmm("trace", "web", "hypercall,FAULT", "--count=1", "--for=2m")).isZero();
        assertThat(out.toString()).isEqualTo("[    0.000001] d1v0 k iret() ä\n");
        assertThat(err.toString()).isEqualTo("1 event of web.\n");
        JsonObject request = heard.getFirst();
        assertThat(request.get("guest").getAsInt()).isEqualTo(1);
        assertThat(request.getAsJsonArray("topics").toString())
                .isEqualTo("[\"hypercall\",\"fault\"]");
        assertThat(request.get("count").getAsInt()).isEqualTo(1);
        assertThat(request.get("milliseconds").getAsInt()).isEqualTo(120_000);
        assertThat(request.get("format").getAsString()).isEqualTo("text");
    }

    @Test
    void whoNamesNoTopicLeavesItToTheHost() {
        traced = end(0, 0, "guest");
        assertThat(vmm("trace", "web", "--function", "xen_*")).isZero();
        assertThat(heard.getFirst().keySet()).doesNotContain("topics", "count", "milliseconds");
        assertThat(heard.getFirst().get("function").getAsString()).isEqualTo("xen_*");
        assertThat(err.toString()).isEqualTo("0 events of web; it has ended.\n");
    }

    @Test
    void nameOfTheFileSaysWhatItBecomes() throws IOException {
        traced = "{}\n" + end(70_000, 12, "time");
        Path file = parent.resolve("web.json");
        assertThat(vmm("trace", "web", "ring,mmu", "-o", file.toString())).isZero();
        assertThat(heard.getFirst().get("format").getAsString()).isEqualTo("timeline");
        assertThat(heard.getFirst().getAsJsonArray("topics")).hasSize(2);
        assertThat(Files.readString(file)).isEqualTo("{}\n");
        assertThat(err.toString())
                .isEqualTo(
                        "70000 events of web, 12 more lost: they came faster than they were"
                                + " read.\n");
    }

    @Test
    void longTraceIsCopiedWhole() {
        String text = "a line\n".repeat(20_000);
        traced = text + end(20_000, 0, "count");
        assertThat(vmm("trace", "db", "--json")).isZero();
        assertThat(heard.getFirst().get("format").getAsString()).isEqualTo("timeline");
        assertThat(out.toString()).isEqualTo(text);
    }

    @Test
    void traceThatBreaksOffIsAnError() {
        traced = "a line\n";
        assertThat(vmm("trace", "web")).isEqualTo(1);
        assertThat(err.toString()).endsWith(" ended while it was watched\n");
        traced = "a line\n\0{\"events\"";
        assertThat(vmm("trace", "web")).isEqualTo(1);
    }

    @Test
    void fileThatCannotBeWrittenIsNamed() {
        assertThat(vmm("trace", "web", "-o", "/nonexistent/t")).isEqualTo(1);
        assertThat(err.toString())
                .isEqualTo("vmm: /nonexistent/t: there is no folder /nonexistent\n");
    }

    @Test
    void fileOnAFullDiskIsNamed() {
        traced = "a line\n" + end(1, 0, "count");
        assertThat(vmm("trace", "web", "-o", "/dev/full")).isEqualTo(1);
        assertThat(err.toString()).isEqualTo("vmm: /dev/full: No space left on device\n");
    }

    @ParameterizedTest
    @CsvSource({"trace", "where"})
    void hostOfAnotherVersionIsNamed(String verb) {
        refusal = "There is no verb '" + verb + "'.";
        assertThat(vmm(verb, "web")).isEqualTo(1);
        assertThat(err.toString())
                .isEqualTo(
                        "vmm: vmm process %d, which runs web, is of another version and knows no '%s'.%n"
                                .formatted(ProcessHandle.current().pid(), verb));
    }

    @Test
    void refusalIsShownAsTheHostSaysIt() {
        refusal = "8 watch web already.";
        assertThat(vmm("trace", "web")).isEqualTo(1);
        assertThat(err.toString()).isEqualTo("vmm: 8 watch web already.\n");
        assertThat(vmm("trace", "none")).isEqualTo(1);
        assertThat(err.toString()).endsWith("No guest is called 'none'; running are: web, db.\n");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "hypercal|'hypercal' is no topic: choose from hypercall, fault,",
                "hypercal|Did you mean hypercall?",
                "fault,shedule|Did you mean schedule?",
                "--for=soon|'soon' is no time: write 60s, 2m or 500ms",
                "--for=0|--for is a time above 0.",
                "--count=0|--count is a number above 0, not 0.",
                "--count=x|'x' is not a number",
                "--output=x.jfr|Only 'vmm boot --trace-file' makes recordings",
                "--fuction=x|Did you mean --function?"
            })
    void whatMakesNoSenseIsSaidBeforeAnyGuestIsAsked(String argument, String said) {
        assertThat(vmm("trace", "web", argument)).isEqualTo(2);
        assertThat(err.toString()).contains(said);
        assertThat(heard).isEmpty();
    }

    @Test
    void hypercallsAreCalledWhatXenCallsThem() {
        answer =
                JsonParser.parseString(
                        "{'name':'web','page_walks':1234,'hypercalls':3,'hypercalls_by_name':"
                                + "{'sched_op':2,'xen_version':1}}");
        assertThat(vmm("stat", "web")).isZero();
        assertThat(out)
                .hasToString(
                        """
                        name                     web
                        page walks               1,234
                        hypercalls               3
                        hypercalls by name
                          sched_op               2
                          xen_version            1
                        """);
    }

    // ---- forward-list ----

    @Test
    void listOfNoForwardedPortsHasItsHeaderAsOtherListsHave() {
        answer = new JsonArray();
        assertThat(vmm("forward-list", "web")).isZero();
        assertThat(out).hasToString("Port of the host             Port of the guest\n");
        answer =
                JsonParser.parseString(
                        "[{'protocol':'tcp','host_address':'127.0.0.1','host_port':8080,"
                                + "'guest_port':80}]");
        assertThat(vmm("forward-list", "web")).isZero();
        assertThat(out.toString()).endsWith("\n127.0.0.1:8080/tcp           80\n");
    }

    // ---- xenstore ----

    @Test
    void emptyPathIsNotTheRootsNorTheHomeOfAGuest() {
        assertThat(vmm("xenstore", "write", "", "x")).isEqualTo(2);
        assertThat(vmm("xenstore", "read", "-g", "web", "")).isEqualTo(2);
        assertThat(err.toString()).contains("vmm: PATH is empty: the root is /.");
        assertThat(heard).isEmpty();
    }

    @Test
    void storeIsAskedForWhatWasNamed() {
        answer = new JsonPrimitive("web");
        assertThat(vmm("xenstore", "read", "-g", "web", "name")).isZero();
        assertThat(out).hasToString("web\n");
        assertThat(heard.getFirst().get("path").getAsString()).isEqualTo("/local/domain/1/name");
        assertThat(vmm("xenstore", "write", "/tool/x", "")).isZero();
        assertThat(heard.get(1).get("value").getAsString()).isEmpty();
        answer =
                JsonParser.parseString(
                        "[{'path':'/','value':'','permissions':'n0'},"
                                + "{'path':'/tool','value':'1','permissions':'n0'}]");
        assertThat(vmm("xenstore", "ls", "-p")).isZero();
        assertThat(out.toString()).endsWith("/ = \"\"   (n0)\n tool = \"1\"   (n0)\n");
    }

    // ---- console ----

    private static void print(ConsoleSink sink, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
        sink.write(bytes, 0, bytes.length);
    }

    @Test
    void consoleWithoutInputShowsThePastAndLeaves() {
        attached = (sink, _) -> print(sink, "login: ");
        assertThat(vmm("console", "web")).isZero();
        assertThat(console).hasToString("login: ");
    }

    @Test
    void consoleAtTheEndOfItsInputWaitsUntilTheGuestHasAnswered() {
        input = new ByteArrayInputStream("date\n".getBytes(StandardCharsets.US_ASCII));
        attached =
                (sink, _) ->
                        Thread.startVirtualThread(
                                () -> {
                                    for (int i = 0; i < 8; i++) {
                                        LockSupport.parkNanos(250_000_000);
                                        print(sink, "line " + i + "\n");
                                    }
                                });
        assertThat(vmm("console", "web", "--wait", "3s")).isZero();
        assertThat(typed).hasToString("date\n");
        assertThat(console.toString()).endsWith("line 7\n");
    }

    @Test
    void consoleOfAGuestThatNeverFallsSilentLeavesAllTheSame() {
        input = new ByteArrayInputStream("date\n".getBytes(StandardCharsets.US_ASCII));
        AtomicBoolean left = new AtomicBoolean();
        attached =
                (sink, _) ->
                        Thread.startVirtualThread(
                                () -> {
                                    while (!left.get()) {
                                        print(sink, "tick\n");
                                        LockSupport.parkNanos(20_000_000);
                                    }
                                });
        int status =
                assertTimeoutPreemptively(
                        Duration.ofSeconds(30),
                        () -> vmm("console", "web", "--wait", "1s", "--at-most", "500ms"));
        left.set(true);
        assertThat(status).isZero();
        assertThat(console.toString()).startsWith("tick\ntick\n");
        assertThat(err.toString()).isEqualTo("vmm: web goes on talking: --at-most is over.\n");
    }

    @Test
    void consoleOfAGuestThatHasEndedShowsWhatThereIsAndLeavesWithoutWaiting() {
        attached =
                (sink, ended) -> {
                    print(sink, "It crashed.");
                    ended.run();
                };
        assertTimeout(Duration.ofSeconds(30), () -> vmm("console", "web", "--wait", "1h"));
        assertThat(console).hasToString("It crashed.");
    }

    @Test
    void consoleThatCannotBeShownIsAFailure() {
        console =
                new OutputStream() {
                    @Override
                    public void write(int b) throws IOException {
                        throw new IOException("No space left on device");
                    }
                };
        attached = (sink, _) -> print(sink, "login: ");
        assertThat(vmm("console", "web")).isEqualTo(1);
        assertThat(err.toString())
                .isEqualTo("vmm: standard output could not be written: No space left on device\n");
    }

    // ---- list ----

    @Test
    void guestsOfOneNameInTwoProcessesAreToldApart() throws IOException {
        ControlFolder other = ControlFolder.in(parent.resolve("other"));
        try (ControlServer _ = ControlServer.start(other, new Named("web", "only"))) {
            Files.move( // as if it were another process's
                    parent.resolve("other").resolve(ProcessHandle.current().pid() + ".sock"),
                    sockets().resolve("1.sock"));
            assertThat(vmm("list")).as("%s", err).isZero();
        }
        assertThat(out.toString().lines().skip(1).map(line -> line.split(" +")[0]))
                .containsExactlyInAnyOrder(
                        ProcessHandle.current().pid() + "/web", "db", "1/web", "only");
    }

    @Test
    void guestBetweenTwoLivesKeepsTheColumns() throws IOException {
        assertThat(vmm("list")).isZero();
        host.close();
        host = ControlServer.start(ControlFolder.in(sockets()), new Named("c"));
        assertThat(vmm("list")).isZero();
        String[] lines = out.toString().split("\n");
        assertThat(lines[4]).contains(" waiting ").hasSize(lines[1].length());
    }

    /** Guests that wait for their next life. */
    private static final class Named implements Verbs {
        private final String[] names;

        Named(String... names) {
            this.names = names;
        }

        @Override
        public JsonElement perform(String verb, JsonObject arguments) {
            JsonArray list = new JsonArray();
            for (String name : names) {
                list.add(
                        JsonParser.parseString(
                                "{'name':'%s','id':1,'memory_kib':0,'vcpus':1,'state':'waiting',"
                                                .formatted(name)
                                        + "'cpu_seconds':0.0}"));
            }
            return list;
        }

        @Override
        public Trace trace(JsonObject request) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Attachment attach(String guest, ConsoleSink sink, Runnable ended) {
            throw new UnsupportedOperationException();
        }
    }

    // ---- where ----

    @Test
    void timerThatIsDueIsNoTimeToWait() {
        answer =
                JsonParser.parseString(
                        "{'paused':true,'ended':false,'symbols':true,'vcpus':[{'vcpu':0,"
                                + "'state':'blocked','mode':'kernel','rip':'0x1000','rsp':'0x1',"
                                + "'waits_for':{'upcalls_masked':false,'nanoseconds_left':0}}]}");
        assertThat(vmm("where", "web")).isZero();
        assertThat(out.toString())
                .contains("blocked, kernel mode, waits for an event, and its timer is due\n");
    }

    @Test
    void timerThatMayBeLateSaysSo() {
        answer =
                JsonParser.parseString(
                        "{'paused':true,'ended':false,'symbols':true,'vcpus':[{'vcpu':0,"
                                + "'state':'blocked','mode':'kernel','rip':'0x1000','rsp':'0x1',"
                                + "'waits_for':{'upcalls_masked':false,'nanoseconds_left':100000,"
                                + "'slack_nanoseconds':4000000000}}]}");
        assertThat(vmm("where", "web")).isZero();
        assertThat(out.toString())
                .contains("for 0.100 ms at most, which may be 4000.000 ms late while idle\n");
    }

    @Test
    void eachVcpuIsShownWithWhatItWaitsForAndWhoCalled() {
        answer =
                JsonParser.parseString(
                        "{'paused':true,'ended':false,'symbols':true,'vcpus':[{'vcpu':0,"
                            + "'state':'blocked','mode':'kernel','rip':'0xffffffff81001234',"
                            + "'rsp':'0x1','function':'xen_hypercall_sched_op+0xa',"
                            + "'waits_for':{'upcalls_masked':false,'nanoseconds_left':1234567},"
                            + "'calls':[{'return_address':'0x1000','function':'idle+0x4',"
                            + "'certain':true},{'return_address':'0x2000','certain':false}]},"
                            + "{'vcpu':1,'state':'polling','mode':'kernel','rip':'0x1000',"
                            + "'rsp':'0x1','calls':[],'waits_for':{'ports':[{'port':5,'use':'ipi'}]"
                            + "}},{'vcpu':2,'state':'running','mode':'user','rip':'0x401000',"
                            + "'rsp':'0x1'},{'vcpu':3,'state':'offline'}]}");
        assertThat(vmm("where", "web")).isZero();
        assertThat(out.toString())
                .isEqualTo(
                        """
                        web is paused.
                        vCPU 0: blocked, kernel mode, waits for an event, for 1.235 ms at most
                            ffffffff81001234 xen_hypercall_sched_op+0xa
                            0000000000001000 idle+0x4
                          ? 0000000000002000
                        vCPU 1: polling, kernel mode, waits for port 5 (ipi)
                            0000000000001000
                        vCPU 2: running, user mode
                            0000000000401000
                        vCPU 3: offline
                        """);
        out.getBuffer().setLength(0);
        assertThat(vmm("where", "web", "--json")).isZero();
        assertThat(JsonParser.parseString(out.toString())).isEqualTo(answer);
    }
}

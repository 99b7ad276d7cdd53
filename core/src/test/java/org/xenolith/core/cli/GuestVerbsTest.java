package org.xenolith.core.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.core.control.ControlException;
import org.xenolith.core.control.ControlFolder;
import org.xenolith.core.control.ControlServer;
import org.xenolith.core.control.Verbs;
import org.xenolith.devices.console.ConsoleSink;
import org.xenolith.devices.terminal.TerminalSession;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;

/** The commands that talk to running guests, against a host that only writes down what it hears. */
@Timeout(60)
final class GuestVerbsTest {
    @TempDir private Path parent;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();
    private final List<JsonObject> heard = new CopyOnWriteArrayList<>();
    private JsonElement answer = JsonNull.INSTANCE;
    private Duration delay = Duration.ZERO;
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
            return answer;
        }

        @Override
        public Attachment attach(String guest, ConsoleSink sink, Runnable ended)
                throws ControlException {
            throw new ControlException("There are no consoles.");
        }
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
                        () ->
                                TerminalSession.on(
                                        InputStream.nullInputStream(), new ByteArrayOutputStream()),
                        ControlFolder.in(sockets()),
                        false);
        return new Vmm(services, new PrintWriter(out, true), new PrintWriter(err, true), false)
                .run(arguments);
    }

    /** As one that was stopped by SIGSTOP: the kernel lets callers in, and nobody answers. */
    private ServerSocketChannel stoppedHost() throws IOException {
        ServerSocketChannel stopped = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        stopped.bind(UnixDomainSocketAddress.of(sockets().resolve("1.sock")));
        return stopped;
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
}

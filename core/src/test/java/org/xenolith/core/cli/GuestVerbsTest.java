package org.xenolith.core.cli;

import static org.assertj.core.api.Assertions.assertThat;

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
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** The commands that talk to running guests, against a host that only writes down what it hears. */
@Timeout(60)
final class GuestVerbsTest {
    @TempDir private Path parent;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();
    private final List<JsonObject> heard = new CopyOnWriteArrayList<>();
    private JsonElement answer = JsonNull.INSTANCE;
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

    @Test
    void saveThatIsToLeaveTheGuestRunningDoesNotEndIt() {
        assertThat(vmm("save", "-c", "web", "/tmp/web.saved")).isZero();
        assertThat(heard.getFirst().get("leave").getAsString()).isEqualTo("running");
    }
}

package org.xenolith.core.cli.verb;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;

import org.xenolith.core.control.ControlException;
import org.xenolith.core.control.ControlFolder;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

import java.io.IOException;

/** {@code vmm xenstore ls|read|write}: the store of a running host. */
@Command
abstract class XenstoreCommand extends AnsweringVerb {
    @Option(
            names = {"-g", "--guest"},
            paramLabel = "GUEST",
            description = "The host that runs this guest; paths may begin at its home.")
    private String guest;

    private XenstoreCommand(ControlFolder folder) {
        super(folder);
    }

    @Command(
            name = "xenstore",
            header = "Looks into the xenstore of a running host, or writes to it.",
            synopsisSubcommandLabel = "(ls | read | write)")
    private static final class Group {
        @Option(
                names = {"-h", "--help"},
                usageHelp = true,
                description = "Shows this help.")
        private boolean help;
    }

    static CommandLine group(ControlFolder folder) {
        return new CommandLine(new Group())
                .addSubcommand(new Listing(folder))
                .addSubcommand(new Reading(folder))
                .addSubcommand(new Writing(folder));
    }

    @Command(name = "ls", header = "Lists a node and all below it.")
    private static final class Listing extends XenstoreCommand {
        @Option(names = "-p", description = "Shows permissions too.")
        private boolean permissions;

        @Parameters(
                arity = "0..1",
                paramLabel = "PATH",
                description = "Default: /, or the home of the guest of -g.")
        private String path = "";

        Listing(ControlFolder folder) {
            super(folder);
        }

        @Override
        void perform(RunningHosts hosts) throws IOException, ControlException {
            JsonElement answer = ask(hosts, "xenstore-ls", path, null);
            if (json) {
                out().println(answer);
            } else {
                show(answer.getAsJsonArray());
            }
        }

        /** As xenstore-ls: a space for each level below the node, and the path's last part. */
        private void show(JsonArray nodes) {
            int top = level(nodes.get(0).getAsJsonObject());
            for (JsonElement node : nodes) {
                show(node.getAsJsonObject(), level(node.getAsJsonObject()) - top);
            }
        }

        private static int level(JsonObject node) {
            String path = node.get("path").getAsString();
            return path.equals("/") ? 0 : (int) path.chars().filter(c -> c == '/').count();
        }

        private void show(JsonObject node, int indent) {
            String full = node.get("path").getAsString();
            String name = full.substring(full.lastIndexOf('/') + 1);
            String line =
                    " ".repeat(indent)
                            + (name.isEmpty() ? "/" : name)
                            + " = \""
                            + node.get("value").getAsString()
                            + "\"";
            if (permissions) {
                line += "   (" + node.get("permissions").getAsString() + ")";
            }
            out().println(line);
        }
    }

    @Command(name = "read", header = "Prints the value of a node.")
    private static final class Reading extends XenstoreCommand {
        @Parameters(paramLabel = "PATH", description = "The node.")
        private String path;

        Reading(ControlFolder folder) {
            super(folder);
        }

        @Override
        void check() {
            requireNode(path);
        }

        @Override
        void perform(RunningHosts hosts) throws IOException, ControlException {
            JsonElement answer = ask(hosts, "xenstore-read", path, null);
            out().println(json ? answer.toString() : answer.getAsString());
        }
    }

    @Command(name = "write", header = "Sets the value of a node.")
    private static final class Writing extends XenstoreCommand {
        @Parameters(index = "0", paramLabel = "PATH", description = "The node, made if need be.")
        private String path;

        @Parameters(index = "1", paramLabel = "VALUE", description = "To be written.")
        private String value;

        Writing(ControlFolder folder) {
            super(folder);
        }

        @Override
        void check() {
            requireNode(path);
        }

        @Override
        void perform(RunningHosts hosts) throws IOException, ControlException {
            JsonElement answer = ask(hosts, "xenstore-write", path, value);
            if (json) {
                out().println(answer);
            }
        }
    }

    /** An empty path would be the root's, or a guest's home: nobody means that by nothing. */
    final void requireNode(String path) {
        if (path.isEmpty()) {
            throw usage("PATH is empty: the root is /");
        }
    }

    /**
     * @param value null for verbs that take none
     */
    final JsonElement ask(RunningHosts hosts, String verb, String path, String value)
            throws IOException, ControlException {
        JsonObject request = RunningHosts.request(verb);
        request.addProperty("path", absolute(path, hosts));
        if (value != null) {
            request.addProperty("value", value);
        }
        return hosts.only(guest).ask(request);
    }

    private String absolute(String path, RunningHosts hosts) throws IOException, ControlException {
        if (path.startsWith("/")) {
            return path;
        }
        if (guest == null) {
            return "/" + path;
        }
        String home = "/local/domain/" + hosts.find(guest).guest().get("id").getAsInt();
        return path.isEmpty() ? home : home + "/" + path;
    }
}

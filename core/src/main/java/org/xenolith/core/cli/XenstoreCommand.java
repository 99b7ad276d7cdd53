package org.xenolith.core.cli;

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
final class XenstoreCommand extends GuestVerb {
    private final String verb;

    @Option(
            names = {"-g", "--guest"},
            paramLabel = "GUEST",
            description = "The host that runs this guest; paths may begin at its home.")
    private String guest;

    @Option(names = "-p", description = "Shows permissions too.")
    private boolean permissions;

    @Parameters(index = "0", arity = "0..1", paramLabel = "PATH", description = "Default: /.")
    private String path = "";

    @Parameters(index = "1", arity = "0..1", paramLabel = "VALUE", description = "To be written.")
    private String value;

    private XenstoreCommand(String verb, ControlFolder folder) {
        super(folder);
        this.verb = verb;
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
                .addSubcommand(command("ls", "Lists a node and all below it.", folder))
                .addSubcommand(command("read", "Prints the value of a node.", folder))
                .addSubcommand(command("write", "Sets the value of a node.", folder));
    }

    private static CommandLine command(String verb, String header, ControlFolder folder) {
        CommandLine command = new CommandLine(new XenstoreCommand(verb, folder));
        command.getCommandSpec().name(verb).usageMessage().header(header);
        return command;
    }

    @Override
    void check() {
        if (verb.equals("write") && value == null) {
            throw usage("write needs a path and a value");
        }
    }

    @Override
    void perform(RunningHosts hosts) throws IOException, ControlException {
        JsonObject request = RunningHosts.request("xenstore-" + verb);
        request.addProperty("path", absolute(hosts));
        if (verb.equals("write")) {
            request.addProperty("value", value);
        }
        JsonElement answer = hosts.only(guest).ask(request);
        if (json) {
            out().println(answer);
        } else if (verb.equals("ls")) {
            show(answer.getAsJsonArray());
        } else if (verb.equals("read")) {
            out().println(answer.getAsString());
        }
    }

    private String absolute(RunningHosts hosts) throws IOException, ControlException {
        if (path.startsWith("/")) {
            return path;
        }
        if (guest == null) {
            return "/" + path;
        }
        String home = "/local/domain/" + hosts.find(guest).guest().get("id").getAsInt();
        return path.isEmpty() ? home : home + "/" + path;
    }

    /** As xenstore-ls: a space for each level below the node, and the last part of the path. */
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

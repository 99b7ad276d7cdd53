package org.xenolith.core.cli;

import org.xenolith.core.cli.verb.VerbCommands;
import org.xenolith.devices.console.Escaped;

import java.util.List;

/** The commands of {@code vmm}, made one by one. */
final class Commands {
    /** All of them, in the order in which help lists them. */
    static final List<String> NAMES =
            List.of(
                    "boot",
                    "up",
                    "restore",
                    "list",
                    "console",
                    "stat",
                    "mem-set",
                    "timer-slack",
                    "save",
                    "fork",
                    "pause",
                    "unpause",
                    "shutdown",
                    "reboot",
                    "destroy",
                    "network-list",
                    "network-attach",
                    "network-detach",
                    "forward-list",
                    "forward-add",
                    "forward-remove",
                    "block-list",
                    "trace",
                    "where",
                    "pages",
                    "events",
                    "grants",
                    "rings",
                    "xenstore",
                    "image",
                    "inspect",
                    "explain",
                    "lab",
                    "version",
                    "help");

    private final Services services;
    private final VerbCommands verbs;
    private final List<String> kernelArguments;

    /**
     * @param kernelArguments what the command line says behind {@code --}
     */
    Commands(Services services, List<String> kernelArguments) {
        this.services = services;
        this.verbs = new VerbCommands(services.sockets(), services.console());
        this.kernelArguments = kernelArguments;
    }

    /** A sentence about a name that is none of theirs. */
    static String thereIsNo(String name) {
        return "There is no command '" + Escaped.of(name) + "'.";
    }

    /**
     * Makes what Picocli takes for a command.
     *
     * @param name of {@link #NAMES}, or another name that the command goes by
     * @return null if there is no such command
     */
    Object make(String name) {
        return switch (name) {
            case "boot", "create", "run" -> new BootCommand(services, kernelArguments);
            case "up" -> new UpCommand(services);
            case "restore" -> new RestoreCommand(services);
            case "image" -> new ImageCommand(services);
            case "inspect" -> new InspectCommand(services);
            case "explain" -> ExplainCommand.command();
            case "lab" -> new LabCommand();
            case "version" -> new VersionCommand();
            case "help" -> new HelpCommand();
            default -> verbs.make(name);
        };
    }
}

package org.xenolith.core.cli;

import org.xenolith.core.control.ControlFolder;
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
                    "save",
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
    private final ControlFolder sockets;
    private final List<String> kernelArguments;

    /**
     * @param kernelArguments what the command line says behind {@code --}
     */
    Commands(Services services, List<String> kernelArguments) {
        this.services = services;
        this.sockets = services.sockets();
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
            case "list", "ls" -> new ListCommand(sockets);
            case "console" -> new ConsoleCommand(sockets, services.console());
            case "stat" -> new StatCommand(sockets);
            case "mem-set" -> new MemSetCommand(sockets);
            case "save" -> new SaveCommand(sockets);
            case "pause" -> SimpleVerb.command(name, "Holds guests still.", sockets);
            case "unpause" -> SimpleVerb.command(name, "Lets them go on.", sockets);
            case "shutdown" -> SimpleVerb.command(name, "Asks guests to power off.", sockets);
            case "reboot" -> SimpleVerb.command(name, "Asks guests to reboot.", sockets);
            case "destroy" ->
                    SimpleVerb.command(name, "Ends guests at once, without asking them.", sockets);
            case "network-list" -> DeviceListCommand.network(sockets);
            case "network-attach" -> new NetworkAttachCommand(sockets);
            case "network-detach" -> new NetworkDetachCommand(sockets);
            case "forward-list" -> new ForwardListCommand(sockets);
            case "forward-add" -> new ForwardAddCommand(sockets);
            case "forward-remove" -> new ForwardRemoveCommand(sockets);
            case "block-list" -> DeviceListCommand.block(sockets);
            case "trace" -> new TraceCommand(sockets);
            case "where" -> new WhereCommand(sockets);
            case "pages" -> new PagesCommand(sockets);
            case "events" -> LookCommand.events(sockets);
            case "grants" -> LookCommand.grants(sockets);
            case "rings" -> LookCommand.rings(sockets);
            case "xenstore" -> XenstoreCommand.group(sockets);
            case "image" -> new ImageCommand(services);
            case "inspect" -> new InspectCommand(services);
            case "explain" -> ExplainCommand.command();
            case "lab" -> new LabCommand();
            case "version" -> new VersionCommand();
            case "help" -> new HelpCommand();
            default -> null;
        };
    }
}

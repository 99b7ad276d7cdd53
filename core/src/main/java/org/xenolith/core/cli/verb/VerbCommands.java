package org.xenolith.core.cli.verb;

import org.xenolith.core.control.ControlFolder;
import org.xenolith.devices.terminal.TerminalSession;

import java.util.function.Supplier;

/** The commands that speak to running guests, made one by one. */
public final class VerbCommands {
    private final ControlFolder sockets;
    private final Supplier<TerminalSession> console;

    /**
     * @param sockets of the processes to speak to
     * @param console this terminal, opened when it becomes a guest's console
     */
    public VerbCommands(ControlFolder sockets, Supplier<TerminalSession> console) {
        this.sockets = sockets;
        this.console = console;
    }

    /**
     * Makes what Picocli takes for a command.
     *
     * @return null if none of them has this name
     */
    public Object make(String name) {
        return switch (name) {
            case "list", "ls" -> new ListCommand(sockets);
            case "console" -> new ConsoleCommand(sockets, console);
            case "stat" -> new StatCommand(sockets);
            case "mem-set" -> new MemSetCommand(sockets);
            case "timer-slack" -> new TimerSlackCommand(sockets);
            case "save" -> new SaveCommand(sockets);
            case "fork" -> new ForkCommand(sockets);
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
            default -> null;
        };
    }
}

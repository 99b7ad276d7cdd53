package org.xenolith.core.cli;

import org.xenolith.core.image.ImageReport;
import org.xenolith.core.machine.VmmMachine;
import org.xenolith.devices.terminal.TerminalSession;

/** The one place where the commands meet what they call. */
final class Wiring {
    private Wiring() {}

    static Services services() {
        return new Services(
                new VmmMachine(),
                new InstalledGuests(),
                file -> {
                    ImageReport report = ImageReport.of(file);
                    return new Services.Inspection(report.toText(), report.usable());
                },
                TerminalSession::open,
                System.console() != null && System.console().isTerminal());
    }
}

package org.xenolith.core.cli;

import org.xenolith.core.control.ControlFolder;
import org.xenolith.core.disk.DiskReport;
import org.xenolith.core.image.ImageReport;
import org.xenolith.core.machine.VmmMachine;
import org.xenolith.devices.terminal.TerminalSession;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/** The one place where the commands meet what they call. */
final class Wiring {
    private Wiring() {}

    static Services services() {
        VmmMachine machine = new VmmMachine(Optional.of(ControlFolder.ofUser()));
        return new Services(
                machine,
                machine,
                new InstalledGuests(),
                Wiring::inspect,
                TerminalSession::open,
                ControlFolder.ofUser(),
                System.console() != null && System.console().isTerminal());
    }

    private static Services.Inspection inspect(Path file) throws IOException {
        Optional<DiskReport> disk = DiskReport.of(file);
        if (disk.isPresent()) {
            return new Services.Inspection(disk.get().text(), disk.get().bootable());
        }
        ImageReport report = ImageReport.of(file);
        return new Services.Inspection(report.toText(), report.usable());
    }
}

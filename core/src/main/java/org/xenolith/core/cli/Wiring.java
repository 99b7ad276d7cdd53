package org.xenolith.core.cli;

import org.xenolith.core.control.ControlFolder;
import org.xenolith.core.disk.DiskReport;
import org.xenolith.core.image.ImageReport;
import org.xenolith.core.image.debian.LampImage;
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
            return LampImage.isItsDisk(file)
                    ? ofLamp(disk.get())
                    : new Services.Inspection(disk.get().text(), disk.get().bootable());
        }
        ImageReport report = ImageReport.of(file);
        return new Services.Inspection(report.toText(), report.usable());
    }

    /** By itself it boots nothing: its guest takes Debian's kernel from beside it. */
    static Services.Inspection ofLamp(DiskReport disk) {
        String hint = "'vmm boot lamp' boots it, with Debian's kernel and its own initial RAM disk";
        return new Services.Inspection(
                disk.text() + "  %-14s  %s%n".formatted("guest", hint), true);
    }
}

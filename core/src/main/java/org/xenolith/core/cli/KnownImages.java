package org.xenolith.core.cli;

import org.xenolith.core.cli.output.StatusLine;
import org.xenolith.core.fleet.BootFiles;
import org.xenolith.core.fleet.ImageCatalogue;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.Optional;

/**
 * The known guests, for those who describe guests in files; says what goes on where it takes long.
 */
record KnownImages(Services services, PrintWriter err) implements ImageCatalogue {
    @Override
    public Optional<BootFiles> find(String name) throws IOException {
        if (!services.images().names().contains(name)) {
            return Optional.empty();
        }
        try (StatusLine status = new StatusLine(err, services.errorIsTerminal())) {
            KnownGuests.Files files = services.images().prepare(name, false, status);
            return Optional.of(
                    new BootFiles(
                            files.kernel(), files.initrd(), files.commandLine(), files.disk()));
        }
    }
}

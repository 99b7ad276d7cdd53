package org.xenolith.core.fleet;

import org.xenolith.core.config.GuestConfig;
import org.xenolith.core.machine.BootFailed;
import org.xenolith.core.machine.BootOptions;
import org.xenolith.core.trace.TraceTopic;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * From what a user wrote about a guest to what a host can boot: the one place where the two meet.
 * Files of a named image are looked up once, however many guests use it.
 */
public final class GuestPlan {
    private static final String CONSOLE = "console=hvc0";

    private final ImageCatalogue catalogue;
    private final Map<String, BootFiles> known = new HashMap<>();

    public GuestPlan(ImageCatalogue catalogue) {
        this.catalogue = catalogue;
    }

    /**
     * What to boot for a guest.
     *
     * @throws IOException if the files of its image cannot be found or made
     * @throws BootFailed if it asks for what this host does not have
     */
    public BootOptions optionsFor(GuestConfig guest) throws IOException {
        refuseWhatIsMissing(guest);
        BootFiles files = files(guest);
        return new BootOptions(
                guest.name(),
                files.kernel(),
                guest.initrd().or(files::initrd),
                (files.commandLine() + " " + guest.commandLine()).strip(),
                guest.memoryBytes(),
                guest.vcpus(),
                EnumSet.noneOf(TraceTopic.class),
                Optional.empty(),
                Optional.empty(),
                false,
                false,
                guest.maxMemoryBytes());
    }

    /** Better no guest than one that lacks its data. */
    private static void refuseWhatIsMissing(GuestConfig guest) {
        if (!guest.disks().isEmpty()) {
            throw new BootFailed("disks cannot be attached yet");
        }
        if (!guest.forwards().isEmpty()) {
            throw new BootFailed("host ports cannot be forwarded yet");
        }
        if (guest.bootloader().isPresent()) {
            throw new BootFailed("a bootloader cannot be run yet");
        }
    }

    private BootFiles files(GuestConfig guest) throws IOException {
        if (guest.kernel().isPresent()) {
            return kernel(guest.kernel().get(), guest.commandLine());
        }
        if (guest.image().isEmpty()) {
            throw new BootFailed("it names neither an image nor a kernel");
        }
        return image(guest.image().get(), guest.commandLine());
    }

    private synchronized BootFiles image(String name, String arguments) throws IOException {
        BootFiles files = known.get(name);
        if (files == null) {
            Optional<BootFiles> found = catalogue.find(name);
            if (found.isEmpty()) {
                return kernelNamed(name, arguments);
            }
            files = found.get();
            known.put(name, files);
        }
        return files;
    }

    private static BootFiles kernelNamed(String name, String arguments) {
        Path file = Path.of(name);
        if (!Files.exists(file)) {
            throw new BootFailed("'" + name + "' is neither a known guest nor a file");
        }
        return kernel(file, arguments);
    }

    private static BootFiles kernel(Path file, String arguments) {
        return new BootFiles(file, Optional.empty(), arguments.contains("console=") ? "" : CONSOLE);
    }
}

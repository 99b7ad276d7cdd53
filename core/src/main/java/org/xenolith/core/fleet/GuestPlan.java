package org.xenolith.core.fleet;

import org.xenolith.core.boot.BootFailed;
import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.boot.EventActions;
import org.xenolith.core.boot.GuestDevices;
import org.xenolith.core.config.DiskSpec;
import org.xenolith.core.config.GuestConfig;
import org.xenolith.core.disk.BootDisk;
import org.xenolith.core.disk.DirectoryImages;
import org.xenolith.core.disk.DiskBoot;
import org.xenolith.devices.net.NetworkSpec;
import org.xenolith.devices.net.nat.PortForward;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * From what a user wrote about a guest to what a host can boot: the one place where the two meet.
 * Files of a named image are looked up once, however many guests use it.
 */
public final class GuestPlan {
    private static final String CONSOLE = "console=hvc0";

    private final ImageCatalogue catalogue;
    private final UnaryOperator<BootOptions> more;
    private final Map<String, BootFiles> known = new HashMap<>();
    private final DirectoryImages directories = new DirectoryImages();

    public GuestPlan(ImageCatalogue catalogue) {
        this(catalogue, UnaryOperator.identity());
    }

    /**
     * @param more what the command line adds to each guest
     */
    public GuestPlan(ImageCatalogue catalogue, UnaryOperator<BootOptions> more) {
        this.catalogue = catalogue;
        this.more = more;
    }

    /**
     * What to boot for a guest.
     *
     * @throws IOException if the files of its image cannot be found or made
     * @throws BootFailed if it asks for what this host does not have
     */
    public BootOptions optionsFor(GuestConfig guest) throws IOException {
        BootFiles files = files(guest);
        return more.apply(options(guest, files));
    }

    private BootOptions options(GuestConfig guest, BootFiles files) throws IOException {
        return BootOptions.of(guest.name(), files.kernel(), guest.memoryBytes())
                .initrd(guest.initrd().or(files::initrd))
                .commandLine((files.commandLine() + " " + guest.commandLine()).strip())
                .memory(guest.memoryBytes(), guest.maxMemoryBytes())
                .vcpus(guest.vcpus())
                .timerSlack(guest.timerSlack())
                .devices(devices(guest, files))
                .bootDisk(files.read().map(disk -> bootDisk(disk, guest)))
                .actions(EventActions.of(guest))
                .build();
    }

    private static BootDisk bootDisk(DiskSpec disk, GuestConfig guest) {
        return new BootDisk(disk, guest.initrd(), guest.commandLine());
    }

    private GuestDevices devices(GuestConfig guest, BootFiles files) throws IOException {
        List<DiskSpec> disks = new ArrayList<>();
        for (DiskSpec disk : guest.disks()) {
            disks.add(
                    Files.isDirectory(disk.file())
                            ? directories.imageOf(disk)
                            : withKnownBase(disk));
        }
        if (disks.isEmpty() && files.disk().isPresent()) {
            disks.add(diskOf(files.disk().get()));
        }
        try {
            return new GuestDevices(
                    disks,
                    guest.networks().stream().map(NetworkSpec::parse).toList(),
                    guest.forwards().stream().map(PortForward::parse).toList(),
                    guest.shares());
        } catch (IllegalArgumentException e) {
            throw new BootFailed(e.getMessage(), e);
        }
    }

    /** A disk may name a known image: a base that many guests share, each with its own overlay. */
    private DiskSpec withKnownBase(DiskSpec disk) throws IOException {
        if (Files.exists(disk.file())) {
            return disk;
        }
        Optional<Path> base = lookUp(disk.file().toString()).flatMap(BootFiles::disk);
        if (base.isEmpty()) {
            return disk; // opening it will say what is wrong
        }
        return new DiskSpec(
                base.get(),
                disk.format(),
                disk.device(),
                disk.readOnly(),
                disk.ephemeral() || disk.overlay().isEmpty(),
                disk.overlay());
    }

    /** What a guest writes to a disk that it does not own is forgotten with it. */
    private static DiskSpec diskOf(Path file) {
        return DiskSpec.of(file).asEphemeral();
    }

    private BootFiles files(GuestConfig guest) throws IOException {
        if (guest.kernel().isPresent()) {
            return kernel(guest.kernel().get(), guest.commandLine());
        }
        if (guest.bootloader().isPresent()) {
            return new BootFiles(guest.bootloader().get(), Optional.empty(), "");
        }
        if (guest.image().isEmpty()) {
            return fromFirstDisk(guest);
        }
        return image(guest.image().get(), guest.commandLine());
    }

    /** The kernel may have been changed by the guest itself: it is looked up at each start. */
    private static BootFiles fromFirstDisk(GuestConfig guest) throws IOException {
        if (guest.disks().isEmpty()) {
            throw new BootFailed("it names no image, no kernel and no disk");
        }
        return BootFiles.of(guest.disks().getFirst(), Optional.empty());
    }

    private BootFiles image(String name, String arguments) throws IOException {
        Optional<BootFiles> files = lookUp(name);
        return files.isPresent() ? files.get() : fileNamed(name, arguments);
    }

    private synchronized Optional<BootFiles> lookUp(String name) throws IOException {
        if (!known.containsKey(name)) {
            Optional<BootFiles> found = catalogue.find(name);
            if (found.isEmpty()) {
                return found;
            }
            known.put(name, found.get());
        }
        return Optional.of(known.get(name));
    }

    private static BootFiles fileNamed(String name, String arguments) throws IOException {
        Path file = Path.of(name);
        if (!Files.exists(file)) {
            throw new BootFailed("'" + name + "' is neither a known guest nor a file");
        }
        if (DiskBoot.isKernel(file)) {
            return kernel(file, arguments);
        }
        return BootFiles.of(diskOf(file), Optional.of(file));
    }

    private static BootFiles kernel(Path file, String arguments) {
        return new BootFiles(file, Optional.empty(), arguments.contains("console=") ? "" : CONSOLE);
    }
}

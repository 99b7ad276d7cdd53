package org.xenolith.core.cli;

import org.xenolith.core.boot.BootFailed;
import org.xenolith.core.boot.GuestDevices;
import org.xenolith.core.cli.output.StatusLine;
import org.xenolith.core.config.DiskSpec;
import org.xenolith.core.config.GuestName;
import org.xenolith.core.disk.DiskBoot;
import org.xenolith.devices.filesystem.UnreadableFileSystem;

import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** What a command line says about the system to boot, and the files that it comes from. */
final class BootSource {
    private static final String DEFAULT_COMMAND_LINE = "console=hvc0";

    private final Services services;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec spec;

    @Parameters(
            paramLabel = "IMAGE",
            arity = "0..1",
            description =
                    "The name of a known guest (hearth, lantern, debian, lamp), a disk image, a"
                            + " kernel file, or an xl.cfg that describes a guest.")
    private String image;

    @Option(
            names = {"-k", "--kernel"},
            paramLabel = "FILE",
            description = "Kernel: a bzImage (vmlinuz) or an ELF file, built for Xen PV.")
    private Path kernel;

    @Option(
            names = {"-i", "--initrd"},
            paramLabel = "FILE",
            description = "Initial RAM disk, handed to the kernel as it is.")
    private Path initrd;

    @Option(
            names = "--bootloader",
            paramLabel = "FILE",
            description =
                    "A PV guest that loads the kernel from the disk, such as GRUB's"
                            + " grub-x86_64-xen.bin; instead of looking into the disk.")
    private Path bootloader;

    BootSource(Services services) {
        this.services = services;
    }

    /** A file that describes a whole guest, unless a kernel is named beside it. */
    Optional<Path> configuration() {
        boolean isConfigured = kernel == null && image != null && ConfiguredGuest.isFile(image);
        return isConfigured ? Optional.of(Path.of(image)) : Optional.empty();
    }

    /** The initial RAM disk that was asked for, or else the system's own. */
    Optional<Path> initrdOr(Optional<Path> own) {
        return initrd == null ? own : Optional.of(NamedFile.existing(spec, "initrd", initrd));
    }

    /**
     * Finds the files of the system, or makes them.
     *
     * @param written the devices that the command line lists
     * @throws ParameterException if it names no system, or two
     */
    KnownGuests.Files files(GuestDevices written) throws IOException {
        if (kernel != null) {
            if (image != null) {
                throw usage(
                        "'%s' and -k %s exclude each other: name one kernel."
                                .formatted(image, kernel));
            }
            return kernelFile(NamedFile.existing(spec, "kernel", kernel));
        }
        if (bootloader != null) {
            return new KnownGuests.Files(
                    NamedFile.existing(spec, "boot loader", bootloader),
                    Optional.empty(),
                    "",
                    Optional.ofNullable(image).map(Path::of),
                    Optional.empty());
        }
        String wanted = image == null ? services.images().names().getFirst() : image;
        return services.images().names().contains(wanted)
                ? knownGuest(wanted, isDirectoryBoot(written))
                : imageFile(wanted);
    }

    private KnownGuests.Files knownGuest(String wanted, boolean fromDirectory) throws IOException {
        try (StatusLine status =
                new StatusLine(spec.commandLine().getErr(), services.errorIsTerminal())) {
            return fromDirectory
                    ? services.images().prepareForRoot(status)
                    : services.images().prepare(wanted, false, status);
        }
    }

    private KnownGuests.Files imageFile(String wanted) throws IOException {
        Path file = Path.of(wanted);
        if (Files.isDirectory(file)) {
            throw usage(
                    "'%s' is a directory: -d %s boots it as the root file system."
                            .formatted(wanted, wanted));
        }
        if (!Files.exists(file)) {
            throw usage(
                    "'%s' is neither a known guest (%s) nor a kernel file."
                            .formatted(wanted, String.join(", ", services.images().names())));
        }
        if (wanted.endsWith(".toml")) {
            throw usage(
                    "'%s' describes guests in TOML: 'vmm up %s' starts them."
                            .formatted(wanted, wanted));
        }
        return DiskBoot.isKernel(NamedFile.existing(spec, "kernel", file))
                ? kernelFile(file)
                : fromDisk(file);
    }

    /** Whether the system is a directory of the host, and nothing says which kernel to use. */
    private boolean isDirectoryBoot(GuestDevices written) {
        return kernel == null
                && image == null
                && bootloader == null
                && !written.disks().isEmpty()
                && Files.isDirectory(written.disks().getFirst().file());
    }

    private KnownGuests.Files fromDisk(Path file) throws IOException {
        DiskBoot boot;
        try {
            boot = DiskBoot.from(file);
        } catch (UnreadableFileSystem e) {
            throw new BootFailed(
                    "%s boots nothing by itself: %s. With a kernel of yours: -k FILE -d %s"
                            .formatted(file, e.getMessage(), file),
                    e);
        }
        return new KnownGuests.Files(
                boot.kernel(),
                boot.initrd(),
                boot.commandLine(),
                Optional.of(file),
                Optional.of(file));
    }

    /** The disk that the system lies on. */
    Optional<DiskSpec> ownDisk(KnownGuests.Files files) {
        // The image of a known guest is everybody's: what this one writes stays with it.
        return files.disk()
                .map(DiskSpec::of)
                .map(disk -> isKnownGuest() ? disk.asEphemeral() : disk);
    }

    private boolean isKnownGuest() {
        return kernel == null && bootloader == null && services.images().names().contains(image);
    }

    private static KnownGuests.Files kernelFile(Path kernel) {
        return new KnownGuests.Files(kernel, Optional.empty(), DEFAULT_COMMAND_LINE);
    }

    /** What the user named, never a file that was made of it. */
    String name(KnownGuests.Files files, GuestDevices written) {
        if (isDirectoryBoot(written)) {
            return fileName(written.disks().getFirst().file());
        }
        if (kernel == null && bootloader == null && image == null) {
            return services.images().names().getFirst();
        }
        return isKnownGuest() ? image : fileName(files.disk().orElse(files.kernel()));
    }

    private static String fileName(Path file) {
        Path last = file.toAbsolutePath().normalize().getFileName();
        return last == null ? "root" : GuestName.from(last.toString());
    }

    private ParameterException usage(String sentence) {
        return NamedFile.usage(spec, sentence);
    }
}

package org.xenolith.core.cli;

import org.xenolith.core.cli.output.StatusLine;
import org.xenolith.core.image.ImageException;
import org.xenolith.core.image.debian.BootInput;
import org.xenolith.core.image.debian.DebianImage;
import org.xenolith.core.image.debian.HandOverInitramfs;
import org.xenolith.core.image.debian.HearthImage;
import org.xenolith.core.image.debian.LampImage;
import org.xenolith.core.image.debian.OwnKernels;
import org.xenolith.core.image.debian.Progress;
import org.xenolith.guests.GuestImages;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Optional;

/** The kernels that come with Xenolith, Debian, and a web server on Debian. */
final class InstalledGuests implements KnownGuests {
    static final String DEBIAN = "debian", LAMP = "lamp";

    @Override
    public List<String> names() {
        return List.of(GuestImages.HEARTH, GuestImages.LANTERN, DEBIAN, LAMP);
    }

    @Override
    public Files prepare(String name, boolean latest, StatusLine status) throws IOException {
        return switch (name) {
            case GuestImages.LANTERN -> new Files(unpacked(name), Optional.empty(), "");
            case GuestImages.HEARTH -> hearth(latest, status);
            case DEBIAN -> debian(latest, status);
            case LAMP -> lamp(latest, status);
            default -> throw new FileNotFoundException("no guest is called " + name);
        };
    }

    @Override
    public Files prepareForRoot(StatusLine status) throws IOException {
        BootInput debian = DebianImage.prepare(new DebianProgress(status));
        Path initrd = java.nio.file.Files.createTempFile("xenolith-initrd-", ".cpio");
        initrd.toFile().deleteOnExit();
        HandOverInitramfs.write(debian, initrd);
        return new Files(
                debian.kernel(),
                Optional.of(initrd),
                debian.defaultCommandLine() + " root=/dev/xvda rw");
    }

    /**
     * The kernel as a file of its own, which stays: a guest that was saved may want it. Where there
     * is no place for it, it is there as long as this process.
     */
    private static Path unpacked(String name) throws IOException {
        try {
            return OwnKernels.prepare(name);
        } catch (ImageException e) {
            return temporary(name);
        }
    }

    private static Path temporary(String name) throws IOException {
        Path file = java.nio.file.Files.createTempFile(name + "-", ".elf");
        file.toFile().deleteOnExit();
        try (InputStream image = GuestImages.open(name)) {
            java.nio.file.Files.copy(image, file, StandardCopyOption.REPLACE_EXISTING);
        }
        return file;
    }

    /** Without BusyBox it starts a small shell that it has in itself. */
    private static Files hearth(boolean latest, StatusLine status) throws IOException {
        Path kernel = unpacked(GuestImages.HEARTH);
        try {
            Path initrd = HearthImage.prepare(latest, new DebianProgress(status));
            return new Files(kernel, Optional.of(initrd), "");
        } catch (ImageException e) {
            if (latest) {
                throw e;
            }
            status.note("vmm: hearth starts without BusyBox: " + e.getMessage() + ".");
            return new Files(kernel, Optional.empty(), "");
        }
    }

    private static Files debian(boolean latest, StatusLine status) throws IOException {
        Progress progress = new DebianProgress(status);
        BootInput input =
                latest ? DebianImage.prepareLatest(progress) : DebianImage.prepare(progress);
        return new Files(input.kernel(), Optional.of(input.initrd()), input.defaultCommandLine());
    }

    private static Files lamp(boolean latest, StatusLine status) throws IOException {
        Progress progress = new DebianProgress(status);
        LampImage.Input input =
                latest ? LampImage.prepareLatest(progress) : LampImage.prepare(progress);
        return new Files(
                input.boot().kernel(),
                Optional.of(input.boot().initrd()),
                input.boot().defaultCommandLine(),
                input.disk());
    }

    /** Each step begins a new line; its fraction draws the bar. */
    private static final class DebianProgress implements Progress {
        private final StatusLine status;
        private Step current;

        DebianProgress(StatusLine status) {
            this.status = status;
        }

        @Override
        public void at(Step step, double fraction) {
            if (step != current) {
                current = step;
                status.step(step.label());
            }
            status.progress(Math.round(fraction * 100), 100);
        }
    }
}

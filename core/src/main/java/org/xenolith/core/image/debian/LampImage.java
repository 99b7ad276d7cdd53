package org.xenolith.core.image.debian;

import org.xenolith.core.image.ImageException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A Debian 12 guest with Apache, MariaDB and PHP on a disk image, made once and cached.
 *
 * <p>The cache, {@code $XDG_CACHE_HOME/xenolith/lamp}:
 *
 * <pre>
 *   packages-DIGEST.tar       Debian with the packages installed; the digest names their list
 *   made-DIGEST/lamp.img      the disk; the digest names the recipe
 * </pre>
 *
 * Kernel and initial RAM disk lie in the cache of {@link DebianImage}. An image is never changed or
 * removed, because overlays of guests lean on it: another recipe makes another folder.
 */
public final class LampImage {
    /** What the guest prints on its console when its first page can be fetched. */
    public static final String READY_MARKER = "lamp: READY";

    /**
     * As {@link DebianImage#COMMAND_LINE}, with the disk as Xen names it, and without what Linux
     * does all the time on an idle machine: comparing clocks twice a second, adding up pressure
     * every two, looking for locked up processors every four. It would cost a host of a hundred
     * idle guests as much as their servers do.
     */
    public static final String COMMAND_LINE =
            DebianImage.COMMAND_LINE + " root=/dev/xvda tsc=nowatchdog nowatchdog psi=0";

    /**
     * What a domain is built from.
     *
     * @param disk base image of {@code /dev/xvda}: not to be written, put an overlay over it
     */
    public record Input(BootInput boot, Path disk) {}

    private final ImageCache cache;
    private final DebianImage debian;
    private final HostPrograms programs;
    private final boolean root;

    /**
     * @param root whether this process is root's
     */
    LampImage(Path directory, DebianImage debian, HostPrograms programs, boolean root) {
        this.cache =
                new ImageCache(
                        directory, "LAMP image", tree -> Superuser.of(root, programs).delete(tree));
        this.debian = debian;
        this.programs = programs;
        this.root = root;
    }

    /**
     * The boot input, from the cache if it is there; made otherwise, which downloads some 100 MB
     * and takes minutes.
     *
     * @throws ImageException when it cannot be made, saying what is missing
     */
    public static Input prepare(Progress progress) throws ImageException {
        return ofThisUser().prepare(false, progress);
    }

    /**
     * As {@link #prepare}, but asks Debian's package lists whether there is a newer kernel. The
     * disk stays as it is.
     */
    public static Input prepareLatest(Progress progress) throws ImageException {
        return ofThisUser().prepare(true, progress);
    }

    private static LampImage ofThisUser() {
        return new LampImage(
                ImageCache.ofThisUser().resolve("lamp"),
                DebianImage.ofThisUser(new LampInitramfs()),
                HostPrograms.ofTheMachine(),
                Superuser.isThisProcess());
    }

    /** Whether a file is the disk of which {@link #prepare} speaks, where that was made. */
    public static boolean isItsDisk(Path file) throws IOException {
        return isDiskIn(ImageCache.ofThisUser().resolve("lamp"), file);
    }

    static boolean isDiskIn(Path directory, Path file) throws IOException {
        Path disk = made(directory).resolve(LampDisk.IMAGE);
        return Files.exists(disk) && Files.isSameFile(disk, file);
    }

    private static Path made(Path directory) throws IOException {
        return directory.resolve("made-" + LampDisk.version());
    }

    Input prepare(boolean latest, Progress progress) throws ImageException {
        try {
            Path made = made(cache.directory());
            if (!Files.exists(made)) {
                makeDisk(made, progress);
            }
            return new Input(debian.prepare(latest, progress), made.resolve(LampDisk.IMAGE));
        } catch (ImageException e) {
            throw e;
        } catch (IOException e) {
            throw cache.cannotMake(e);
        }
    }

    private void makeDisk(Path made, Progress progress) throws IOException {
        Superuser superuser = Superuser.of(root, programs);
        LampPackages packages = new LampPackages(debian.apt(), programs, superuser);
        LampDisk disk = new LampDisk(programs, superuser);
        packages.requireTools();
        disk.requireTools();
        // The kernel first: it is small, and fetching it shows whether apt works at all.
        debian.prepare(false, progress);
        cache.locked(
                () -> {
                    cache.sweep();
                    Path installed =
                            cache.directory()
                                    .resolve("packages-" + LampPackages.version() + ".tar");
                    if (!Files.exists(installed)) {
                        debian.apt().update(false, progress);
                        cache.inWorkplace(
                                workplace -> packages.install(workplace, progress), installed);
                    }
                    // Another process may have made it while we waited for the lock.
                    if (!Files.exists(made)) {
                        cache.inWorkplace(
                                workplace -> disk.make(installed, workplace, progress), made);
                    }
                    return made;
                });
    }
}

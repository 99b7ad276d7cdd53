package org.xenolith.core.image.debian;

import org.xenolith.core.image.ImageException;
import org.xenolith.core.image.Initramfs;
import org.xenolith.guests.GuestFiles;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * The initial RAM disk of hearth: Debian's static BusyBox, unmodified, and a few files of ours.
 * Fetched and made once.
 *
 * <p>The cache, {@code $XDG_CACHE_HOME/xenolith/hearth}:
 *
 * <pre>
 *   apt/                             package lists, apt's own format
 *   made-DIGEST-BUSYBOX_VERSION/     initrd.cpio; the digest names the recipe
 *   failed                           when fetching was last tried in vain
 * </pre>
 */
public final class HearthImage {
    /** The prompt of the shell, in the home directory where it begins. */
    public static final String PROMPT = "hearth:~# ";

    private static final String BUSYBOX_PACKAGE = "busybox-static";
    private static final String INITRD = "initrd.cpio";

    /** Raise it when anything but the files of the guests module changes. */
    private static final int FORMAT = 1;

    /** Who has no network is not kept waiting at each start. */
    private static final Duration TRY_AGAIN_AFTER = Duration.ofMinutes(10);

    /**
     * Names for BusyBox in {@code /bin}. Its shell knows all commands by itself; these are for
     * scripts and programs that look for a file. Few, as hearth unpacks them at each boot.
     */
    private static final List<String> LINKS =
            List.of("sh", "cat", "echo", "env", "httpd", "ls", "ping", "ps", "sleep", "wget");

    private final ImageCache cache;
    private final AptPackages apt;

    HearthImage(Path directory, AptPackages.Programs programs) {
        this.cache = new ImageCache(directory, "image of hearth", ImageCache::deleteOwn);
        this.apt = new AptPackages(cache.directory().resolve("apt"), programs);
    }

    /**
     * The initial RAM disk, from the cache if there is one; otherwise BusyBox is fetched, some 1 MB
     * beside apt's package lists.
     *
     * @param latest whether to ask Debian's package lists for a newer BusyBox
     * @throws ImageException when it cannot be had, saying why
     */
    public static Path prepare(boolean latest, Progress progress) throws ImageException {
        return new HearthImage(
                        ImageCache.ofThisUser().resolve("hearth"),
                        AptPackages.Programs.OF_THE_MACHINE)
                .initrd(latest, progress);
    }

    Path initrd(boolean latest, Progress progress) throws ImageException {
        try {
            Optional<Path> made = latest ? Optional.empty() : newest();
            if (made.isPresent()) {
                return made.get();
            }
            if (!latest && failedLately()) {
                throw new ImageException("BusyBox could not be fetched a few minutes ago");
            }
        } catch (ImageException e) {
            throw e;
        } catch (IOException e) {
            throw cache.cannotMake(e);
        }
        return cache.locked(() -> make(latest, progress));
    }

    private String start() throws IOException {
        return "made-"
                + InitramfsRecipe.digest(
                        FORMAT,
                        List.of(
                                GuestFiles.hearthInit(),
                                GuestFiles.hearthProfile(),
                                GuestFiles.hearthPage()))
                + "-";
    }

    private Optional<Path> newest() throws IOException {
        if (!Files.isDirectory(cache.directory())) {
            return Optional.empty();
        }
        String start = start();
        return ImageCache.filesIn(cache.directory(), name -> name.startsWith(start)).stream()
                .max(Comparator.comparing(made -> made.toFile().lastModified()))
                .map(made -> made.resolve(INITRD));
    }

    private Path failed() {
        return cache.directory().resolve("failed");
    }

    private boolean failedLately() throws IOException {
        return Files.exists(failed())
                && Files.getLastModifiedTime(failed())
                        .toInstant()
                        .isAfter(Instant.now().minus(TRY_AGAIN_AFTER));
    }

    private Path make(boolean latest, Progress progress) throws IOException {
        Optional<Path> made = latest ? Optional.empty() : newest();
        if (made.isPresent()) {
            return made.get(); // somebody else made it while we waited for the lock
        }
        cache.sweep();
        try {
            return fetch(latest, progress);
        } catch (ImageException e) {
            Files.writeString(failed(), "");
            Files.setLastModifiedTime(failed(), FileTime.from(Instant.now()));
            throw e;
        }
    }

    private Path fetch(boolean latest, Progress progress) throws IOException {
        apt.update(latest, progress);
        AptPackages.Versioned busybox = apt.describe(BUSYBOX_PACKAGE).identity();
        Path made = cache.directory().resolve(start() + busybox.version().replace(':', '%'));
        if (!Files.exists(made)) {
            cache.inWorkplace(workplace -> build(workplace, busybox, progress), made);
        }
        return made.resolve(INITRD);
    }

    private Path build(Path workplace, AptPackages.Versioned busybox, Progress progress)
            throws IOException {
        apt.download(List.of(busybox), workplace, progress);
        progress.at(Progress.Step.BUILD, 0);
        Path root = Files.createDirectory(workplace.resolve("root"));
        for (Path archive : ImageCache.filesIn(workplace, name -> name.endsWith(".deb"))) {
            apt.unpack(archive, root);
        }
        Path result = Files.createDirectory(workplace.resolve("made"));
        initramfs(Files.readAllBytes(DebianImage.firstOf(root, "bin/busybox", "usr/bin/busybox")))
                .writeTo(result.resolve(INITRD));
        progress.at(Progress.Step.BUILD, 1);
        return result;
    }

    /** The files of a hearth, around a BusyBox. */
    static Initramfs initramfs(byte[] busybox) throws IOException {
        Initramfs initramfs = new Initramfs();
        initramfs.directory("root").directory("tmp", 01777);
        initramfs.file("init", 0755, GuestFiles.hearthInit());
        initramfs.file("bin/busybox", 0755, busybox);
        LINKS.forEach(link -> initramfs.symlink("bin/" + link, "busybox"));
        initramfs.file("etc/profile", 0644, GuestFiles.hearthProfile());
        initramfs.file("etc/passwd", 0644, "root:x:0:0:root:/root:/bin/sh\n");
        initramfs.file("etc/group", 0644, "root:x:0:\n");
        initramfs.file("etc/hosts", 0644, "127.0.0.1 localhost hearth\n");
        initramfs.file("var/www/index.html", 0644, GuestFiles.hearthPage());
        return initramfs;
    }
}

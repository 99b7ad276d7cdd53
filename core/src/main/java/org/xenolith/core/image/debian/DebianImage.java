package org.xenolith.core.image.debian;

import org.xenolith.core.image.ImageException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Debian's stock cloud kernel and an initial RAM disk with BusyBox, made once and cached.
 *
 * <p>The cache, {@code $XDG_CACHE_HOME/xenolith/debian}:
 *
 * <pre>
 *   apt/                      package lists, apt's own format
 *   KERNEL_VERSION+BUSYBOX_VERSION/
 *     *.deb                   the packages as downloaded
 *     made-DIGEST/            vmlinuz and initrd.cpio; the digest names the recipe
 *   current                   name of the folder to boot
 * </pre>
 *
 * Other guests of the same kernel and BusyBox keep their initial RAM disks beside it.
 */
public final class DebianImage {
    /** What /init prints, followed by the kernel's release, before the first prompt. */
    public static final String READY_MARKER = "xenolith: Debian ";

    /** The prompt of the guest's shell. */
    public static final String PROMPT = "root@debian:~# ";

    /** What /init prints, followed by the status, when the command of {@code run=} has ended. */
    public static final String RUN_ENDED = "xenolith: run ended with status ";

    /**
     * The self-tests of the kernel's ciphers are most of its boot on an interpreter, and every
     * cipher is still there without them.
     */
    public static final String COMMAND_LINE = "console=hvc0 cryptomgr.notests";

    private static final String KERNEL_META_PACKAGE = "linux-image-cloud-amd64";
    private static final String BUSYBOX_PACKAGE = "busybox-static";
    private static final Pattern KERNEL_DEPENDENCY =
            Pattern.compile("(linux-image-([0-9][^ ,()]*)) \\(= ([^)]+)\\)");
    private static final String KERNEL = "vmlinuz", INITRD = "initrd.cpio";

    private final ImageCache cache;
    private final AptPackages apt;
    private final InitramfsRecipe recipe;

    DebianImage(Path directory, AptPackages.Programs programs, InitramfsRecipe recipe) {
        this.cache = new ImageCache(directory, "Debian image", ImageCache::deleteOwn);
        this.apt = new AptPackages(cache.directory().resolve("apt"), programs);
        this.recipe = recipe;
    }

    /** The cache of this user, with another initial RAM disk. */
    static DebianImage ofThisUser(InitramfsRecipe recipe) {
        return new DebianImage(
                ImageCache.ofThisUser().resolve("debian"),
                AptPackages.Programs.OF_THE_MACHINE,
                recipe);
    }

    AptPackages apt() {
        return apt;
    }

    /**
     * The boot input, from the cache if there is one; fetched and made otherwise, which takes some
     * 30 MB of download.
     *
     * @throws ImageException when it cannot be had, saying what to do instead
     */
    public static BootInput prepare(Progress progress) throws ImageException {
        return ofThisUser(new DebianInitramfs()).prepare(false, progress);
    }

    /** As {@link #prepare}, but asks Debian's package lists whether there is a newer kernel. */
    public static BootInput prepareLatest(Progress progress) throws ImageException {
        return ofThisUser(new DebianInitramfs()).prepare(true, progress);
    }

    BootInput prepare(boolean latest, Progress progress) throws ImageException {
        try {
            // What is there is complete and stays: taking it needs no lock.
            Optional<Path> release = latest ? Optional.empty() : current();
            if (release.isPresent() && Files.exists(madeIn(release.get()))) {
                return bootInput(madeIn(release.get()));
            }
        } catch (IOException e) {
            throw cache.cannotMake(e);
        }
        return cache.locked(() -> prepareLocked(latest, progress));
    }

    private BootInput prepareLocked(boolean latest, Progress progress) throws IOException {
        Optional<Path> cached = latest ? Optional.empty() : current();
        Path release = cached.isPresent() ? cached.get() : fetch(latest, progress);
        Path made = madeIn(release);
        if (!Files.exists(made)) {
            make(release, made, progress);
        }
        return bootInput(made);
    }

    private Path madeIn(Path release) throws IOException {
        return release.resolve("made-" + recipe.version());
    }

    private BootInput bootInput(Path made) {
        return new BootInput(made.resolve(KERNEL), made.resolve(INITRD), recipe.commandLine());
    }

    private Optional<Path> current() throws IOException {
        Path pointer = cache.directory().resolve("current");
        if (!Files.exists(pointer)) {
            return Optional.empty();
        }
        return Optional.of(cache.directory().resolve(Files.readString(pointer).strip()))
                .filter(Files::isDirectory);
    }

    private void setCurrent(Path release) throws IOException {
        Path partial = cache.directory().resolve("current" + ImageCache.PART);
        Files.writeString(partial, release.getFileName() + "\n");
        Files.move(
                partial,
                cache.directory().resolve("current"),
                StandardCopyOption.ATOMIC_MOVE,
                StandardCopyOption.REPLACE_EXISTING);
    }

    /** Makes sure that the newest kernel that apt knows is in the cache. */
    private Path fetch(boolean latest, Progress progress) throws IOException {
        cache.sweep();
        apt.update(latest, progress);
        try {
            return fetchListed(progress);
        } catch (ImageException e) {
            if (latest) {
                throw e;
            }
            // Lists of this morning may name a file that Debian has replaced since.
            apt.update(true, progress);
            return fetchListed(progress);
        }
    }

    private Path fetchListed(Progress progress) throws IOException {
        AptPackages.Description meta = apt.describe(KERNEL_META_PACKAGE);
        Matcher kernel = KERNEL_DEPENDENCY.matcher(meta.depends());
        if (!kernel.find()) {
            throw new ImageException(
                    "Debian's package %s depends on no kernel: %s"
                            .formatted(meta.identity(), meta.depends()));
        }
        AptPackages.Versioned image =
                new AptPackages.Versioned(kernel.group(1), kernel.group(3).strip());
        AptPackages.Versioned busybox = apt.describe(BUSYBOX_PACKAGE).identity();
        Path release = cache.directory().resolve(folderName(image) + "+" + folderName(busybox));
        if (!Files.exists(release)) {
            cache.inWorkplace(
                    workplace -> {
                        apt.download(List.of(image, busybox), workplace, progress);
                        return workplace;
                    },
                    release);
        }
        setCurrent(release);
        return release;
    }

    /** Unpacks the packages and makes of them what a domain boots. */
    private void make(Path release, Path made, Progress progress) throws IOException {
        cache.sweep();
        cache.inWorkplace(
                workplace -> {
                    Path root = Files.createDirectory(workplace.resolve("root"));
                    unpack(release, root, progress);
                    progress.at(Progress.Step.BUILD, 0);
                    Path result = Files.createDirectory(workplace.resolve("made"));
                    Path kernel = only(root.resolve("boot"), KERNEL + "-");
                    String kernelRelease =
                            kernel.getFileName().toString().substring(KERNEL.length() + 1);
                    KernelModules modules =
                            KernelModules.read(
                                    firstOf(root, "lib/modules", "usr/lib/modules")
                                            .resolve(kernelRelease),
                                    kernelRelease,
                                    recipe.modules());
                    recipe.build(firstOf(root, "bin/busybox", "usr/bin/busybox"), modules)
                            .writeTo(result.resolve(INITRD));
                    Files.move(kernel, result.resolve(KERNEL));
                    progress.at(Progress.Step.BUILD, 1);
                    return result;
                },
                made);
    }

    private void unpack(Path release, Path root, Progress progress) throws IOException {
        progress.at(Progress.Step.UNPACK, 0);
        List<Path> archives = ImageCache.filesIn(release, name -> name.endsWith(".deb"));
        for (int i = 0; i < archives.size(); i++) {
            apt.unpack(archives.get(i), root);
            progress.at(Progress.Step.UNPACK, (i + 1.0) / archives.size());
        }
    }

    private static String folderName(AptPackages.Versioned one) {
        return one.name() + "_" + one.version().replace(':', '%').replace('/', '%');
    }

    /** Where Debian 12 has it, or where a Debian with a merged /usr has it. */
    static Path firstOf(Path root, String... candidates) throws ImageException {
        for (String candidate : candidates) {
            if (Files.exists(root.resolve(candidate))) {
                return root.resolve(candidate);
            }
        }
        throw new ImageException("Debian's packages do not hold /" + candidates[0]);
    }

    private static Path only(Path directory, String start) throws IOException {
        List<Path> found =
                Files.isDirectory(directory)
                        ? ImageCache.filesIn(directory, name -> name.startsWith(start))
                        : List.of();
        if (found.size() != 1) {
            throw new ImageException(
                    "Debian's kernel package holds %d kernels instead of one"
                            .formatted(found.size()));
        }
        return found.getFirst();
    }
}

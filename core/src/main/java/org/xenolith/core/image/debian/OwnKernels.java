package org.xenolith.core.image.debian;

import org.xenolith.core.image.ImageException;
import org.xenolith.guests.GuestImages;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * The kernels that come with Xenolith as files. Their names say what they hold, so that a guest
 * that goes by such a name finds the same kernel after Xenolith was replaced by another version.
 *
 * <p>The cache, {@code $XDG_CACHE_HOME/xenolith/kernels}: {@code NAME-DIGEST.elf}.
 */
public final class OwnKernels {
    private static final int FORMAT = 1;

    private final ImageCache cache;

    OwnKernels(Path directory) {
        cache = new ImageCache(directory, "folder of kernels", ImageCache::deleteOwn);
    }

    /**
     * The file of a kernel, made if it is not there.
     *
     * @param name one of {@link GuestImages#names}
     * @throws ImageException when there is no place for it
     */
    public static Path prepare(String name) throws IOException {
        return new OwnKernels(ImageCache.ofThisUser().resolve("kernels")).file(name);
    }

    Path file(String name) throws IOException {
        byte[] image = GuestImages.read(name);
        String digest = InitramfsRecipe.digest(FORMAT, List.of(image));
        Path file = cache.directory().resolve(name + "-" + digest + ".elf");
        // Complete or not there at all; a file of that name is never changed.
        return Files.exists(file) ? file : cache.locked(() -> make(image, file));
    }

    private Path make(byte[] image, Path file) throws IOException {
        cache.sweep();
        if (!Files.exists(file)) {
            cache.inWorkplace(place -> Files.write(place.resolve("kernel"), image), file);
        }
        return file;
    }
}

package org.xenolith.core.machine;

import org.xenolith.core.image.KernelImage;

import java.io.IOException;
import java.lang.ref.SoftReference;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.HashMap;
import java.util.Map;

/**
 * Kernels and initial RAM disks that guests of this host have in common: a hundred guests of one
 * kernel unpack it once, and one that starts again finds it ready. The heap takes them back when it
 * needs room. Nobody writes to what is handed out.
 */
final class ImageCache {
    /** A file as it was when it was read; one that was changed is another. */
    private record Version(Path file, long size, FileTime modified) {
        static Version of(Path file) throws IOException {
            BasicFileAttributes now = Files.readAttributes(file, BasicFileAttributes.class);
            return new Version(file.toRealPath(), now.size(), now.lastModifiedTime());
        }
    }

    @FunctionalInterface
    private interface Reader<T> {
        T read(Path file) throws IOException;
    }

    private final Map<Version, SoftReference<KernelImage>> kernels = new HashMap<>();
    private final Map<Version, SoftReference<byte[]>> initrds = new HashMap<>();

    /**
     * @throws IOException if the file cannot be read or is no kernel
     */
    synchronized KernelImage kernel(Path file) throws IOException {
        return find(kernels, file, KernelImage::read);
    }

    synchronized byte[] initrd(Path file) throws IOException {
        return find(initrds, file, Files::readAllBytes);
    }

    /** Whoever comes while another one unpacks waits for it. */
    private static <T> T find(Map<Version, SoftReference<T>> cached, Path file, Reader<T> reader)
            throws IOException {
        if (!Files.isRegularFile(file)) {
            return reader.read(file); // which says what is wrong with it
        }
        Version version = Version.of(file);
        SoftReference<T> reference = cached.get(version);
        T image = reference == null ? null : reference.get();
        if (image == null) {
            image = reader.read(file);
            cached.values().removeIf(other -> other.get() == null);
            cached.put(version, new SoftReference<>(image));
        }
        return image;
    }
}

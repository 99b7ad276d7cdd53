package org.xenolith.core.machine;

import org.xenolith.core.image.KernelImage;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.lang.ref.SoftReference;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.Semaphore;

/**
 * Kernels and initial RAM disks that guests of this host have in common: a hundred guests of one
 * kernel unpack it once, and one that starts again finds it ready. The heap takes them back when it
 * needs room. Nobody writes to what is handed out. Thread-safe; who reads one file does not hold up
 * who wants another, up to a few at a time.
 */
final class ImageCache {
    /** Files that are read at a time: each may take some hundred MiB until it is unpacked. */
    private static final int AT_ONCE = 4;

    /** A file as it was when it was read; one that was changed is another. */
    record Version(Path file, long size, FileTime modified) {
        static Version of(Path file) throws IOException {
            BasicFileAttributes now = Files.readAttributes(file, BasicFileAttributes.class);
            return new Version(file.toRealPath(), now.size(), now.lastModifiedTime());
        }
    }

    @FunctionalInterface
    interface Reader<T> {
        T read(Path file) throws IOException;
    }

    private final Semaphore turns = new Semaphore(AT_ONCE);
    private final Images<KernelImage> kernels;
    private final Images<byte[]> initrds;

    ImageCache() {
        this(KernelImage::read, Files::readAllBytes);
    }

    /** With other ways to read, for tests. */
    ImageCache(Reader<KernelImage> kernelReader, Reader<byte[]> initrdReader) {
        kernels = new Images<>(kernelReader);
        initrds = new Images<>(initrdReader);
    }

    /**
     * @throws IOException if the file cannot be read or is no kernel
     */
    KernelImage kernel(Path file) throws IOException {
        return kernels.find(file);
    }

    /** As a file is now, to be had again by {@link #kernel(Version)}; empty for what cannot be. */
    static Optional<Version> version(Path file) {
        try {
            return Files.isRegularFile(file) ? Optional.of(Version.of(file)) : Optional.empty();
        } catch (IOException e) {
            return Optional.empty(); // reading it will say what is wrong with it
        }
    }

    /** A kernel that was read before; empty when its file is another one now. */
    Optional<KernelImage> kernel(Version version) throws IOException {
        return version(version.file).filter(version::equals).isPresent()
                ? Optional.of(kernel(version.file))
                : Optional.empty();
    }

    byte[] initrd(Path file) throws IOException {
        return initrds.find(file);
    }

    /** Images of one kind. */
    private final class Images<T> {
        private final Reader<T> reader;
        private final Map<Version, SoftReference<T>> kept = new HashMap<>();
        private final Map<Version, FutureTask<T>> underWay = new HashMap<>();

        Images(Reader<T> reader) {
            this.reader = reader;
        }

        /** Whoever comes while another one reads the same file waits for it. */
        T find(Path file) throws IOException {
            if (!Files.isRegularFile(file)) {
                return reader.read(file); // which says what is wrong with it
            }
            Version version = Version.of(file);
            FutureTask<T> reading;
            synchronized (this) {
                SoftReference<T> reference = kept.get(version);
                T image = reference == null ? null : reference.get();
                if (image != null) {
                    return image;
                }
                reading =
                        underWay.computeIfAbsent(
                                version, _ -> new FutureTask<>(() -> read(version, file)));
            }
            reading.run(); // nothing, if it runs already
            return resultOf(reading);
        }

        private T read(Version version, Path file) throws IOException {
            T image = null;
            turns.acquireUninterruptibly();
            try {
                image = reader.read(file);
            } finally {
                turns.release();
                end(version, image);
            }
            return image;
        }

        /** An image that could not be read is read anew by the next who wants it. */
        private synchronized void end(Version version, T image) {
            underWay.remove(version);
            kept.values().removeIf(other -> other.get() == null);
            if (image != null) {
                kept.put(version, new SoftReference<>(image));
            }
        }

        private T resultOf(FutureTask<T> reading) throws IOException {
            try {
                return reading.get();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new InterruptedIOException("Interrupted");
            } catch (ExecutionException e) {
                switch (e.getCause()) {
                    case IOException failure -> throw failure;
                    case RuntimeException failure -> throw failure;
                    case Error failure -> throw failure;
                    case null, default -> throw new IllegalStateException("reading failed", e);
                }
            }
        }
    }
}

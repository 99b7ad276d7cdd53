package org.xenolith.core.disk;

import org.xenolith.core.config.DiskSpec;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.HashMap;
import java.util.Map;

/**
 * Directories as disks of many guests: guests that name the same one lean on one image of it, each
 * forgetting in the end what it writes. A guest that starts when the directory has changed gets a
 * new image; those that run keep what they began with.
 */
public final class DirectoryImages {
    private final Map<Path, Made> made = new HashMap<>();

    /**
     * @param state of the directory when the image was made
     */
    private record Made(DiskSpec image, long state) {}

    /**
     * The disk of a guest that starts now.
     *
     * @param disk names a directory
     * @throws IOException as {@link DirectoryDisk#imageOf} does
     */
    public synchronized DiskSpec imageOf(DiskSpec disk) throws IOException {
        Path directory = disk.file().toRealPath();
        long state = State.of(directory);
        Made last = made.get(directory);
        if (last == null || last.state != state || disk.overlay().isPresent()) {
            last = new Made(DirectoryDisk.imageOf(disk), state);
            made.put(directory, last);
        }
        DiskSpec image = last.image;
        return new DiskSpec(
                image.file(),
                image.format(),
                disk.device(),
                disk.readOnly(),
                !disk.readOnly(),
                disk.overlay());
    }

    /** What tells of any change in a directory without reading its files: their change times. */
    private static final class State extends SimpleFileVisitor<Path> {
        private long hash;

        static long of(Path directory) throws IOException {
            State state = new State();
            Files.walkFileTree(directory, state);
            return state.hash;
        }

        @Override
        public FileVisitResult preVisitDirectory(Path path, BasicFileAttributes attributes)
                throws IOException {
            return visitFile(path, attributes);
        }

        @Override
        public FileVisitResult visitFile(Path path, BasicFileAttributes attributes)
                throws IOException {
            Object changed = Files.getAttribute(path, "unix:ctime", LinkOption.NOFOLLOW_LINKS);
            // A sum, since directories list their files in any order.
            hash += 31L * path.hashCode() + changed.hashCode() * 1_000_003L;
            return FileVisitResult.CONTINUE;
        }

        @Override
        public FileVisitResult visitFileFailed(Path path, IOException problem) {
            // The one who makes the image finds it too, and says what it means for a disk.
            return FileVisitResult.CONTINUE;
        }
    }
}

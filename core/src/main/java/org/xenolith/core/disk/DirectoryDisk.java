package org.xenolith.core.disk;

import org.xenolith.core.config.DiskSpec;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import java.util.Optional;

/**
 * A directory of the host as a guest's disk: an ext4 image of it, made by mke2fs without mounting
 * anything, and deleted when this process ends. What the guest writes never reaches the directory.
 */
public final class DirectoryDisk {
    private static final long BLOCK_BYTES = 4096;

    /** Room for what the guest adds; the image is sparse, so it costs nothing until written. */
    private static final long SLACK_BYTES = 512L << 20;

    private static final long SLACK_FILES = 16_384;

    /** Images grow with what the guest writes: not in /tmp, which may be memory. */
    private static final Path SCRATCH = Path.of("/var/tmp");

    /** Where administrators' programs are is not on every user's PATH. */
    private static final List<Path> PROGRAM_FOLDERS =
            List.of(Path.of("/usr/sbin"), Path.of("/sbin"), Path.of("/usr/bin"), Path.of("/bin"));

    private static final String PREFIX = "xenolith-directory-", SUFFIX = ".ext4";

    private DirectoryDisk() {}

    /** Whether a disk is such an image, which nobody can open again when this process has ended. */
    public static boolean isImage(DiskSpec disk) {
        String name = String.valueOf(disk.file().getFileName());
        return SCRATCH.equals(disk.file().getParent())
                && name.startsWith(PREFIX)
                && name.endsWith(SUFFIX);
    }

    /**
     * Makes an image of the directory that a disk names.
     *
     * @return the same disk, as its image
     * @throws IOException with a sentence when the directory cannot be read whole, there is no
     *     mke2fs, or it fails
     */
    public static DiskSpec imageOf(DiskSpec disk) throws IOException {
        return imageOf(disk, PROGRAM_FOLDERS);
    }

    static DiskSpec imageOf(DiskSpec disk, List<Path> programFolders) throws IOException {
        if (disk.overlay().isPresent()) {
            throw new IOException(
                    "The directory "
                            + disk.file()
                            + " cannot have an overlay: each start makes a new image of it");
        }
        Path mke2fs = find("mke2fs", programFolders);
        Content content = Content.of(disk.file());
        Path image = Files.createTempFile(SCRATCH, PREFIX, SUFFIX);
        image.toFile().deleteOnExit();
        fill(mke2fs, image, disk.file(), content);
        return new DiskSpec(
                image,
                Optional.of("raw"),
                disk.device(),
                disk.readOnly(),
                disk.ephemeral(),
                Optional.empty());
    }

    private static void fill(Path mke2fs, Path image, Path directory, Content content)
            throws IOException {
        // No journal: it would guard an image that does not outlive its guest's crash.
        ProcessBuilder command =
                new ProcessBuilder(
                                mke2fs.toString(),
                                "-q",
                                "-F",
                                "-t",
                                "ext4",
                                "-O",
                                "^has_journal",
                                "-b",
                                Long.toString(BLOCK_BYTES),
                                "-N",
                                Long.toString(content.files + SLACK_FILES),
                                "-d",
                                directory.toString(),
                                image.toString(),
                                content.imageBytes() / BLOCK_BYTES + "")
                        .redirectErrorStream(true)
                        .redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")));
        command.environment().put("LC_ALL", "C");
        Process process = command.start();
        try {
            byte[] said = process.getInputStream().readAllBytes();
            if (process.waitFor() != 0) {
                throw new IOException(
                        "mke2fs made no image of "
                                + directory
                                + ": "
                                + lastLine(new String(said, StandardCharsets.UTF_8)));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while mke2fs ran", e);
        } finally {
            // Only alive when we leave early: nobody would wait for it any more.
            process.destroy();
        }
    }

    private static String lastLine(String text) {
        return text.strip().lines().reduce((_, last) -> last).orElse("it does not say why").strip();
    }

    private static Path find(String name, List<Path> folders) throws IOException {
        return folders.stream()
                .map(folder -> folder.resolve(name))
                .filter(Files::isExecutable)
                .findFirst()
                .orElseThrow(
                        () ->
                                new IOException(
                                        "A directory needs "
                                                + name
                                                + " to become a disk: install it (package"
                                                + " e2fsprogs)"));
    }

    /** What is in a directory, counted as a file system will hold it. */
    private static final class Content extends SimpleFileVisitor<Path> {
        private long bytes;
        private long files;

        static Content of(Path directory) throws IOException {
            Content content = new Content();
            try {
                Files.walkFileTree(directory, content);
            } catch (java.nio.file.AccessDeniedException e) {
                throw new IOException(
                        "The directory "
                                + directory
                                + " cannot become a disk: you may not read "
                                + e.getFile(),
                        e);
            }
            return content;
        }

        /** Blocks for data and inodes, a quarter more for what points to them, and the slack. */
        long imageBytes() {
            return (bytes + bytes / 4 + SLACK_BYTES) / BLOCK_BYTES * BLOCK_BYTES;
        }

        @Override
        public FileVisitResult preVisitDirectory(Path path, BasicFileAttributes attributes) {
            count(BLOCK_BYTES);
            return FileVisitResult.CONTINUE;
        }

        @Override
        public FileVisitResult visitFile(Path path, BasicFileAttributes attributes) {
            count(attributes.isRegularFile() ? attributes.size() : 0);
            return FileVisitResult.CONTINUE;
        }

        private void count(long size) {
            files++;
            bytes += size / BLOCK_BYTES * BLOCK_BYTES + BLOCK_BYTES;
        }
    }
}

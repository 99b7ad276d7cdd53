package org.xenolith.devices.filesystem;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.devices.block.BlockImage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;

/**
 * Disks with wrong bytes where the file system keeps its structures. Reading all of them may fail
 * with a sentence; it may not end otherwise, and it may not read without end.
 */
final class HostileFileSystemTest {
    private static final int MEBIBYTE = 1 << 20;
    private static final int MUTANTS = 1500;
    private static final int MAX_FILE_BYTES = 4 * MEBIBYTE;

    /** All that one walk over the small disk may read; a sound one takes less than a hundredth. */
    private static final long MAX_READ_BYTES = 2L << 30;

    @TempDir Path directory;

    private final long seed = Long.getLong("xenolith.seed", System.nanoTime());
    private final Random random = new Random(seed);

    @ParameterizedTest
    @ValueSource(strings = {"ext2", "ext4", "inline_data", "fat12", "fat16"})
    void damagedFileSystemEndsInASentence(String kind) throws IOException {
        System.out.println("mutated " + kind + ", seed " + seed);
        byte[] original = Files.readAllBytes(make(kind));
        int refused = 0;
        for (int i = 0; i < MUTANTS; i++) {
            byte[] mutant = original.clone();
            mutate(mutant);
            MemoryDisk disk = new MemoryDisk(mutant);
            try {
                FileSystem fileSystem = FileSystem.open(Volume.wholeDisk(disk));
                readAll(fileSystem, "/", 0, new HashSet<>());
                BootFiles.find(disk);
            } catch (UnreadableFileSystem e) {
                refused++;
            }
            assertThat(disk.readBytes).as("bytes read, seed %d", seed).isLessThan(MAX_READ_BYTES);
        }
        assertThat(refused).as("mutants that were noticed").isGreaterThan(MUTANTS / 50);
    }

    private void readAll(FileSystem fileSystem, String path, int depth, Set<String> seen)
            throws IOException {
        for (String name : fileSystem.list(path)) {
            String below = path + name;
            if (depth < 4 && seen.size() < 100 && seen.add(below)) {
                readAll(fileSystem, below + "/", depth + 1, seen);
                if (fileSystem.isFile(below)) {
                    fileSystem.read(below, MAX_FILE_BYTES);
                }
            }
        }
    }

    private void mutate(byte[] disk) {
        ByteBuffer bytes = ByteBuffer.wrap(disk);
        for (int i = random.nextInt(24); i >= 0; i--) {
            // Structures are at the beginning; file content, which matters less, behind.
            int at = random.nextInt(random.nextBoolean() ? 4096 : disk.length / 4 - 8);
            if (random.nextBoolean()) {
                at = at / 4 * 4;
            }
            switch (random.nextInt(3)) {
                case 0 -> disk[at] = (byte) random.nextInt();
                case 1 -> bytes.putInt(at, random.nextBoolean() ? -1 : random.nextInt());
                case 2 -> bytes.putInt(at, Integer.reverseBytes(random.nextInt(2000)));
                default -> throw new AssertionError();
            }
        }
    }

    private Path make(String kind) throws IOException {
        Path tree = Files.createDirectory(directory.resolve("tree"));
        DiskMaker.write(
                tree.resolve("boot/grub/grub.cfg"), "menuentry x {\nlinux /boot/vmlinuz-1\n}\n");
        Files.write(tree.resolve("boot/vmlinuz-1"), new byte[700_000]);
        for (int i = 0; i < 30; i++) {
            DiskMaker.write(tree.resolve("dir/file with a name " + i), "content");
        }
        Path image = directory.resolve("disk");
        return switch (kind) {
            case "ext2" -> {
                Files.createSymbolicLink(tree.resolve("link"), Path.of("boot/vmlinuz-1"));
                yield DiskMaker.ext(image, MEBIBYTE, tree, "-t", "ext2", "-b", "1024", "-N", "64");
            }
            case "ext4" ->
                    DiskMaker.ext(
                            image,
                            MEBIBYTE,
                            tree,
                            "-t",
                            "ext4",
                            "-O",
                            "^has_journal",
                            "-b",
                            "1024",
                            "-N",
                            "64");
            case "inline_data" ->
                    DiskMaker.ext(
                            image,
                            MEBIBYTE,
                            tree,
                            "-t",
                            "ext4",
                            "-O",
                            "^has_journal,inline_data",
                            "-b",
                            "1024",
                            "-N",
                            "64");
            case "fat12", "fat16" -> {
                DiskMaker.MKFS_FAT.require();
                DiskMaker.MCOPY.require();
                int sectorsPerCluster = kind.equals("fat12") ? 2 : 1;
                DiskMaker.empty(image, 4 * MEBIBYTE);
                DiskMaker.MKFS_FAT.run("-F", kind.substring(3), "-s", sectorsPerCluster, image);
                DiskMaker.MCOPY.run(
                        "-s", "-i", image, tree.resolve("boot"), tree.resolve("dir"), "::/");
                yield image;
            }
            default -> throw new AssertionError(kind);
        };
    }

    private static final class MemoryDisk implements BlockImage {
        private final byte[] content;
        private long readBytes;

        MemoryDisk(byte[] content) {
            this.content = content;
        }

        @Override
        public long sizeBytes() {
            return content.length;
        }

        @Override
        public boolean isReadOnly() {
            return true;
        }

        @Override
        public void read(long offset, ByteBuffer into) {
            readBytes += into.remaining();
            into.put(content, Math.toIntExact(offset), into.remaining());
        }

        @Override
        public void write(long offset, ByteBuffer from) {
            throw new AssertionError("file systems are only read");
        }

        @Override
        public void discard(long offset, long lengthBytes) {
            throw new AssertionError("file systems are only read");
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    }
}

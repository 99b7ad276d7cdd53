package org.xenolith.devices.block;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;

/** Images that lie. They may be refused, or give a guest wrong data; nothing else may happen. */
final class HostileQcow2Test {
    private static final int CLUSTER_BYTES = 4096;
    private static final int DISK_BYTES = 2 << 20;
    private static final int MUTANTS = 4000;

    @TempDir Path directory;

    private final long seed = Long.getLong("xenolith.seed", System.nanoTime());
    private final Random random = new Random(seed);

    @ParameterizedTest(name = "{2}")
    @CsvSource(
            delimiter = '|',
            value = {
                "4   | int  | 1  | is a qcow image of version 1; versions 2 and 3 can be used",
                "4   | int  | 4  | is a qcow image of version 4; versions 2 and 3 can be used",
                "20  | int  | 8  | is damaged: cluster_bits is 8, not 9 to 21",
                "20  | int  | 22 | is damaged: cluster_bits is 22, not 9 to 21",
                "20  | int  | -1 | is damaged: cluster_bits is 4294967295, not 9 to 21",
                "24  | long | -1 | is damaged: its L1 table is too small for a disk of"
                        + " 18446744073709551615 bytes",
                "32  | int  | 1  | is encrypted, which is not supported",
                "32  | int  | 2  | is encrypted, which is not supported",
                "36  | int  | -1 | is damaged: its L1 table has 4294967295 entries",
                "40  | long | 1  | is damaged: its L1 table does not begin at a cluster",
                "40  | long | 1073741824 | is damaged: its L1 table lies behind the end of the"
                        + " file",
                "48  | long | 0  | is damaged: its refcount table does not begin at a cluster",
                "56  | int  | 0  | is damaged: its refcount table has 0 clusters",
                "56  | int  | -1 | is damaged: its refcount table has 4294967295 clusters",
                "60  | int  | -1 | is damaged: it has 4294967295 snapshots",
                "72  | long | 4  | keeps its data in an external file, which is not supported",
                "72  | long | 8  | is damaged: its compression type 0 contradicts its feature bits",
                "72  | long | 16 | has extended L2 entries, which are not supported",
                "72  | long | 96 | needs features that are not known here: bit 5, bit 6",
                "96  | int  | 7  | is damaged: refcount_order is 7",
                "100 | int  | 99 | is damaged: header_length is 99",
                "100 | int  | -8 | is damaged: header_length is 4294967288",
                "8   | long | -1 | is damaged: the name of its backing file lies outside of the"
                        + " header",
            })
    void wrongHeaderIsRefusedInOneSentence(int offset, String type, long value, String sentence)
            throws IOException {
        UnstableFile file = emptyImage();
        byte[] content = file.content();
        switch (type) {
            case "int" -> ByteBuffer.wrap(content).putInt(offset, (int) value);
            case "long" -> ByteBuffer.wrap(content).putLong(offset, value);
            default -> throw new IllegalArgumentException(type);
        }

        assertThatThrownBy(() -> open(new UnstableFile(content), true))
                .isInstanceOf(ImageRefused.class)
                .hasMessage("unstable file " + sentence);
    }

    @Test
    void unknownFeatureIsCalledByTheNameInTheImage() throws IOException {
        ByteBuffer content = ByteBuffer.wrap(emptyImage().content());
        content.putLong(Qcow2Header.INCOMPATIBLE_FEATURES, 1L << 40);
        content.position(Qcow2Header.VERSION_3_LENGTH).putInt(0x6803f857).putInt(48);
        content.put((byte) 0).put((byte) 40).put("time travel".getBytes(ISO_8859_1));

        assertThatThrownBy(() -> open(new UnstableFile(content.array()), true))
                .hasMessage("unstable file needs features that are not known here: time travel");
    }

    @Test
    void corruptImageCanOnlyBeRead() throws IOException {
        byte[] content = emptyImage().content();
        ByteBuffer.wrap(content).putLong(Qcow2Header.INCOMPATIBLE_FEATURES, Qcow2Header.CORRUPT);

        open(new UnstableFile(content), true).read(0, ByteBuffer.allocate(CLUSTER_BYTES));
        assertThatThrownBy(() -> open(new UnstableFile(content), false))
                .isInstanceOf(ImageRefused.class)
                .hasMessageContaining("is marked as corrupt, so it can only be read");
    }

    @Test
    void dirtyImageIsRepairedWhenItIsOpenedForWriting() throws IOException {
        UnstableFile file = emptyImage();
        BlockImage disk = open(file, false);
        disk.write(0, ByteBuffer.wrap(new byte[100 * CLUSTER_BYTES]));
        disk.close();
        byte[] content = file.content();
        Qcow2Header header = Qcow2Header.read(file);
        ByteBuffer image = ByteBuffer.wrap(content);
        image.putLong(Qcow2Header.INCOMPATIBLE_FEATURES, Qcow2Header.DIRTY);
        int block = (int) image.getLong((int) header.refcountTableOffset());
        image.put(block + 2 * 20, new byte[2 * 50]); // 50 clusters that are used and not counted

        UnstableFile dirty = new UnstableFile(content);
        open(dirty, false).close();

        assertThat(Qcow2Header.read(dirty).isDirty()).isFalse();
        QemuImg.assertClean(Files.write(directory.resolve("repaired.qcow2"), dirty.content()));
    }

    @Test
    void uncountedClustersAreDamageWithoutTheDirtyBit() throws IOException {
        UnstableFile file = emptyImage();
        byte[] content = file.content();
        Qcow2Header header = Qcow2Header.read(file);
        int block = (int) ByteBuffer.wrap(content).getLong((int) header.refcountTableOffset());
        ByteBuffer.wrap(content).putShort(block, (short) 0);

        assertThatThrownBy(() -> open(new UnstableFile(content), false))
                .isInstanceOf(ImageRefused.class)
                .hasMessageStartingWith(
                        "unstable file is damaged: the cluster at 0 is in use and not counted");
    }

    @Test
    void leaksAreFreedUnlessAnUnknownExtensionMayOwnThem() throws IOException {
        for (boolean unknownExtension : new boolean[] {false, true}) {
            UnstableFile file = emptyImage();
            ByteBuffer image = ByteBuffer.wrap(file.content());
            int block = (int) image.getLong((int) Qcow2Header.read(file).refcountTableOffset());
            image.putShort(block + 2 * 40, (short) 1);
            image.putInt(Qcow2Header.VERSION_3_LENGTH, unknownExtension ? 0x12345678 : 0);

            UnstableFile leaking = new UnstableFile(image.array());
            open(leaking, false).close();

            short count = ByteBuffer.wrap(leaking.content()).getShort(block + 2 * 40);
            assertThat(count).isEqualTo((short) (unknownExtension ? 1 : 0));
        }
    }

    @Test
    void dataOverATableIsRefusedForWriting() throws IOException {
        UnstableFile file = emptyImage();
        BlockImage disk = open(file, false);
        disk.write(0, ByteBuffer.wrap(new byte[CLUSTER_BYTES]));
        disk.close();
        byte[] content = file.content();
        Qcow2Header header = Qcow2Header.read(file);
        ByteBuffer image = ByteBuffer.wrap(content);
        long l2 = Qcow2Entry.offset(image.getLong((int) header.l1TableOffset()));
        image.putLong((int) l2, Qcow2Entry.COPIED | header.l1TableOffset());

        assertThatThrownBy(() -> open(new UnstableFile(content), false))
                .isInstanceOf(ImageRefused.class)
                .hasMessage(
                        "unstable file is damaged: data lies over the table at "
                                + header.l1TableOffset());
    }

    @Test
    void clearedBitsTellOthersThatDirtyBitmapsAreStale() throws IOException {
        UnstableFile file = emptyImage();
        byte[] content = file.content();
        ByteBuffer.wrap(content).putLong(Qcow2Header.AUTOCLEAR_FEATURES, 1);
        UnstableFile withBitmaps = new UnstableFile(content);

        open(withBitmaps, false).close();

        assertThat(Qcow2Header.read(withBitmaps).autoclearFeatures()).isZero();
    }

    @Test
    void mutatedImagesAreRefusedOrServeTheirGuestAlone() throws IOException {
        byte[] original = imageWithEverything();
        System.out.println("mutated qcow2 images, seed " + seed);
        int refused = 0;
        for (int i = 0; i < MUTANTS; i++) {
            byte[] mutant = mutate(original.clone());
            refused += survives(mutant, true) ? 0 : 1;
            refused += survives(mutant, false) ? 0 : 1;
        }
        // Neither all nor none: else the test would look at one kind only.
        assertThat(refused).isBetween(MUTANTS / 10, 2 * MUTANTS * 9 / 10);
    }

    /** Uses an image a little; returns false if it refused to be used. Other exceptions pass. */
    private boolean survives(byte[] image, boolean readOnly) {
        UnstableFile file = new UnstableFile(image);
        try (BlockImage disk = open(file, readOnly)) {
            for (int i = 0; i < 20; i++) {
                long offset = randomOffset(disk);
                int length = (int) Math.min(3 * CLUSTER_BYTES, disk.sizeBytes() - offset);
                disk.read(offset, ByteBuffer.allocate(length));
                if (!readOnly) {
                    disk.write(offset, ByteBuffer.allocate(length));
                    disk.discard(offset, length);
                }
            }
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    private long randomOffset(BlockImage disk) {
        long sectors = disk.sizeBytes() / BlockImage.SECTOR_BYTES;
        long limit =
                random.nextBoolean()
                        ? sectors
                        : Math.min(sectors, DISK_BYTES / BlockImage.SECTOR_BYTES);
        return limit == 0 ? 0 : random.nextLong(limit) * BlockImage.SECTOR_BYTES;
    }

    /** Changes some places that matter: header fields, table entries. */
    private byte[] mutate(byte[] image) {
        ByteBuffer bytes = ByteBuffer.wrap(image);
        for (int i = random.nextInt(4); i >= 0; i--) {
            int table = random.nextInt(image.length / CLUSTER_BYTES) * CLUSTER_BYTES;
            switch (random.nextInt(4)) {
                case 0 -> image[random.nextInt(200)] = (byte) random.nextInt();
                case 1 -> bytes.putInt(random.nextInt(28) * 4, (int) anyNumber(image.length));
                case 2 -> bytes.putLong(random.nextInt(14) * 8, anyNumber(image.length));
                case 3 -> bytes.putLong(table + random.nextInt(64) * 8, anyNumber(image.length));
                default -> throw new AssertionError();
            }
        }
        return image;
    }

    private long anyNumber(int imageBytes) {
        long cluster = (long) random.nextInt(imageBytes / CLUSTER_BYTES + 2) * CLUSTER_BYTES;
        return switch (random.nextInt(6)) {
            case 0 -> random.nextLong();
            case 1 -> 1L << random.nextInt(64);
            case 2 -> (1L << random.nextInt(64)) - 1;
            case 3 -> cluster;
            case 4 -> cluster | Qcow2Entry.COPIED;
            case 5 -> cluster | Qcow2Entry.COMPRESSED | random.nextLong() << 56;
            default -> throw new AssertionError();
        };
    }

    /** Plain, compressed, zero and shared clusters, and a snapshot. */
    private byte[] imageWithEverything() throws IOException {
        QemuImg.TOOL.require();
        String text = "compressible ".repeat(DISK_BYTES / 13).substring(0, DISK_BYTES / 2);
        Path raw = Files.writeString(directory.resolve("content.raw"), text);
        Path image = directory.resolve("image.qcow2");
        QemuImg.TOOL.run("convert", "-c", "-O", "qcow2", "-o", "cluster_size=4k", raw, image);
        QemuImg.TOOL.run("resize", "-q", image, DISK_BYTES);
        writePlainClusters(image, 0);
        QemuImg.TOOL.run("snapshot", "-c", "before", image);
        writePlainClusters(image, 20 * CLUSTER_BYTES);
        return Files.readAllBytes(image);
    }

    private void writePlainClusters(Path image, long offset) throws IOException {
        byte[] noise = new byte[40 * CLUSTER_BYTES];
        random.nextBytes(noise);
        try (BlockImage disk = DiskImage.open(image, false)) {
            disk.write(offset, ByteBuffer.wrap(noise));
            disk.discard(offset + 10 * CLUSTER_BYTES, 5 * CLUSTER_BYTES);
        }
    }

    private static UnstableFile emptyImage() throws IOException {
        UnstableFile file = new UnstableFile(new byte[0]);
        new Qcow2.Layout(12, DISK_BYTES, null, null).writeTo(file);
        return file;
    }

    private static BlockImage open(UnstableFile file, boolean readOnly) throws IOException {
        return new Qcow2Image(file, Qcow2Header.read(file), readOnly, null);
    }
}

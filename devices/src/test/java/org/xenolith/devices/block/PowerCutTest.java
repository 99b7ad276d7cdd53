package org.xenolith.devices.block;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.LongBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * The power goes at a random moment, and any subset of what was not synced is lost. Then each
 * sector holds what the last returned flush promised, or something written later; qemu-img finds no
 * error; and after our next open not even a leak.
 */
@Execution(ExecutionMode.CONCURRENT)
final class PowerCutTest {
    /** Each from a new image, because it is growth that puts most at stake. */
    private static final int IMAGES = 2 + 2 * Integer.getInteger("xenolith.dose", 1);

    private static final int CUTS_PER_IMAGE = 6;
    private static final int SECTOR_BYTES = BlockImage.SECTOR_BYTES;
    private static final int SECTORS = 6000;
    private static final int DISK_BYTES = SECTORS * SECTOR_BYTES;
    private static final double[] SURVIVALS = {0, 0.2, 0.5, 0.8, 1};

    @TempDir Path directory;

    private final long seed = Long.getLong("xenolith.seed", System.nanoTime());
    private final Random random = new Random(seed);

    @BeforeAll
    static void requireTools() {
        QemuImg.TOOL.require();
    }

    @BeforeEach
    void printSeed() {
        System.out.println("power cuts, seed " + seed);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            value = {
                "version 3                      | false | compat=1.1",
                "version 2, 4 KiB clusters      | false | compat=0.10,cluster_size=4k",
                "512 byte clusters              | false | cluster_size=512",
                "a refcount table that grows    | false | cluster_size=512,refcount_bits=64",
                "version 3 with an image below  | true  | compat=1.1,cluster_size=4k",
                "version 2 with an image below  | true  | compat=0.10,cluster_size=4k",
            })
    void acknowledgedFlushesSurviveInQcow2(String name, boolean overlay, String options)
            throws IOException {
        for (int i = 0; i < IMAGES; i++) {
            QemuImg.TOOL.run("create", "-q", "-f", "qcow2", "-o", options, disk(), DISK_BYTES);
            Guest guest = new Guest();
            byte[] below = overlay ? guest.contentAtFirst(SECTORS / 2 + 1) : null;
            UnstableFile file = new UnstableFile(Files.readAllBytes(disk()));

            run(guest, file, () -> openQcow2(file, below), this::judgeQcow2);
        }
    }

    @ParameterizedTest(name = "with a snapshot, {0}")
    @CsvSource({"compat=0.10", "cluster_size=4k"})
    void acknowledgedFlushesSurviveOverASnapshot(String options) throws IOException {
        for (int i = 0; i < IMAGES / 2; i++) {
            Guest guest = new Guest();
            Path raw = directory.resolve("content.raw");
            Files.write(raw, guest.contentAtFirst(SECTORS));
            QemuImg.TOOL.run("convert", "-O", "qcow2", "-o", options, raw, disk());
            QemuImg.TOOL.run("snapshot", "-c", "before", disk());
            UnstableFile file = new UnstableFile(Files.readAllBytes(disk()));

            run(guest, file, () -> openQcow2(file, null), this::judgeQcow2);

            Files.write(disk(), file.content());
            QemuImg.TOOL.run("snapshot", "-a", "before", disk());
            QemuImg.assertEqual(disk(), "qcow2", raw);
        }
    }

    /** Growth happens once in the life of an image, so each of its syncs is cut on purpose. */
    @Test
    void refcountTableGrowsThroughPowerCuts() throws IOException {
        String options = "cluster_size=512,refcount_bits=64"; // a table of 4096 clusters
        QemuImg.TOOL.run("create", "-q", "-f", "qcow2", "-o", options, disk(), DISK_BYTES);
        UnstableFile filled = new UnstableFile(Files.readAllBytes(disk()));
        try (BlockImage disk = openQcow2(filled, null)) {
            new Guest().write(disk, 0, 3700); // version 1
        }
        long oldTable = Qcow2Header.read(filled).refcountTableOffset();
        int grown = 0;
        for (int sync = 1; sync <= 30; sync++) {
            for (double survival : new double[] {0.2, 0.5, 0.8}) {
                UnstableFile file = new UnstableFile(filled.content());
                Guest guest = new Guest();
                guest.contentAtFirst(3700);
                BlockImage disk = openQcow2(file, null);
                guest.accept(disk);
                file.cutPowerAtSync(sync);
                try {
                    for (int first = 3700; first + 40 < SECTORS; first += 40) {
                        guest.write(disk, first, 40);
                        guest.flush(disk);
                    }
                } catch (UnstableFile.PowerCut expected) {
                    judgeQcow2(file.powerUp(random, survival), false);
                }
                guest.accept(openQcow2(file, null));
                judgeQcow2(file.content(), true);
                grown += Qcow2Header.read(file).refcountTableOffset() == oldTable ? 0 : 1;
            }
        }
        assertThat(grown).as("cuts after the growth").isBetween(10, 80);
    }

    @Test
    void acknowledgedFlushesSurviveInRawFiles() throws IOException {
        UnstableFile file = new UnstableFile(new byte[DISK_BYTES]);

        run(new Guest(), file, () -> new RawImage(file, false, true), (content, afterOpen) -> {});
    }

    private Path disk() {
        return directory.resolve("disk.qcow2");
    }

    private interface Opener {
        BlockImage open() throws IOException;
    }

    private interface Judge {
        void judge(byte[] content, boolean afterOpen) throws IOException;
    }

    private void run(Guest guest, UnstableFile file, Opener opener, Judge judge)
            throws IOException {
        BlockImage disk = opener.open();
        for (int cut = 0; cut < CUTS_PER_IMAGE; cut++) {
            if (random.nextBoolean()) {
                file.cutPowerAfter(random.nextInt(1 + random.nextInt(4000)));
            } else {
                file.cutPowerAtSync(1 + random.nextInt(10));
            }
            try {
                while (true) {
                    guest.step(disk);
                }
            } catch (UnstableFile.PowerCut expected) {
                double survival = SURVIVALS[random.nextInt(SURVIVALS.length)];
                judge.judge(file.powerUp(random, survival), false);
            }
            disk = opener.open();
            guest.accept(disk);
            judge.judge(file.content(), true);
        }
        disk.close();
        judge.judge(file.content(), true);
    }

    private static BlockImage openQcow2(UnstableFile file, byte[] below) throws IOException {
        BlockImage backing =
                below == null ? null : new RawImage(new UnstableFile(below), true, false);
        return new Qcow2Image(file, Qcow2Header.read(file), false, backing);
    }

    private void judgeQcow2(byte[] content, boolean afterOpen) throws IOException {
        Path image = Files.write(directory.resolve("found.qcow2"), content);
        if (afterOpen) {
            QemuImg.assertClean(image);
        } else {
            QemuImg.assertAtWorstLeaks(image);
        }
    }

    /**
     * Writes sectors that say which version of which sector they are, and knows what may be read.
     */
    private final class Guest {
        private static final int LONGS = SECTOR_BYTES / Long.BYTES;

        /** Versions that each sector may have after a cut: the flushed one first. 0 is zeroes. */
        private final List<List<Integer>> possible = new ArrayList<>();

        private int versions;

        Guest() {
            for (int i = 0; i < SECTORS; i++) {
                possible.add(new ArrayList<>(List.of(0)));
            }
        }

        /** Content to begin with in the first sectors. */
        byte[] contentAtFirst(int sectors) {
            ByteBuffer bytes = ByteBuffer.allocate(sectors * SECTOR_BYTES);
            versions++;
            for (int sector = 0; sector < sectors; sector++) {
                possible.get(sector).set(0, versions);
                putSector(bytes, sector, versions);
            }
            return bytes.array();
        }

        void step(BlockImage disk) throws IOException {
            int dice = random.nextInt(100);
            int first = random.nextInt(possible.size());
            int longest = random.nextInt(10) == 0 ? 300 : 20;
            int count = Math.min(1 + random.nextInt(longest), possible.size() - first);
            if (dice < 65) {
                write(disk, first, count);
            } else if (dice < 85) {
                for (int sector = first; sector < first + count; sector++) {
                    possible.get(sector).add(0);
                }
                disk.discard((long) first * SECTOR_BYTES, (long) count * SECTOR_BYTES);
            } else {
                flush(disk);
            }
        }

        void flush(BlockImage disk) throws IOException {
            disk.flush();
            for (List<Integer> sector : possible) {
                sector.subList(0, sector.size() - 1).clear();
            }
        }

        void write(BlockImage disk, int first, int count) throws IOException {
            versions++;
            ByteBuffer bytes = ByteBuffer.allocate(count * SECTOR_BYTES);
            for (int sector = first; sector < first + count; sector++) {
                possible.get(sector).add(versions);
                putSector(bytes, sector, versions);
            }
            disk.write((long) first * SECTOR_BYTES, bytes.flip());
        }

        /** After a cut: every sector is possible, and from now on what it is. */
        void accept(BlockImage disk) throws IOException {
            ByteBuffer bytes = ByteBuffer.allocate(possible.size() * SECTOR_BYTES);
            disk.read(0, bytes);
            LongBuffer found = bytes.flip().asLongBuffer();
            for (int sector = 0; sector < possible.size(); sector++) {
                long word = found.get(sector * LONGS);
                for (int i = 1; i < LONGS; i++) {
                    assertThat(found.get(sector * LONGS + i))
                            .as("sector %d is whole", sector)
                            .isEqualTo(word);
                }
                int version = (int) (word >>> Integer.SIZE);
                assertThat((int) word).as("owner").isEqualTo(version == 0 ? 0 : sector);
                assertThat(possible.get(sector))
                        .as("sector %d, seed %d", sector, seed)
                        .contains(version);
                possible.set(sector, new ArrayList<>(List.of(version)));
            }
        }

        private void putSector(ByteBuffer into, int sector, int version) {
            for (int i = 0; i < LONGS; i++) {
                into.putLong((long) version << Integer.SIZE | sector);
            }
        }
    }
}

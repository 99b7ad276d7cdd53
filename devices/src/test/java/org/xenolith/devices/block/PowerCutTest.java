package org.xenolith.devices.block;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
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
final class PowerCutTest {
    private static final int CUTS = 60;
    private static final int SECTOR_BYTES = BlockImage.SECTOR_BYTES;
    private static final double[] SURVIVALS = {0, 0.1, 0.5, 0.9, 1};

    @TempDir Path directory;

    private final long seed = Long.getLong("xenolith.seed", System.nanoTime());
    private final Random random = new Random(seed);

    @BeforeAll
    static void requireTools() {
        QemuImg.TOOL.require();
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
        int sectors = 6000;
        Path image = directory.resolve("disk.qcow2");
        QemuImg.TOOL.run(
                "create", "-q", "-f", "qcow2", "-o", options, image, sectors * SECTOR_BYTES);
        Guest guest = new Guest(sectors);
        byte[] below = overlay ? guest.contentAtFirst(sectors / 2 + 1) : null;
        UnstableFile file = new UnstableFile(Files.readAllBytes(image));

        run(guest, file, () -> openQcow2(file, below), this::judgeQcow2);
    }

    @ParameterizedTest(name = "with a snapshot, {0}")
    @CsvSource({"compat=0.10", "cluster_size=4k"})
    void acknowledgedFlushesSurviveOverASnapshot(String options) throws IOException {
        int sectors = 6000;
        Guest guest = new Guest(sectors);
        Path raw = Files.write(directory.resolve("content.raw"), guest.contentAtFirst(sectors));
        Path image = directory.resolve("disk.qcow2");
        QemuImg.TOOL.run("convert", "-O", "qcow2", "-o", options, raw, image);
        QemuImg.TOOL.run("snapshot", "-c", "before", image);
        UnstableFile file = new UnstableFile(Files.readAllBytes(image));

        run(guest, file, () -> openQcow2(file, null), this::judgeQcow2);

        Files.write(image, file.content());
        QemuImg.TOOL.run("snapshot", "-a", "before", image);
        QemuImg.assertEqual(image, "qcow2", raw);
    }

    @ParameterizedTest(name = "raw, {0} sectors")
    @CsvSource("6000")
    void acknowledgedFlushesSurviveInRawFiles(int sectors) throws IOException {
        UnstableFile file = new UnstableFile(new byte[sectors * SECTOR_BYTES]);

        run(
                new Guest(sectors),
                file,
                () -> new RawImage(file, false, true),
                (content, strict) -> {});
    }

    private interface Opener {
        BlockImage open() throws IOException;
    }

    private interface Judge {
        void judge(byte[] content, boolean afterOpen) throws IOException;
    }

    private void run(Guest guest, UnstableFile file, Opener opener, Judge judge)
            throws IOException {
        System.out.println("power cuts, seed " + seed);
        BlockImage disk = opener.open();
        for (int cut = 0; cut < CUTS; cut++) {
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

        Guest(int sectors) {
            for (int i = 0; i < sectors; i++) {
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
                versions++;
                ByteBuffer bytes = ByteBuffer.allocate(count * SECTOR_BYTES);
                for (int sector = first; sector < first + count; sector++) {
                    possible.get(sector).add(versions);
                    putSector(bytes, sector, versions);
                }
                disk.write((long) first * SECTOR_BYTES, bytes.flip());
            } else if (dice < 85) {
                for (int sector = first; sector < first + count; sector++) {
                    possible.get(sector).add(0);
                }
                disk.discard((long) first * SECTOR_BYTES, (long) count * SECTOR_BYTES);
            } else {
                disk.flush();
                for (List<Integer> sector : possible) {
                    sector.subList(0, sector.size() - 1).clear();
                }
            }
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

package org.xenolith.devices.block;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;

/** One record of a guest's writes, cut at many moments; and that a broken promise is seen. */
final class RecordedPowerCutsTest {
    private static final int DISK_BYTES = 2 << 20;
    private static final int STEPS = 400;
    private static final int CUTS = 24;

    @TempDir private Path folder;

    private final long seed = Long.getLong("xenolith.seed", System.nanoTime());
    private final Random random = new Random(seed);

    private RecordedDisk overlay() throws IOException {
        QemuImg.TOOL.require();
        byte[] content = new byte[DISK_BYTES];
        random.nextBytes(content);
        Path base = Files.write(folder.resolve("base.raw"), content);
        Path overlay = folder.resolve("overlay.qcow2");
        Qcow2.create(overlay, DISK_BYTES, base, ImageFormat.RAW);
        return new RecordedDisk(overlay);
    }

    private void step(BlockImage disk) throws IOException {
        int sectors = 1 + random.nextInt(64);
        long offset =
                (long) random.nextInt(DISK_BYTES / BlockImage.SECTOR_BYTES - sectors)
                        * BlockImage.SECTOR_BYTES;
        byte[] bytes = new byte[sectors * BlockImage.SECTOR_BYTES];
        random.nextBytes(bytes);
        int dice = random.nextInt(10);
        if (dice == 0) {
            disk.discard(offset, bytes.length);
        } else if (dice < 3) {
            disk.flush();
        } else {
            disk.write(offset, ByteBuffer.wrap(bytes));
        }
    }

    @Test
    void everyCutOfARecordLeavesWhatWasPromised() throws IOException {
        System.out.println("recorded power cuts, seed " + seed);
        RecordedDisk disk = overlay();
        for (int i = 0; i < STEPS; i++) {
            step(disk);
        }
        PowerCuts cuts = new PowerCuts(disk);
        for (int cut = 1; cut <= CUTS; cut++) {
            cuts.advanceTo(cuts.size() * cut / CUTS);
            byte[] found = cuts.found(random, cut % 5 / 4.0);
            Path image = Files.write(folder.resolve("found.qcow2"), found);
            QemuImg.assertAtWorstLeaks(image);
            try (BlockImage reopened = DiskImage.open(image, false)) {
                cuts.requirePromises(reopened);
            }
            QemuImg.assertClean(image);
        }
        assertThat(cuts.promisedSectors()).isPositive();
    }

    @Test
    void sectorThatIsNotWhatWasPromisedIsSeen() throws IOException {
        RecordedDisk disk = overlay();
        byte[] bytes = new byte[BlockImage.SECTOR_BYTES];
        random.nextBytes(bytes);
        disk.write(0, ByteBuffer.wrap(bytes));
        disk.flush();
        random.nextBytes(bytes);
        disk.write(0, ByteBuffer.wrap(bytes));
        PowerCuts cuts = new PowerCuts(disk);
        cuts.advanceTo(cuts.size());
        for (double survival : new double[] {0, 1}) {
            try (BlockImage found = reopened(cuts.found(random, survival))) {
                cuts.requirePromises(found);
                found.write(0, ByteBuffer.allocate(BlockImage.SECTOR_BYTES));
                assertThatThrownBy(() -> cuts.requirePromises(found)).hasMessageContaining("[0]");
            }
        }
        try (BlockImage first = reopened(disk.fileAtFirst())) {
            assertThatThrownBy(() -> cuts.requirePromises(first))
                    .as("the content before the flush")
                    .hasMessageContaining("[0]");
        }
    }

    private BlockImage reopened(byte[] file) throws IOException {
        return DiskImage.open(Files.write(folder.resolve("found.qcow2"), file), false);
    }

    @Test
    void writeBesideAPromisedOneMayBeFoundToo() {
        SectorHistory history = new SectorHistory(new long[] {7, 7});
        SectorWrite first = new SectorWrite(0, sector(1), 0);
        SectorWrite beside = new SectorWrite(0, sector(2), 1);
        history.begun(first);
        history.begun(beside);
        first.done(2);
        history.done(first);
        history.flushed(3);
        assertThat(history.allows(0, 7)).as("as it was at first").isFalse();
        assertThat(history.allows(0, first.digest(0))).isTrue();
        assertThat(history.allows(0, beside.digest(0))).isTrue();
        assertThat(history.allows(1, 7)).as("nobody wrote it").isTrue();
        beside.done(4);
        history.done(beside);
        history.flushed(5);
        assertThat(history.allows(0, first.digest(0))).as("nobody knows which was last").isTrue();
        SectorWrite last = new SectorWrite(0, sector(3), 6);
        history.begun(last);
        assertThat(history.allows(0, first.digest(0))).isTrue();
        last.done(7);
        history.done(last);
        history.flushed(8);
        assertThat(history.allows(0, first.digest(0))).isFalse();
        assertThat(history.allows(0, last.digest(0))).isTrue();
    }

    private static ByteBuffer sector(int fill) {
        return ByteBuffer.allocate(BlockImage.SECTOR_BYTES).put(0, (byte) fill);
    }
}

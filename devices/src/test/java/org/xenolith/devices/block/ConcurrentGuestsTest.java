package org.xenolith.devices.block;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Many requests at once, as a block backend has them: neighbours share clusters, not sectors. */
final class ConcurrentGuestsTest {
    private static final int THREADS = 6;
    private static final int STEPS = 1500;
    private static final int SLICE_BYTES = 77 * 4096 + 5 * BlockImage.SECTOR_BYTES;

    @TempDir Path directory;

    private final long seed = Long.getLong("xenolith.seed", System.nanoTime());

    @BeforeAll
    static void requireTools() {
        QemuImg.TOOL.require();
    }

    @ParameterizedTest
    @CsvSource({"cluster_size=4k", "cluster_size=64k", "cluster_size=512"})
    void requestsOfManyThreadsDoNotDisturbEachOther(String options)
            throws IOException, InterruptedException, ExecutionException {
        System.out.println("concurrent guests, seed " + seed);
        Path image = directory.resolve("disk.qcow2");
        QemuImg.TOOL.run(
                "create", "-q", "-f", "qcow2", "-o", options, image, THREADS * SLICE_BYTES);
        List<DiskModel> models = new ArrayList<>();
        try (BlockImage disk = DiskImage.open(image, false);
                ExecutorService threads = Executors.newFixedThreadPool(THREADS)) {
            List<Future<?>> guests = new ArrayList<>();
            for (int i = 0; i < THREADS; i++) {
                DiskModel model = new DiskModel(new byte[SLICE_BYTES], 4096, new Random(seed + i));
                Slice slice = new Slice(disk, (long) i * SLICE_BYTES);
                models.add(model);
                guests.add(threads.submit(() -> run(model, slice)));
            }
            for (Future<?> guest : guests) {
                guest.get();
            }
        }
        QemuImg.assertClean(image);
        try (BlockImage disk = DiskImage.open(image, true)) {
            for (int i = 0; i < THREADS; i++) {
                models.get(i).assertEqualTo(new Slice(disk, (long) i * SLICE_BYTES));
            }
        }
    }

    private static Void run(DiskModel model, BlockImage disk) throws IOException {
        for (int step = 0; step < STEPS; step++) {
            model.step(disk);
        }
        return null;
    }

    /** A part of a disk. */
    private record Slice(BlockImage disk, long start) implements BlockImage {
        @Override
        public long sizeBytes() {
            return SLICE_BYTES;
        }

        @Override
        public boolean isReadOnly() {
            return disk.isReadOnly();
        }

        @Override
        public void read(long offset, ByteBuffer into) throws IOException {
            disk.read(start + offset, into);
        }

        @Override
        public void write(long offset, ByteBuffer from) throws IOException {
            disk.write(start + offset, from);
        }

        @Override
        public void discard(long offset, long lengthBytes) throws IOException {
            disk.discard(start + offset, lengthBytes);
        }

        @Override
        public void flush() throws IOException {
            disk.flush();
        }

        @Override
        public void close() {
            // The disk belongs to the test.
        }
    }
}

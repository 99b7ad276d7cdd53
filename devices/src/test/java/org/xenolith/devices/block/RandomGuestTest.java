package org.xenolith.devices.block;

import static java.nio.charset.StandardCharsets.UTF_8;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;

/**
 * 2,000 random steps of a guest, 10,000 before a change lands; then qemu-img has to agree with a
 * model, and so have we.
 */
@Execution(ExecutionMode.CONCURRENT)
final class RandomGuestTest {
    private static final int STEPS = 2_000 * Integer.getInteger("xenolith.dose", 1);

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
                "version 2, 64 KiB clusters                | 65536 | compat=0.10",
                "version 3, 64 KiB clusters                | 65536 | compat=1.1",
                "version 2, 512 byte clusters              | 512   | compat=0.10,cluster_size=512",
                "version 3, 512 byte clusters              | 512   | compat=1.1,cluster_size=512",
                "version 3, 4 KiB clusters                 | 4096  | compat=1.1,cluster_size=4k",
                "version 3, 2 MiB clusters                 | 2097152 | compat=1.1,cluster_size=2M",
                "lazy refcounts                            | 65536 | compat=1.1,lazy_refcounts=on",
                "refcounts of 1 bit                        | 4096  |"
                        + " cluster_size=4k,refcount_bits=1",
                "refcounts of 2 bits                       | 512   |"
                        + " cluster_size=512,refcount_bits=2",
                "refcounts of 4 bits                       | 4096  |"
                        + " cluster_size=4k,refcount_bits=4",
                "refcounts of 8 bits                       | 512   |"
                        + " cluster_size=512,refcount_bits=8",
                "refcounts of 32 bits                      | 4096  |"
                        + " cluster_size=4k,refcount_bits=32",
                "refcounts of 64 bits                      | 512   |"
                        + " cluster_size=512,refcount_bits=64",
                "all metadata made beforehand              | 65536 | preallocation=metadata",
            })
    void emptyImageIsCleanAndEqualToTheModel(String name, int clusterBytes, String options)
            throws IOException {
        Path image = directory.resolve("disk.qcow2");
        byte[] content = new byte[sizeFor(clusterBytes)];
        QemuImg.TOOL.run("create", "-q", "-f", "qcow2", "-o", options, image, content.length);

        judge(image, "qcow2", new DiskModel(content, clusterBytes, random));
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            value = {
                "version 2, raw below                | raw   | 65536 | compat=0.10",
                "version 3, raw below                | raw   | 65536 | compat=1.1",
                "version 2, qcow2 below              | qcow2 | 4096  | compat=0.10,cluster_size=4k",
                "version 3, qcow2 below              | qcow2 | 4096  | compat=1.1,cluster_size=4k",
                "version 3, 512 byte clusters        | qcow2 | 512   | compat=1.1,cluster_size=512",
            })
    void overlayOfAShorterImageIsCleanAndEqualToTheModel(
            String name, String below, int clusterBytes, String options) throws IOException {
        byte[] content = new byte[sizeFor(clusterBytes)];
        // Ends within a cluster of the overlay.
        int belowBytes = content.length / 2 + 3 * BlockImage.SECTOR_BYTES;
        Path raw = Files.write(directory.resolve("content.raw"), noise(belowBytes));
        System.arraycopy(Files.readAllBytes(raw), 0, content, 0, belowBytes);
        QemuImg.TOOL.run("convert", "-O", below, raw, directory.resolve("below." + below));
        Path image = directory.resolve("disk.qcow2");
        QemuImg.TOOL.run(
                "create",
                "-q",
                "-f",
                "qcow2",
                "-o",
                options,
                "-F",
                below,
                "-b",
                "below." + below,
                image,
                content.length);

        judge(image, "qcow2", new DiskModel(content, clusterBytes, random));
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            value = {
                "zlib, version 2               | 65536   | compat=0.10",
                "zlib, version 3               | 65536   | compression_type=zlib",
                "zlib, 512 byte clusters       | 512     | cluster_size=512",
                "zlib, 4 KiB clusters          | 4096    | cluster_size=4k",
                "zlib, 2 MiB clusters          | 2097152 | cluster_size=2M",
                "zstd                          | 65536   | compression_type=zstd",
                "zstd, 4 KiB clusters          | 4096    | compression_type=zstd,cluster_size=4k",
            })
    void compressedImageIsCleanAndEqualToTheModel(String name, int clusterBytes, String options)
            throws IOException {
        byte[] content = compressible(sizeFor(clusterBytes));
        Path raw = Files.write(directory.resolve("content.raw"), content);
        Path image = directory.resolve("disk.qcow2");
        QemuImg.TOOL.run("convert", "-c", "-O", "qcow2", "-o", options, raw, image);

        judge(image, "qcow2", new DiskModel(content, clusterBytes, random));
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            value = {
                "version 2               | 65536   | compat=0.10",
                "version 3               | 4096    | cluster_size=4k",
            })
    void imageWithSnapshotsKeepsThem(String name, int clusterBytes, String options)
            throws IOException {
        byte[] content = noise(sizeFor(clusterBytes));
        Path raw = Files.write(directory.resolve("content.raw"), content);
        Path image = directory.resolve("disk.qcow2");
        QemuImg.TOOL.run("convert", "-O", "qcow2", "-o", options, raw, image);
        QemuImg.TOOL.run("snapshot", "-c", "before", image);
        judge(image, "qcow2", new DiskModel(content.clone(), clusterBytes, random));

        QemuImg.TOOL.run("snapshot", "-a", "before", image);

        QemuImg.assertClean(image);
        QemuImg.assertEqual(image, "qcow2", raw);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({"512", "4096", "65536", "2097152"})
    void imageMadeByUsIsCleanAndEqualToTheModel(int clusterBytes) throws IOException {
        byte[] content = new byte[sizeFor(clusterBytes)];
        Path image = Files.createFile(directory.resolve("disk.qcow2"));
        int clusterBits = Integer.numberOfTrailingZeros(clusterBytes);
        try (ImageFile file = HostFile.open(image, false)) {
            new Qcow2.Layout(clusterBits, content.length, null, null).writeTo(file);
        }
        QemuImg.assertClean(image);

        judge(image, "qcow2", new DiskModel(content, clusterBytes, random));
    }

    @ParameterizedTest(name = "raw file")
    @CsvSource("4096")
    void rawFileIsEqualToTheModel(int clusterBytes) throws IOException {
        byte[] content = new byte[sizeFor(clusterBytes)];
        Path image = Files.write(directory.resolve("disk.raw"), content);

        judge(image, "raw", new DiskModel(content, clusterBytes, random));
    }

    private void judge(Path image, String format, DiskModel model) throws IOException {
        System.out.println("random guest on " + format + ", seed " + seed);
        for (int part = 0; part < 4; part++) { // opened anew in between
            try (BlockImage disk = DiskImage.open(image, false)) {
                model.assertEqualTo(disk);
                for (int step = 0; step < STEPS / 4; step++) {
                    model.step(disk);
                }
            }
            if (format.equals("qcow2")) {
                QemuImg.assertClean(image);
            }
        }
        QemuImg.assertEqual(image, format, model.writeTo(directory.resolve("model.raw")));
        try (BlockImage disk = DiskImage.open(image, true)) {
            model.assertEqualTo(disk);
        }
    }

    /** Some hundred clusters, and no whole number of them. */
    private static int sizeFor(int clusterBytes) {
        int bytes = Math.clamp(clusterBytes * 300L, 3 << 20, 24 << 20);
        return bytes + 7 * BlockImage.SECTOR_BYTES;
    }

    private byte[] noise(int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }

    private byte[] compressible(int length) {
        StringBuilder text = new StringBuilder();
        while (text.length() < length) {
            text.append("word ".repeat(random.nextInt(20))).append(random.nextInt());
        }
        return text.substring(0, length).getBytes(UTF_8);
    }
}

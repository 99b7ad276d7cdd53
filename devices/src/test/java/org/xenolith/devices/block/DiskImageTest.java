package org.xenolith.devices.block;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.xenolith.devices.host.HostNeeds;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.NonWritableChannelException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

final class DiskImageTest {
    private static final int MEBIBYTE = 1 << 20;
    private static final String QCOW_MAGIC = "QFI\u00fb";

    @TempDir Path directory;

    @Test
    void rawSizeIsRoundedUpToSectorsAndTheRestReadsAsZeroes() throws IOException {
        Path path = Files.write(directory.resolve("disk.raw"), filled(1000, 'x'));

        try (BlockImage disk = DiskImage.open(path, true)) {
            assertThat(disk.sizeBytes()).isEqualTo(1024);
            assertThat(read(disk, 990, 34)).isEqualTo("x".repeat(10) + "\0".repeat(24));
        }
        assertThat(Files.size(path)).isEqualTo(1000);
    }

    @Test
    void rawFileGrowsWhenItsPartialSectorIsWritten() throws IOException {
        Path path = Files.write(directory.resolve("disk.raw"), filled(1000, 'x'));

        try (BlockImage disk = DiskImage.open(path, false)) {
            write(disk, 512, "y".repeat(512));
        }

        assertThat(Files.readString(path)).isEqualTo("x".repeat(512) + "y".repeat(512));
    }

    @Test
    void discardedRangeOfARawFileTakesNoRoom() throws IOException {
        Path path = Files.write(directory.resolve("disk.raw"), filled(4 * MEBIBYTE, 'x'));

        try (BlockImage disk = DiskImage.open(path, false)) {
            disk.discard(512, 4 * MEBIBYTE - 1024);
            assertThat(read(disk, 511, 2)).isEqualTo("x\0");
            assertThat(read(disk, 4 * MEBIBYTE - 513, 2)).isEqualTo("\0x");
        }
        assertThat(allocatedBytes(path)).isLessThan(64 << 10);
    }

    @Test
    void discardedRangeOfAQcow2ImageTakesNoRoom() throws IOException {
        Path path = directory.resolve("disk.qcow2");
        Qcow2.create(path, 4 * MEBIBYTE);

        try (BlockImage disk = DiskImage.open(path, false)) {
            write(disk, 0, "x".repeat(4 * MEBIBYTE));
            disk.flush();
            assertThat(allocatedBytes(path)).isGreaterThan(4 * MEBIBYTE);
            disk.discard(0, 4 * MEBIBYTE);
        }
        assertThat(allocatedBytes(path)).isLessThan(512 << 10);
    }

    @Test
    void rangesOutsideOfTheDiskAreRefused() throws IOException {
        Path raw = Files.write(directory.resolve("disk.raw"), filled(MEBIBYTE, 'x'));
        Path qcow2 = directory.resolve("disk.qcow2");
        Qcow2.create(qcow2, MEBIBYTE);

        for (Path path : new Path[] {raw, qcow2}) {
            try (BlockImage disk = DiskImage.open(path, false)) {
                assertThatThrownBy(() -> read(disk, MEBIBYTE - 1, 2))
                        .isInstanceOf(IndexOutOfBoundsException.class);
                assertThatThrownBy(() -> write(disk, -1, "x"))
                        .isInstanceOf(IndexOutOfBoundsException.class);
                assertThatThrownBy(() -> disk.discard(1, MEBIBYTE))
                        .isInstanceOf(IndexOutOfBoundsException.class);
            }
        }
    }

    @Test
    void readOnlyDisksRefuseWrites() throws IOException {
        Path raw = Files.write(directory.resolve("disk.raw"), filled(MEBIBYTE, 'x'));
        Path qcow2 = directory.resolve("disk.qcow2");
        Qcow2.create(qcow2, MEBIBYTE);

        for (Path path : new Path[] {raw, qcow2}) {
            try (BlockImage disk = DiskImage.open(path, true)) {
                assertThat(disk.isReadOnly()).isTrue();
                assertThatThrownBy(() -> write(disk, 0, "y"))
                        .isInstanceOf(NonWritableChannelException.class);
                assertThatThrownBy(() -> disk.discard(0, 512))
                        .isInstanceOf(NonWritableChannelException.class);
                disk.flush();
            }
        }
    }

    @Test
    void secondWriterIsRefusedInOneSentence() throws IOException {
        Path path = Files.write(directory.resolve("disk.raw"), filled(MEBIBYTE, 'x'));

        try (BlockImage writer = DiskImage.open(path, false)) {
            assertThatThrownBy(() -> DiskImage.open(path, false))
                    .isInstanceOf(ImageRefused.class)
                    .hasMessage(path + " is in use: it is open for writing elsewhere");
            assertThatThrownBy(() -> DiskImage.open(path, true))
                    .hasMessage(path + " is in use: it is open for writing elsewhere");
            write(writer, 0, "still ours");
        }
        DiskImage.open(path, false).close();
    }

    @Test
    void readersShareAnImageAndKeepWritersOut() throws IOException {
        Path path = Files.write(directory.resolve("disk.raw"), filled(MEBIBYTE, 'x'));

        try (BlockImage reader = DiskImage.open(path, true);
                BlockImage another = DiskImage.open(path, true)) {
            assertThat(read(reader, 0, 1)).isEqualTo(read(another, 0, 1));
            assertThatThrownBy(() -> DiskImage.open(path, false))
                    .hasMessage(
                            path + " is in use: it is open elsewhere, so it cannot be written to");
        }
    }

    @Test
    void qemuRespectsOurLock() throws IOException {
        QemuImg.TOOL.require();
        Path path = directory.resolve("disk.qcow2");
        Qcow2.create(path, MEBIBYTE);

        try (BlockImage writer = DiskImage.open(path, false)) {
            assertThat(QemuImg.TOOL.tryRun("check", path).output()).contains("Failed to get");
        }
        QemuImg.assertClean(path);
    }

    @Test
    void endOfAHugeThinDiskCanBeWritten() throws IOException {
        QemuImg.TOOL.require();
        Path path = directory.resolve("disk.qcow2");
        long sizeBytes = 10L << 40;
        QemuImg.TOOL.run("create", "-q", "-f", "qcow2", path, sizeBytes);

        try (BlockImage disk = DiskImage.open(path, false)) {
            write(disk, sizeBytes - 3, "end");
            disk.discard(0, sizeBytes - 512);
            assertThat(read(disk, sizeBytes - 4, 4)).isEqualTo("\0end");
        }
        QemuImg.assertClean(path);
        assertThat(allocatedBytes(path)).isLessThan(MEBIBYTE);
    }

    @Test
    void blockDeviceIsADiskLikeAFile() throws IOException {
        Path file = Files.write(directory.resolve("disk.raw"), filled(MEBIBYTE, 'x'));
        HostTool losetup = new HostTool("losetup", "mount");
        HostTool.Result loop = losetup.tryRun("--find", "--show", file);
        HostNeeds.skipWithout(loop.status() == 0, "a loop device: " + loop.output());
        Path device = Path.of(loop.output().strip());
        try {
            try (BlockImage disk = DiskImage.open(device, false)) {
                assertThat(disk.sizeBytes()).isEqualTo(MEBIBYTE);
                write(disk, MEBIBYTE - 4, "last");
                disk.discard(0, MEBIBYTE / 2);
                disk.flush();
                assertThat(read(disk, MEBIBYTE / 2 - 1, 2)).isEqualTo("\0x");
            }
        } finally {
            losetup.run("--detach", device);
        }
        assertThat(Files.readString(file)).startsWith("\0\0").endsWith("xlast");
    }

    @Test
    void guestCannotTurnAProbedRawDiskIntoQcow2() throws IOException {
        Path path = Files.write(directory.resolve("disk.raw"), new byte[MEBIBYTE]);

        try (BlockImage disk = DiskImage.open(path, false)) {
            assertThatThrownBy(() -> write(disk, 0, QCOW_MAGIC + "header"))
                    .isInstanceOf(ImageRefused.class)
                    .hasMessageContaining("was taken for a raw disk without being told so");
            write(disk, 0, QCOW_MAGIC.substring(0, 2));
            assertThatThrownBy(() -> write(disk, 2, QCOW_MAGIC.substring(2)))
                    .isInstanceOf(ImageRefused.class);
            write(disk, 4, QCOW_MAGIC); // elsewhere it is only data
        }
        try (BlockImage disk = DiskImage.open(path, false, ImageFormat.RAW)) {
            write(disk, 0, QCOW_MAGIC);
        }
        try (BlockImage disk = DiskImage.open(path, false, ImageFormat.RAW)) {
            assertThat(read(disk, 0, 4)).isEqualTo(QCOW_MAGIC);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "vmdk, VMDK",
        "vdi, VDI",
        "vhdx, VHDX",
        "vpc, VHD",
        "qed, QED",
        "parallels, Parallels",
        "vmdk -o subformat=monolithicFlat, VMDK",
        "vpc -o subformat=fixed, VHD"
    })
    void imageOfAnotherFormatIsNoRawDiskUnlessItsOwnerSaysSo(String format, String name)
            throws IOException {
        QemuImg.TOOL.require();
        Path path = directory.resolve("t.img");
        List<Object> create = new ArrayList<>(List.of("create", "-q", "-f"));
        create.addAll(List.of(format.split(" ")));
        create.addAll(List.of(path, "2M"));
        QemuImg.TOOL.run(create.toArray());

        assertThatThrownBy(() -> DiskImage.open(path, false))
                .isInstanceOf(ImageRefused.class)
                .hasMessageStartingWith(path + " is a " + name + " image; raw and qcow2")
                .hasMessageContaining("convert it with qemu-img convert");
        assertThatThrownBy(() -> DiskImage.formatOf(path)).isInstanceOf(ImageRefused.class);
        DiskImage.open(path, false, ImageFormat.RAW).close();
    }

    @Test
    void overlayIsFoundBelowItsOwnDirectory() throws IOException {
        Path base = Files.write(directory.resolve("base.raw"), filled(MEBIBYTE, 'b'));
        Path overlay = Files.createDirectory(directory.resolve("guests")).resolve("one.qcow2");
        Qcow2.create(overlay, 2 * MEBIBYTE, Path.of("../base.raw"), ImageFormat.RAW);

        try (BlockImage disk = DiskImage.open(overlay, false)) {
            write(disk, 100, "overlay");
            assertThat(read(disk, 99, 9)).isEqualTo("boverlayb");
            assertThat(read(disk, MEBIBYTE - 1, 2)).isEqualTo("b\0");
        }
        assertThat(Files.readAllBytes(base)).containsOnly('b');
    }

    @Test
    void closeWritesNothingToADiskThatIsSettled() throws Exception {
        Path base = directory.resolve("base.qcow2");
        Qcow2.create(base, 4 * MEBIBYTE);
        try (BlockImage disk = DiskImage.open(base, false)) {
            write(disk, 0, "x".repeat(MEBIBYTE));
            disk.flush();
            disk.discard(0, MEBIBYTE / 2);
            write(disk, 3 * MEBIBYTE, "y".repeat(512));
            disk.settle();
            byte[] settled = Files.readAllBytes(base);
            FileTime modified = Files.getLastModifiedTime(base);
            disk.close();
            assertThat(Files.readAllBytes(base)).isEqualTo(settled);
            assertThat(Files.getLastModifiedTime(base)).isEqualTo(modified);
        }
    }

    @Test
    void chainThatLeadsBackToItselfIsRefused() throws IOException {
        Path first = directory.resolve("first.qcow2");
        Path second = directory.resolve("second.qcow2");
        Qcow2.create(first, MEBIBYTE, second, ImageFormat.QCOW2);
        Qcow2.create(second, MEBIBYTE, first, ImageFormat.QCOW2);

        assertThatThrownBy(() -> DiskImage.open(first, false))
                .isInstanceOf(ImageRefused.class)
                .hasMessage(first + " is, over backing files, its own backing file");
    }

    @Test
    void chainThatIsTooDeepIsRefusedAndLocksNothing() throws IOException {
        Path base = Files.write(directory.resolve("0"), new byte[MEBIBYTE]);
        for (int i = 1; i <= DiskImage.MAX_CHAIN; i++) {
            Qcow2.create(
                    directory.resolve("" + i),
                    MEBIBYTE,
                    Path.of("" + (i - 1)),
                    i == 1 ? ImageFormat.RAW : ImageFormat.QCOW2);
        }
        Path top = directory.resolve("" + DiskImage.MAX_CHAIN);

        assertThatThrownBy(() -> DiskImage.open(top, false))
                .isInstanceOf(ImageRefused.class)
                .hasMessage(top + " has more than 32 images below it");
        DiskImage.open(base, false).close();
        DiskImage.open(directory.resolve("31"), false).close();
    }

    @Test
    void missingImagesAreNamed() throws IOException {
        Path overlay = directory.resolve("overlay.qcow2");
        Qcow2.create(overlay, MEBIBYTE, Path.of("gone.raw"), ImageFormat.RAW);

        assertThatThrownBy(() -> DiskImage.open(directory.resolve("none.raw"), false))
                .hasMessage("There is no disk image " + directory.resolve("none.raw"));
        assertThatThrownBy(() -> DiskImage.open(overlay, false))
                .hasMessage(
                        "There is no disk image %s, the backing file of %s"
                                .formatted(directory.resolve("gone.raw"), overlay));
        assertThatThrownBy(() -> DiskImage.open(directory, false))
                .hasMessage(directory + " is neither a file nor a block device");
    }

    @Test
    void backingFilesOverTheNetworkAreRefused() throws IOException {
        Path overlay = directory.resolve("overlay.qcow2");
        Qcow2.create(overlay, MEBIBYTE, Path.of("nbd:localhost:10809"), ImageFormat.RAW);

        assertThatThrownBy(() -> DiskImage.open(overlay, false))
                .isInstanceOf(ImageRefused.class)
                .hasMessage(
                        overlay
                                + " has a backing file that is no file of this host:"
                                + " nbd:localhost:10809");
    }

    @Test
    void overlayIsNotTakenForOneOverAnotherBase() throws IOException {
        Path base = Files.write(directory.resolve("base.raw"), filled(512, 'x'));
        Path other = Files.write(directory.resolve("other.raw"), filled(512, 'y'));
        Path overlay = directory.resolve("overlay.qcow2");
        Qcow2.create(overlay, 512, Path.of("base.raw"), ImageFormat.RAW);

        DiskImage.requireBase(overlay, base);
        DiskImage.requireBase(
                overlay, Files.createSymbolicLink(directory.resolve("link.raw"), base));
        assertThatThrownBy(() -> DiskImage.requireBase(overlay, other))
                .isInstanceOf(ImageRefused.class)
                .hasMessage(
                        "%s is an overlay over %s, not over %s: name that base, or another overlay,"
                                        .formatted(overlay, base, other)
                                + " or remove this one with all that was written to it");
        assertThatThrownBy(() -> DiskImage.requireBase(overlay, directory.resolve("gone.raw")))
                .isInstanceOf(ImageRefused.class)
                .hasMessage("There is no disk image " + directory.resolve("gone.raw"));
    }

    @Test
    void overlayWhoseBaseIsGoneIsLeftToItsOpening() throws IOException {
        Path base = Files.write(directory.resolve("base.raw"), filled(512, 'x'));
        Path overlay = directory.resolve("overlay.qcow2");
        Qcow2.create(overlay, 512, base, ImageFormat.RAW);
        Files.delete(base);

        DiskImage.requireBase(overlay, base);
        assertThatThrownBy(() -> DiskImage.open(overlay, false))
                .hasMessage("There is no disk image " + base + ", the backing file of " + overlay);
    }

    @Test
    void imageOfItsOwnIsNoOverlayOverAnyBaseNorOverItself() throws IOException {
        Path base = Files.write(directory.resolve("base.raw"), filled(512, 'x'));
        Path image = directory.resolve("image.qcow2");
        Qcow2.create(image, 512);

        assertThatThrownBy(() -> DiskImage.requireBase(image, base))
                .isInstanceOf(ImageRefused.class)
                .hasMessageStartingWith(
                        image + " is an image of its own, not an overlay over " + base);
        assertThatThrownBy(() -> DiskImage.requireBase(image, image))
                .isInstanceOf(ImageRefused.class)
                .hasMessageStartingWith(image + " cannot be its own base");
    }

    @Test
    void manyEphemeralDisksShareABaseThatStaysAsItIs() throws IOException {
        Path base = Files.write(directory.resolve("base.raw"), filled(MEBIBYTE, 'b'));
        Path changes = Files.createDirectory(directory.resolve("changes"));

        try (BlockImage one = DiskImage.openEphemeral(base, null, changes);
                BlockImage two = DiskImage.openEphemeral(base, ImageFormat.RAW, changes)) {
            write(one, 1000, "one");
            write(two, 1000, "two");
            one.discard(0, 512);
            one.flush();
            assertThat(read(one, 999, 5)).isEqualTo("boneb");
            assertThat(read(two, 999, 5)).isEqualTo("btwob");
            assertThat(read(one, 511, 2)).isEqualTo("\0b");
            assertThat(changes).isEmptyDirectory();
        }
        assertThat(Files.readAllBytes(base)).containsOnly('b');
        DiskImage.open(base, false).close();
    }

    @Test
    void copyOfAnEphemeralDiskBeginsWithWhatWasWritten() throws IOException {
        Path base = Files.write(directory.resolve("base.raw"), filled(4 * MEBIBYTE, 'b'));
        Path changes = Files.createDirectory(directory.resolve("changes"));

        try (BlockImage one = DiskImage.openEphemeral(base, ImageFormat.RAW, changes)) {
            write(one, 1000, "one");
            write(one, 3 * MEBIBYTE, "far");
            one.discard(0, 512);
            one.settle();
            try (BlockImage copy = DiskImage.copyView(one, base, ImageFormat.RAW, changes)) {
                write(copy, 2000, "copy");
                write(one, 2000, "none");
                assertThat(read(copy, 999, 5)).isEqualTo("boneb");
                assertThat(read(copy, 3 * MEBIBYTE, 3)).isEqualTo("far");
                assertThat(read(copy, 511, 2)).isEqualTo("\0b");
                assertThat(read(copy, 2000, 4)).isEqualTo("copy");
                assertThat(read(one, 2000, 4)).isEqualTo("none");
                assertThat(changes).isEmptyDirectory();
            }
        }
    }

    @Test
    void copyOfAnEphemeralDiskThatFailsLeavesTheBaseFree() throws IOException {
        Path base = Files.write(directory.resolve("base.raw"), filled(MEBIBYTE, 'b'));
        Path nowhere = directory.resolve("nowhere");

        try (BlockImage one = DiskImage.openEphemeral(base, ImageFormat.RAW, directory)) {
            assertThatThrownBy(() -> DiskImage.copyView(one, base, ImageFormat.RAW, nowhere))
                    .isInstanceOf(IOException.class);
        }
        DiskImage.open(base, false, ImageFormat.RAW).close();
    }

    @Test
    void viewOfAnOverlayBeginsWithWhatIsInTheOverlayAndChangesNeither() throws IOException {
        Path base = Files.write(directory.resolve("base.raw"), filled(MEBIBYTE, 'b'));
        Path overlay = directory.resolve("one.qcow2");
        Path changes = Files.createDirectory(directory.resolve("changes"));
        Qcow2.create(overlay, MEBIBYTE, base, ImageFormat.RAW);

        try (BlockImage one = DiskImage.open(overlay, false, ImageFormat.QCOW2)) {
            write(one, 1000, "one");
            one.settle();
            try (BlockImage copy = DiskImage.copyView(one, base, null, changes)) {
                write(copy, 2000, "copy");
                assertThat(read(copy, 999, 5)).isEqualTo("boneb");
                assertThat(read(one, 2000, 4)).isEqualTo("bbbb");
                assertThat(changes).isEmptyDirectory();
            }
        }
    }

    @Test
    void savedViewIsAnOverlayThatKnowsItsBase() throws IOException {
        Path base = Files.write(directory.resolve("base.raw"), filled(MEBIBYTE, 'b'));
        Path overlay = directory.resolve("kept.qcow2");

        try (BlockImage one = DiskImage.openEphemeral(base, ImageFormat.RAW, directory)) {
            write(one, 1000, "one");
            one.settle();
            DiskImage.saveView(one, base, ImageFormat.RAW, overlay);
            assertThatThrownBy(() -> DiskImage.saveView(one, base, ImageFormat.RAW, overlay))
                    .isInstanceOf(FileAlreadyExistsException.class);
        }
        DiskImage.requireBase(overlay, base);
        try (BlockImage kept = DiskImage.open(overlay, false)) {
            assertThat(read(kept, 999, 5)).isEqualTo("boneb");
            write(kept, 2000, "more");
        }
        assertThat(directory.toFile().list()).containsExactlyInAnyOrder("base.raw", "kept.qcow2");
    }

    @Test
    void copyOfAFileReplacesNothing() throws IOException {
        Path image = Files.write(directory.resolve("image"), filled(MEBIBYTE, 'i'));
        Path copy = directory.resolve("copy");

        DiskImage.copyFile(image, copy);
        assertThat(copy).hasSameBinaryContentAs(image);

        Files.write(image, filled(512, 'j'));
        assertThatThrownBy(() -> DiskImage.copyFile(image, copy))
                .isInstanceOf(FileAlreadyExistsException.class);
        assertThat(Files.size(copy)).isEqualTo(MEBIBYTE);
        Path nowhere = directory.resolve("nowhere");
        assertThatThrownBy(() -> DiskImage.copyFile(image, nowhere.resolve("copy")))
                .isInstanceOf(NoSuchFileException.class)
                .hasMessage(nowhere.toString());
        assertThat(directory.toFile().list()).containsExactlyInAnyOrder("image", "copy");
    }

    private static byte[] filled(int length, char with) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) with);
        return bytes;
    }

    private static String read(BlockImage disk, long offset, int length) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(length);
        disk.read(offset, bytes);
        return new String(bytes.array(), ISO_8859_1);
    }

    private static void write(BlockImage disk, long offset, String text) throws IOException {
        disk.write(offset, ByteBuffer.wrap(text.getBytes(ISO_8859_1)));
    }

    private static long allocatedBytes(Path path) throws IOException {
        Process du = new ProcessBuilder("du", "--block-size=1", path.toString()).start();
        return Long.parseLong(
                new String(du.getInputStream().readAllBytes(), ISO_8859_1).split("\t")[0]);
    }
}

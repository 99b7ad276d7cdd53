package org.xenolith.core.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;

class ImageReportTest {
    @TempDir private Path directory;

    private ImageReport report(byte[] contents) throws IOException {
        return ImageReport.of(Files.write(directory.resolve("file"), contents));
    }

    @Test
    void aPvKernelIsDescribedWithItsNotes() throws IOException {
        ImageReport report = report(TestBzImage.of(TestElf.pvKernel().build(), Compression.ZSTD));

        assertThat(report.usable()).isTrue();
        assertThat(report.toText())
                .startsWith(directory.resolve("file") + ": Linux bzImage\n")
                .containsPattern("boot protocol +2\\.15\n")
                .containsPattern("version +6\\.1\\.0-test ")
                .containsPattern("payload +zstd, ")
                .containsPattern("ffffffff81000000 +0x1000000 .* R-X\n")
                .containsPattern("ENTRY +0xffffffff810001c0\n")
                .containsPattern("XEN_VERSION +\"xen-3\\.0\"\n")
                .containsPattern("verdict +boots here as a 64-bit Xen PV guest\n$");
    }

    @Test
    void aKernelThatDoesNotBootSaysWhy() throws IOException {
        ImageReport report = report(new TestElf().build());

        assertThat(report.usable()).isFalse();
        assertThat(report.toText())
                .contains(": ELF kernel\n")
                .containsPattern("Xen notes +none\n")
                .contains(
                        "does not boot here: no XEN_ELFNOTE_ENTRY: this kernel was built without"
                                + " CONFIG_XEN_PV");
    }

    @ParameterizedTest
    @EnumSource(
            value = Compression.class,
            mode = Mode.EXCLUDE,
            names = {"LZ4_FRAME", "LZO"})
    void anInitrdIsDescribedWhateverItsPacking(Compression packing) throws IOException {
        ByteArrayOutputStream archive = new ByteArrayOutputStream();
        new Initramfs()
                .file("init", 0755, "x".repeat(1000))
                .file("bin/tool", 0755, "y".repeat(500))
                .writeTo(archive);

        ImageReport report = report(TestBzImage.pack(archive.toByteArray(), packing));

        assertThat(report.usable()).isTrue();
        assertThat(report.toText())
                .contains(": initial RAM disk\n")
                .contains(packing.label() + ", 2 files of 1,500 bytes, 3 entries, with /init");
    }

    @Test
    void anUnpackedArchiveInFrontOfAPackedOneIsCountedToo() throws IOException {
        ByteArrayOutputStream microcode = new ByteArrayOutputStream();
        new Initramfs().file("kernel/x86/microcode/GenuineIntel.bin", 0644, "m").writeTo(microcode);
        ByteArrayOutputStream main = new ByteArrayOutputStream();
        new Initramfs().file("init", 0755, "i").writeTo(main);
        microcode.write(new byte[512]);
        microcode.write(TestBzImage.pack(main.toByteArray(), Compression.GZIP));

        assertThat(report(microcode.toByteArray()).contents())
                .isEqualTo(
                        new ImageReport.Initrd(
                                new InitrdImage(
                                        java.util.List.of(
                                                new InitrdImage.Part(
                                                        Compression.NONE, 1, 4, 1, false),
                                                new InitrdImage.Part(
                                                        Compression.GZIP, 1, 1, 1, true)))));
    }

    @Test
    void aTruncatedInitrdIsNamed() throws IOException {
        ByteArrayOutputStream archive = new ByteArrayOutputStream();
        new Initramfs().file("init", 0755, "x".repeat(1000)).writeTo(archive);

        ImageReport report = report(Arrays.copyOf(archive.toByteArray(), 600));

        assertThat(report.usable()).isFalse();
        assertThat(report.toText()).isEqualTo(report.file() + ": is a truncated initrd\n");
    }

    @Test
    void noiseIsReportedAndNotThrown() throws IOException {
        byte[] noise = new byte[4000];
        new Random(9).nextBytes(noise);

        ImageReport report = report(noise);

        assertThat(report.usable()).isFalse();
        assertThat(report.toText())
                .isEqualTo(
                        report.file()
                                + ": is not a kernel: it is neither a bzImage nor an ELF file\n");
    }

    @Test
    void aPackedFileThatHoldsNeitherIsReported() throws IOException {
        ImageReport report = report(TestBzImage.pack("just text".getBytes(), Compression.XZ));

        assertThat(report.toText()).isEqualTo(report.file() + ": is a text file, not a kernel\n");
    }

    @Test
    void aFileThatIsNotThereIsAnError() {
        Path missing = directory.resolve("missing");

        assertThatThrownBy(() -> ImageReport.of(missing))
                .isInstanceOf(ImageException.class)
                .hasMessage(missing + ": there is no such file");
    }
}

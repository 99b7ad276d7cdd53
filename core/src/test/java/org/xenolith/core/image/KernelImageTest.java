package org.xenolith.core.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;

class KernelImageTest {
    private static final String NAME = "vmlinuz";

    @ParameterizedTest
    @EnumSource(
            value = Compression.class,
            mode = Mode.EXCLUDE,
            names = {"LZ4_FRAME", "LZO"})
    void everyPayloadPackingGivesBackTheKernel(Compression packing) throws IOException {
        byte[] elf = TestElf.pvKernel().build();

        KernelImage image = KernelImage.read(TestBzImage.of(elf, packing), NAME);

        assertThat(image.payloadCompression()).isEqualTo(packing);
        assertThat(image.elf().fileSize()).isEqualTo(elf.length);
        assertThat(image.requirePv().entry()).hasValue(TestElf.ENTRY);
    }

    @Test
    void aPayloadOfSeveralLz4BlocksIsUnpackedWhole() throws IOException {
        byte[] text = new byte[2 * Lz4Legacy.BLOCK_BYTES + 12345];
        new Random(1).nextBytes(text);
        Arrays.fill(text, 1 << 20, 15 << 20, (byte) 7); // crosses a block; runs pack well

        KernelImage image =
                KernelImage.read(
                        TestBzImage.of(
                                TestElf.pvKernel().text(text).build(), Compression.LZ4_LEGACY),
                        NAME);

        ElfImage elf = image.elf();
        assertThat(elf.contents(elf.loadSegments().getFirst()).toArray(ValueLayout.JAVA_BYTE))
                .isEqualTo(text);
    }

    @Test
    void theHeaderOfABzImageIsRead() throws IOException {
        byte[] elf = TestElf.pvKernel().build();

        BootProtocol header =
                KernelImage.read(TestBzImage.of(elf, Compression.NONE), NAME)
                        .bootProtocol()
                        .orElseThrow();

        assertThat(header.versionText()).isEqualTo("2.15");
        assertThat(header.kernelVersion()).contains("6.1.0-test (builder@host) #1");
        assertThat(header.payloadOffset()).isEqualTo(TestBzImage.PAYLOAD_AT);
        assertThat(header.payloadLength()).isEqualTo(elf.length + 4);
    }

    @Test
    void aPlainElfKernelIsTaken() throws IOException {
        KernelImage image = KernelImage.read(TestElf.pvKernel().build(), NAME);

        assertThat(image.bootProtocol()).isEmpty();
        assertThat(image.requirePv().virtBase()).isEqualTo(0xffffffff80000000L);
    }

    @Test
    void aPackedElfKernelIsTaken() throws IOException {
        byte[] packed = TestBzImage.pack(TestElf.pvKernel().build(), Compression.GZIP);

        KernelImage image = KernelImage.read(packed, NAME);

        assertThat(image.wrapper()).isEqualTo(Compression.GZIP);
        assertThat(image.requirePv().entry()).hasValue(TestElf.ENTRY);
    }

    @Test
    void aPackedBzImageIsTaken() throws IOException {
        byte[] bzImage = TestBzImage.of(TestElf.pvKernel().build(), Compression.ZSTD);

        KernelImage image = KernelImage.read(TestBzImage.pack(bzImage, Compression.GZIP), NAME);

        assertThat(image.wrapper()).isEqualTo(Compression.GZIP);
        assertThat(image.payloadCompression()).isEqualTo(Compression.ZSTD);
    }

    @Test
    void aKernelWithoutXenNotesIsRefusedWithTheReason() {
        assertRefusedByRequirePv(
                new TestElf(), "no XEN_ELFNOTE_ENTRY: this kernel was built without CONFIG_XEN_PV");
    }

    @Test
    void aKernelThatNamesNoEntryStartsWhereItsElfFileDoes() throws IOException {
        byte[] miniOs =
                new TestElf()
                        .note(XenElfNote.XEN_VERSION, TestElf.text("xen-3.0"))
                        .note(XenElfNote.GUEST_OS, TestElf.text("Mini-OS"))
                        .note(XenElfNote.LOADER, TestElf.text("generic"))
                        .build();

        XenNotes notes = KernelImage.read(miniOs, NAME).requirePv();

        assertThat(notes.entry()).hasValue(ElfImage.parse(miniOs).entry());
        assertThat(notes.present()).doesNotContain(XenElfNote.ENTRY);
    }

    @Test
    void aLinuxThatNamesNoEntryIsRefused() {
        assertRefusedByRequirePv(
                new TestElf()
                        .note(XenElfNote.XEN_VERSION, TestElf.text("xen-3.0"))
                        .note(XenElfNote.GUEST_OS, TestElf.text("linux"))
                        .note(XenElfNote.LOADER, TestElf.text("generic")),
                "no XEN_ELFNOTE_ENTRY: this kernel was built without CONFIG_XEN_PV");
    }

    @Test
    void aKernelForAnotherXenIsRefused() {
        assertRefusedByRequirePv(
                TestElf.pvKernel().note(XenElfNote.XEN_VERSION, TestElf.text("xen-2.0")),
                "XEN_ELFNOTE_XEN_VERSION is \"xen-2.0\": it must be \"xen-3.0\"");
    }

    @Test
    void aKernelThatNamesNoXenVersionIsRefused() {
        assertRefusedByRequirePv(
                new TestElf().note(XenElfNote.ENTRY, TestElf.number(TestElf.ENTRY)),
                "no XEN_ELFNOTE_XEN_VERSION: it must be \"xen-3.0\"");
    }

    @Test
    void aKernelForAnotherLoaderIsRefused() {
        assertRefusedByRequirePv(
                TestElf.pvKernel()
                        .note(XenElfNote.GUEST_OS, TestElf.text("other"))
                        .note(XenElfNote.LOADER, TestElf.text("special")),
                "XEN_ELFNOTE_LOADER is \"special\": it must be \"generic\"");
    }

    @Test
    void aKernelThatNeedsSupervisorModeIsRefused() {
        assertRefusedByRequirePv(
                TestElf.pvKernel()
                        .note(XenElfNote.FEATURES, TestElf.text("!supervisor_mode_kernel")),
                "this kernel requires supervisor_mode_kernel, which 64-bit PV never offers");
    }

    private static void assertRefusedByRequirePv(TestElf elf, String sentence) {
        assertThatThrownBy(() -> KernelImage.read(elf.build(), NAME).requirePv())
                .isInstanceOf(ImageException.class)
                .hasMessage(NAME + ": " + sentence);
    }

    @Test
    void filesForOtherMachinesAreNamed() {
        assertRefused(
                TestElf.pvKernel().machine(183).build(),
                "is an ELF file for 64-bit ARM: only x86-64 kernels can run here");
        assertRefused(
                TestElf.pvKernel().elfClass(1).build(),
                "is a 32-bit ELF file: only 64-bit x86 kernels can run here");
        byte[] arm = new byte[4096];
        ByteBuffer.wrap(arm).order(ByteOrder.LITTLE_ENDIAN).putInt(0x38, 0x644d5241);
        assertRefused(arm, "is a Linux kernel for 64-bit ARM: only x86-64 kernels can run here");
    }

    @Test
    void elfFilesThatAreNoKernelsAreNamed() {
        assertRefused(
                TestElf.pvKernel().type(ElfImage.ET_REL).build(),
                "is an ELF object file (or kernel module), not a kernel");
        assertRefused(
                TestElf.pvKernel().type(ElfImage.ET_CORE).build(),
                "is an ELF core dump, not a kernel");
        assertRefused(
                TestElf.pvKernel().withoutLoad().build(),
                "is an ELF file without anything to load");
    }

    @Test
    void whatIsNoKernelAtAllIsNamed() throws IOException {
        byte[] noise = new byte[100_000];
        new Random(3).nextBytes(noise);
        assertRefused(noise, "is not a kernel: it is neither a bzImage nor an ELF file");
        assertRefused(
                "#!/bin/sh\necho hello\n".getBytes(StandardCharsets.US_ASCII),
                "is a text file, not a kernel");
        java.io.ByteArrayOutputStream cpio = new java.io.ByteArrayOutputStream();
        new Initramfs().file("init", 0755, "x").writeTo(cpio);
        assertRefused(cpio.toByteArray(), "is a cpio archive (an initrd, it seems), not a kernel");
    }

    @Test
    void aTruncatedKernelIsNamed() throws IOException {
        byte[] elf = TestElf.pvKernel().build();
        assertRefusedStartingWith(
                Arrays.copyOf(elf, 1000), "is a truncated ELF file: segment 0 ends at byte");
        byte[] bzImage = TestBzImage.of(elf, Compression.LZ4_LEGACY);
        assertRefusedStartingWith(
                Arrays.copyOf(bzImage, TestBzImage.PAYLOAD_AT + 20),
                "is a truncated bzImage: its payload ends at byte");
        assertRefusedStartingWith(
                Arrays.copyOf(bzImage, 0x240), "is a truncated bzImage: its header is cut off");
        byte[] gzip = TestBzImage.pack(elf, Compression.GZIP);
        assertRefusedStartingWith(
                Arrays.copyOf(gzip, gzip.length / 2), "truncated or corrupt gzip data");
    }

    @ParameterizedTest
    @EnumSource(
            value = Compression.class,
            names = {"NONE", "GZIP", "LZ4_LEGACY", "XZ"})
    void aKernelCutAtAnyByteEndsInASentence(Compression packing) throws IOException {
        byte[] elf = TestElf.pvKernel().text(new byte[16]).symbol("s", 1, 1).build();
        byte[] bzImage = TestBzImage.of(elf, packing);
        for (int length = 0; length < bzImage.length; length++) {
            readAndUse(Arrays.copyOf(bzImage, length));
        }
        for (int length = 0; length < elf.length; length++) {
            byte[] cut = Arrays.copyOf(elf, length);
            assertThatThrownBy(() -> KernelImage.read(cut, NAME))
                    .as("cut at byte %d", length)
                    .isInstanceOf(ImageException.class);
        }
    }

    @Test
    void corruptLz4IsReportedWithItsBlock() throws IOException {
        byte[] text = new byte[Lz4Legacy.BLOCK_BYTES + 5000];
        new Random(4).nextBytes(text);
        byte[] elf = TestElf.pvKernel().text(text).build();
        byte[] bzImage = TestBzImage.of(elf, Compression.LZ4_LEGACY);
        int firstBlock = TestBzImage.PAYLOAD_AT + 4;
        int secondBlock = firstBlock + 4 + LittleEndian.intAt(bzImage, firstBlock);
        bzImage[secondBlock + 4] ^= (byte) 0xf0; // the token: how many literals follow

        assertRefused(bzImage, "corrupt LZ4 data in block 2 of 2");
    }

    @Test
    void aBlockSizeBeyondTheFormatIsReported() throws IOException {
        byte[] bzImage = TestBzImage.of(TestElf.pvKernel().build(), Compression.LZ4_LEGACY);
        ByteBuffer.wrap(bzImage)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(TestBzImage.PAYLOAD_AT + 4, -1);

        assertRefused(
                bzImage, "corrupt LZ4 data: block 1 claims a packed size of 4294967295 bytes");
    }

    @Test
    void aHostileSizeIsRefusedBeforeMemoryIsTaken() throws IOException {
        byte[] packed = TestBzImage.pack(TestElf.pvKernel().build(), Compression.LZ4_LEGACY);

        assertRefusedStartingWith(
                TestBzImage.ofPayload(TestBzImage.withSizeWord(packed, -1)),
                "is a corrupt bzImage: its payload claims to unpack to 4294967295 bytes");
        assertRefusedStartingWith(
                TestBzImage.ofPayload(TestBzImage.withSizeWord(packed, 200 << 20)),
                "corrupt LZ4 data: 209715200 bytes need 25 blocks, but there are 1");
    }

    @Test
    void aSizeThatIsNotWhatComesOutIsRefused() throws IOException {
        byte[] elf = TestElf.pvKernel().build();
        byte[] packed = TestBzImage.pack(elf, Compression.XZ);

        assertRefusedStartingWith(
                TestBzImage.ofPayload(TestBzImage.withSizeWord(packed, elf.length + 1)),
                "is a corrupt bzImage: its payload unpacks to");
        assertRefusedStartingWith(
                TestBzImage.ofPayload(TestBzImage.withSizeWord(packed, elf.length - 1)),
                "unpacks to more than");
    }

    @Test
    void aBombIsCutOffAtTheLimit() throws IOException {
        byte[] bomb = TestBzImage.pack(new byte[KernelImage.MAX_BYTES + 1], Compression.GZIP);

        assertRefused(bomb, "unpacks to more than the 256 MiB that are accepted");
    }

    @Test
    void anUnknownPayloadIsNamed() throws IOException {
        byte[] noise = new byte[1000];
        new Random(5).nextBytes(noise);
        assertRefused(
                TestBzImage.ofPayload(TestBzImage.withSizeWord(noise, noise.length)),
                "is a bzImage whose payload is packed in no known way");
        byte[] text = "no kernel inside".getBytes(StandardCharsets.US_ASCII);
        assertRefused(
                TestBzImage.of(text, Compression.GZIP),
                "is a bzImage whose payload is not an ELF file");
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void damagedFilesNeverEndInAnythingButASentence(long seed) throws IOException {
        Random random = new Random(seed);
        for (Compression packing : Compression.values()) {
            if (packing == Compression.LZ4_FRAME || packing == Compression.LZO) {
                continue;
            }
            byte[] sound =
                    TestBzImage.of(
                            TestElf.pvKernel()
                                    .symbol("start_kernel", TestElf.VADDR, 16)
                                    .note(XenElfNote.L1_MFN_VALID, new byte[16])
                                    .build(),
                            packing);
            for (int round = 0; round < 60; round++) {
                byte[] damaged = sound.clone();
                for (int i = 0; i <= random.nextInt(4); i++) {
                    damaged[random.nextInt(damaged.length)] = (byte) random.nextInt();
                }
                readAndUse(Arrays.copyOf(damaged, damaged.length - random.nextInt(40)));
            }
        }
    }

    private static void readAndUse(byte[] damaged) {
        try {
            KernelImage image = KernelImage.read(damaged, NAME);
            image.elf().symbols();
            image.elf().segments().forEach(ElfImage.Segment::flagsText);
            XenNotes notes = image.notes();
            notes.present().forEach(notes::valueText);
            notes.requirePv();
        } catch (ImageException e) {
            assertThat(e.getMessage()).isNotBlank().doesNotContain("\n");
        }
    }

    @Test
    void filesThatCannotBeReadAreNamed(@TempDir Path directory) throws IOException {
        Path missing = directory.resolve("missing");
        assertThatThrownBy(() -> KernelImage.read(missing))
                .isInstanceOf(ImageException.class)
                .hasMessage(missing + ": there is no such file");
        assertThatThrownBy(() -> KernelImage.read(directory))
                .hasMessage(directory + ": is a directory");
        Path empty = Files.createFile(directory.resolve("empty"));
        assertThatThrownBy(() -> KernelImage.read(empty)).hasMessage(empty + ": is empty");
    }

    private static void assertRefused(byte[] file, String sentence) {
        assertThatThrownBy(() -> KernelImage.read(file, NAME))
                .isInstanceOf(ImageException.class)
                .hasMessage(NAME + ": " + sentence);
    }

    private static void assertRefusedStartingWith(byte[] file, String start) {
        assertThatThrownBy(() -> KernelImage.read(file, NAME))
                .isInstanceOf(ImageException.class)
                .hasMessageStartingWith(NAME + ": " + start);
    }
}

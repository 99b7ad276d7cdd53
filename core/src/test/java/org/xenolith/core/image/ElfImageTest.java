package org.xenolith.core.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

class ElfImageTest {
    @Test
    void aSegmentIsASliceOfTheFileThatNobodyCanWrite() throws ImageException {
        byte[] text = {1, 2, 3, 4};
        ElfImage elf = ElfImage.parse(TestElf.pvKernel().text(text).build());

        ElfImage.Segment segment = elf.loadSegments().getFirst();
        MemorySegment contents = elf.contents(segment);

        assertThat(contents.toArray(ValueLayout.JAVA_BYTE)).isEqualTo(text);
        assertThat(contents.isReadOnly()).isTrue();
        assertThat(segment.vaddr()).isEqualTo(TestElf.VADDR);
        assertThat(segment.paddr()).isEqualTo(TestElf.PADDR);
        assertThat(segment.memorySize()).isEqualTo(text.length + 0x1000);
        assertThat(segment.flagsText()).isEqualTo("R-X");
    }

    @Test
    void nameThatWouldSteerATerminalDoesNot() throws ImageException {
        ElfImage elf =
                ElfImage.parse(
                        TestElf.pvKernel()
                                .symbol("start\033[2J", TestElf.VADDR + 0x10, 32)
                                .build());
        assertThat(elf.symbols()).extracting(ElfImage.Symbol::name).contains("start\\x1b[2J");
    }

    @Test
    void namesAreCutThatAreLongerThanAnyCompilersAre() throws ImageException {
        byte[] file = TestElf.pvKernel().section("n".repeat(5000), 1, new byte[1]).build();
        ElfImage elf = ElfImage.parse(file);
        assertThat(elf.section("n".repeat(256))).isPresent();
        assertThat(elf.section("n".repeat(5000))).isEmpty();
    }

    @Test
    void sectionsAndSymbolsAreFoundByName() throws ImageException {
        ElfImage elf =
                ElfImage.parse(
                        TestElf.pvKernel()
                                .section(".comment", 1, "hi".getBytes(StandardCharsets.US_ASCII))
                                .symbol("start_kernel", TestElf.VADDR + 0x10, 32)
                                .build());

        ElfImage.Section comment = elf.section(".comment").orElseThrow();
        assertThat(elf.contents(comment).toArray(ValueLayout.JAVA_BYTE))
                .asString(StandardCharsets.US_ASCII)
                .isEqualTo("hi");
        assertThat(elf.section(".none")).isEmpty();
        assertThat(elf.symbols())
                .containsExactly(new ElfImage.Symbol("start_kernel", TestElf.VADDR + 0x10, 32));
    }

    @Test
    void aSegmentLargerInTheFileThanInMemoryIsRefused() {
        byte[] file = TestElf.pvKernel().build();
        int memorySize = 64 + 40; // first program header, p_memsz
        System.arraycopy(TestElf.number(1), 0, file, memorySize, 8);

        assertThatThrownBy(() -> ElfImage.parse(file))
                .isInstanceOf(ImageException.class)
                .hasMessage(
                        "is a corrupt ELF file: segment 0 is larger in the file than in memory");
    }

    @Test
    void aSegmentOffsetThatWrapsIsRefused() {
        byte[] file = TestElf.pvKernel().build();
        System.arraycopy(TestElf.number(-8), 0, file, 64 + 8, 8);

        assertThatThrownBy(() -> ElfImage.parse(file))
                .isInstanceOf(ImageException.class)
                .hasMessageStartingWith("is a truncated ELF file: segment 0");
    }

    /** A program header for each 56 bytes of it; the machine of its guest pays for all of them. */
    @Test
    void moreProgramHeadersThanAnyKernelHasAreRefused() {
        byte[] file = TestElf.pvKernel().text(new byte[65 * 56]).build();
        file[56] = 65; // e_phnum; those behind the second are of type PT_NULL

        assertThatThrownBy(() -> ElfImage.parse(file))
                .isInstanceOf(ImageException.class)
                .hasMessage("has 65 program headers: no kernel has more than 64");
    }

    @Test
    void segmentsThatHoldMoreThanTheFileAreRefused() {
        byte[] file = TestElf.pvKernel().text(new byte[8192]).build();
        System.arraycopy(file, 64, file, 64 + 56, 56); // the segment to load, in place of the notes
        assertThatThrownBy(() -> ElfImage.parse(file))
                .isInstanceOf(ImageException.class)
                .hasMessageStartingWith(
                        "is a corrupt ELF file: its segments to load have 16384 bytes of a file"
                                + " of");
    }

    @Test
    void notesOfManyMegabytesAreRefused() {
        byte[] tooLong = new byte[(1 << 20) + 1];
        assertThatThrownBy(() -> ElfImage.parse(TestElf.pvKernel().note("GNU", 1, tooLong).build()))
                .isInstanceOf(ImageException.class)
                .hasMessageContaining("bytes of notes, and at most 1048576 are accepted");
        TestElf inSections = new TestElf();
        for (int i = 0; i < 3; i++) {
            inSections.section(".note", ElfImage.SHT_NOTE, new byte[400_000]);
        }
        assertThatThrownBy(() -> ElfImage.parse(inSections.build()))
                .isInstanceOf(ImageException.class)
                .hasMessageContaining("it has 1200000 bytes of notes");
    }

    /** A file whose tables of symbols all are the same bytes, with a string table of one name. */
    private static ElfImage withSymbols(int perTable, int tables, String name)
            throws ImageException {
        ByteBuffer symbols = ByteBuffer.allocate(perTable * 24).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < perTable; i++) {
            symbols.putInt(1).put((byte) 0x12).put((byte) 0).putShort((short) 1);
            symbols.putLong(TestElf.VADDR + i).putLong(1);
        }
        TestElf elf = TestElf.pvKernel();
        elf.section(".symtab", ElfImage.SHT_SYMTAB, symbols.array());
        for (int i = 1; i < tables; i++) {
            elf.section(".symtab", ElfImage.SHT_SYMTAB, new byte[0]);
        }
        ByteBuffer file =
                ByteBuffer.wrap(elf.section(".strtab", 3, TestElf.text("\0" + name)).build())
                        .order(ByteOrder.LITTLE_ENDIAN);
        int headers = (int) file.getLong(40);
        for (int i = 1; i <= tables; i++) {
            file.put(headers + 64 * i + 24, file.array(), headers + 64 + 24, 16); // offset, size
            file.putInt(headers + 64 * i + 40, tables + 1); // the string table
        }
        return ElfImage.parse(file.array());
    }

    @Test
    void symbolsOfAllTablesTogetherAreNoMoreThanAKernelHas() throws ImageException {
        assertThat(withSymbols(1 << 20, 3, "f").symbols()).hasSize(ElfImage.MAX_SYMBOLS);
    }

    @Test
    void namesOfAllSymbolsTogetherAreNoLongerThanAKernels() throws ImageException {
        assertThat(withSymbols(1 << 19, 1, "n".repeat(256)).symbols())
                .hasSize(ElfImage.MAX_SYMBOL_TEXT / 256);
    }
}

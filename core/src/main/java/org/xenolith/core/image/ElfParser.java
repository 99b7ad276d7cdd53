package org.xenolith.core.image;

import org.xenolith.core.image.ElfImage.Section;
import org.xenolith.core.image.ElfImage.Segment;
import org.xenolith.devices.console.Escaped;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Reads the headers of an ELF file, which may say anything, and checks what they say. */
final class ElfParser {
    private static final int EI_CLASS = 4, EI_DATA = 5;
    private static final int E_TYPE = 16, E_MACHINE = 18, E_ENTRY = 24, E_PHOFF = 32, E_SHOFF = 40;
    private static final int E_PHENTSIZE = 54, E_PHNUM = 56, E_SHENTSIZE = 58;
    private static final int E_SHNUM = 60, E_SHSTRNDX = 62;
    private static final int EHDR_BYTES = 64, PHDR_BYTES = 56, SHDR_BYTES = 64;

    /** Sixty thousand sections, or any number of symbols, may have the same name: all of a file. */
    private static final int MAX_NAME_BYTES = 256;

    /** Kernels have ten; each costs whoever loads the file as much as it claims to hold. */
    private static final int MAX_SEGMENTS = 64;

    /** All notes of a file, by segments and by sections; kernels have some hundred bytes. */
    private static final int MAX_NOTE_BYTES = 1 << 20;

    private static final int CLASS_32 = 1, CLASS_64 = 2, DATA_LSB = 1, EM_X86_64 = 62;

    private ElfParser() {}

    /** As {@link ElfImage#parse}. */
    static ElfImage parse(byte[] file) throws ImageException {
        if (!ElfImage.recognises(file)) {
            throw new ImageException("is not an ELF file");
        }
        if (file.length < EI_DATA + 1) {
            throw new ImageException("is a truncated ELF file: its header is cut off");
        }
        switch (file[EI_CLASS]) {
            case CLASS_64 -> {}
            case CLASS_32 ->
                    throw new ImageException(
                            "is a 32-bit ELF file: only 64-bit x86 kernels can run here");
            default -> throw new ImageException("is an ELF file of unknown class");
        }
        if (file[EI_DATA] != DATA_LSB) {
            throw new ImageException("is a big-endian ELF file: only x86-64 kernels can run here");
        }
        if (file.length < EHDR_BYTES) {
            throw new ImageException("is a truncated ELF file: its header is cut off");
        }
        int machine = LittleEndian.shortAt(file, E_MACHINE);
        if (machine != EM_X86_64) {
            throw new ImageException(
                    "is an ELF file for %s: only x86-64 kernels can run here"
                            .formatted(machineName(machine)));
        }
        return new ElfImage(
                file,
                LittleEndian.shortAt(file, E_TYPE),
                LittleEndian.longAt(file, E_ENTRY),
                readSegments(file),
                readSections(file));
    }

    private static List<Segment> readSegments(byte[] file) throws ImageException {
        long table = LittleEndian.longAt(file, E_PHOFF);
        int count = LittleEndian.shortAt(file, E_PHNUM);
        int stride = LittleEndian.shortAt(file, E_PHENTSIZE);
        if (count == 0) {
            return List.of();
        }
        checkTable("program", table, count, stride, PHDR_BYTES, file);
        if (count > MAX_SEGMENTS) {
            throw new ImageException(
                    "has %d program headers: no kernel has more than %d"
                            .formatted(count, MAX_SEGMENTS));
        }
        List<Segment> segments = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            Segment segment = Segment.readFrom(file, (int) table + i * stride);
            if (segment.isLoad() || segment.type() == ElfImage.PT_NOTE) {
                checkExtent("segment " + i, segment.fileOffset(), segment.fileSize(), file);
                if (Long.compareUnsigned(segment.fileSize(), segment.memorySize()) > 0
                        && segment.isLoad()) {
                    throw new ImageException(
                            "is a corrupt ELF file: segment %d is larger in the file than in memory"
                                    .formatted(i));
                }
            }
            segments.add(segment);
        }
        checkSums(segments, file);
        return List.copyOf(segments);
    }

    /** Segments that lie over each other could hold a small file many times. */
    private static void checkSums(List<Segment> segments, byte[] file) throws ImageException {
        long loaded = 0;
        long notes = 0;
        for (Segment segment : segments) {
            loaded += segment.isLoad() ? segment.fileSize() : 0;
            notes += segment.type() == ElfImage.PT_NOTE ? segment.fileSize() : 0;
        }
        if (loaded > file.length) {
            throw new ImageException(
                    "is a corrupt ELF file: its segments to load have %d bytes of a file of %d"
                            .formatted(loaded, file.length));
        }
        checkNotes(notes);
    }

    private static void checkNotes(long bytes) throws ImageException {
        if (bytes > MAX_NOTE_BYTES) {
            throw new ImageException(
                    "is a corrupt ELF file: it has %d bytes of notes, and at most %d are accepted"
                            .formatted(bytes, MAX_NOTE_BYTES));
        }
    }

    private static List<Section> readSections(byte[] file) throws ImageException {
        long table = LittleEndian.longAt(file, E_SHOFF);
        int count = LittleEndian.shortAt(file, E_SHNUM);
        int stride = LittleEndian.shortAt(file, E_SHENTSIZE);
        if (table == 0 || count == 0) {
            return List.of();
        }
        checkTable("section", table, count, stride, SHDR_BYTES, file);
        int namesIndex = LittleEndian.shortAt(file, E_SHSTRNDX);
        Section names =
                namesIndex < count
                        ? Section.readFrom(file, (int) table + namesIndex * stride, "")
                        : null;
        List<Section> sections = new ArrayList<>(count);
        long notes = 0;
        for (int i = 0; i < count; i++) {
            int at = (int) table + i * stride;
            Section bare = Section.readFrom(file, at, "");
            if (bare.type() != ElfImage.SHT_NOBITS) {
                checkExtent("section " + i, bare.fileOffset(), bare.size(), file);
            }
            notes += bare.type() == ElfImage.SHT_NOTE ? bare.size() : 0;
            String name =
                    names == null
                            ? ""
                            : stringAt(
                                    file,
                                    names,
                                    LittleEndian.unsignedIntAt(file, at + Section.NAME));
            sections.add(
                    new Section(
                            name,
                            bare.type(),
                            bare.vaddr(),
                            bare.fileOffset(),
                            bare.size(),
                            bare.link()));
        }
        checkNotes(notes);
        return List.copyOf(sections);
    }

    private static void checkTable(
            String what, long offset, int count, int stride, int minimum, byte[] file)
            throws ImageException {
        if (stride < minimum) {
            throw new ImageException(
                    "is a corrupt ELF file: its %s headers have %d bytes instead of %d"
                            .formatted(what, stride, minimum));
        }
        checkExtent("the table of " + what + " headers", offset, (long) count * stride, file);
    }

    private static void checkExtent(String what, long offset, long size, byte[] file)
            throws ImageException {
        if (offset < 0 || size < 0 || size > file.length || offset > file.length - size) {
            throw new ImageException(
                    "is a truncated ELF file: %s ends at byte %s but there are only %d"
                            .formatted(what, Long.toUnsignedString(offset + size), file.length));
        }
    }

    /**
     * A string of a string table, cut if it is long and fit for a terminal, or "" where the table
     * does not hold one.
     */
    static String stringAt(byte[] file, Section table, long offset) {
        boolean usable =
                table.fileOffset() >= 0
                        && table.size() >= 0
                        && table.size() <= file.length
                        && table.fileOffset() <= file.length - table.size()
                        && offset < table.size();
        if (!usable) {
            return "";
        }
        int start = (int) (table.fileOffset() + offset);
        int limit = (int) (table.fileOffset() + table.size());
        int end = start;
        while (end < limit && end - start < MAX_NAME_BYTES && file[end] != 0) {
            end++;
        }
        return Escaped.of(new String(file, start, end - start, StandardCharsets.UTF_8));
    }

    private static String machineName(int machine) {
        return switch (machine) {
            case 3 -> "32-bit x86";
            case 8 -> "MIPS";
            case 20 -> "PowerPC";
            case 21 -> "64-bit PowerPC";
            case 22 -> "IBM S/390";
            case 40 -> "32-bit ARM";
            case 183 -> "64-bit ARM";
            case 243 -> "RISC-V";
            case 258 -> "LoongArch";
            default -> "machine " + machine;
        };
    }
}

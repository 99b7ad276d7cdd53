package org.xenolith.core.image;

import org.xenolith.devices.console.Escaped;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * An ELF64 file for x86-64 in memory: headers as records, contents as read-only slices of the one
 * array that holds the file.
 *
 * <p>Parsing checks every offset once, so that {@link #contents} cannot fail.
 *
 * @see <a href="https://gabi.xinuos.com/">System V gABI, chapters 4 and 5</a>
 */
public final class ElfImage {
    /** {@code p_type} of the segments that a domain builder looks at. */
    public static final int PT_LOAD = 1, PT_NOTE = 4;

    /** {@code p_flags}. */
    public static final int PF_X = 1, PF_W = 2, PF_R = 4;

    static final int SHT_SYMTAB = 2, SHT_NOTE = 7, SHT_NOBITS = 8;
    static final int ET_REL = 1, ET_EXEC = 2, ET_DYN = 3, ET_CORE = 4;

    static final int MAGIC = 0x464c457f; // "\x7fELF"

    private static final int EI_CLASS = 4, EI_DATA = 5;
    private static final int E_TYPE = 16, E_MACHINE = 18, E_ENTRY = 24, E_PHOFF = 32, E_SHOFF = 40;
    private static final int E_PHENTSIZE = 54, E_PHNUM = 56, E_SHENTSIZE = 58;
    private static final int E_SHNUM = 60, E_SHSTRNDX = 62;
    private static final int EHDR_BYTES = 64, PHDR_BYTES = 56, SHDR_BYTES = 64, SYM_BYTES = 24;

    /** Sixty thousand sections, or any number of symbols, may have the same name: all of a file. */
    private static final int MAX_NAME_BYTES = 256;

    /** Of all tables of a file: more than any kernel has. */
    static final int MAX_SYMBOLS = 1 << 21;

    /** Characters of their names together; Ubuntu's kernel has 3.4 million. */
    static final int MAX_SYMBOL_TEXT = 1 << 26;

    /** Kernels have ten; each costs whoever loads the file as much as it claims to hold. */
    private static final int MAX_SEGMENTS = 64;

    /** All notes of a file, by segments and by sections; kernels have some hundred bytes. */
    private static final int MAX_NOTE_BYTES = 1 << 20;

    private static final int CLASS_32 = 1, CLASS_64 = 2, DATA_LSB = 1, EM_X86_64 = 62;

    /**
     * A program header.
     *
     * @param fileOffset first byte in the file
     * @param fileSize bytes in the file; the rest up to {@code memorySize} is zero
     */
    public record Segment(
            int type,
            int flags,
            long fileOffset,
            long vaddr,
            long paddr,
            long fileSize,
            long memorySize,
            long alignment) {
        private static final int TYPE = 0, FLAGS = 4, OFFSET = 8, VADDR = 16, PADDR = 24;
        private static final int FILESZ = 32, MEMSZ = 40, ALIGN = 48;

        static Segment readFrom(byte[] file, int at) {
            return new Segment(
                    LittleEndian.intAt(file, at + TYPE),
                    LittleEndian.intAt(file, at + FLAGS),
                    LittleEndian.longAt(file, at + OFFSET),
                    LittleEndian.longAt(file, at + VADDR),
                    LittleEndian.longAt(file, at + PADDR),
                    LittleEndian.longAt(file, at + FILESZ),
                    LittleEndian.longAt(file, at + MEMSZ),
                    LittleEndian.longAt(file, at + ALIGN));
        }

        public boolean isLoad() {
            return type == PT_LOAD;
        }

        /** "RWX" with a dash for what is missing. */
        public String flagsText() {
            return ((flags & PF_R) != 0 ? "R" : "-")
                    + ((flags & PF_W) != 0 ? "W" : "-")
                    + ((flags & PF_X) != 0 ? "X" : "-");
        }
    }

    /** A section header with its name. */
    public record Section(String name, int type, long vaddr, long fileOffset, long size, int link) {
        private static final int NAME = 0, TYPE = 4, ADDR = 16, OFFSET = 24, SIZE = 32, LINK = 40;
    }

    /** A named address of the symbol table. */
    public record Symbol(String name, long vaddr, long size) {
        private static final int NAME = 0, INFO = 4, SHNDX = 6, VALUE = 8, SIZE = 16;
        private static final int TYPE_MASK = 0xf, STT_SECTION = 3, STT_FILE = 4, SHN_UNDEF = 0;
    }

    private final byte[] file;
    private final int type;
    private final long entry;
    private final List<Segment> segments;
    private final List<Section> sections;

    private ElfImage(
            byte[] file, int type, long entry, List<Segment> segments, List<Section> sections) {
        this.file = file;
        this.type = type;
        this.entry = entry;
        this.segments = segments;
        this.sections = sections;
    }

    static boolean recognises(byte[] file) {
        return file.length >= 4 && LittleEndian.intAt(file, 0) == MAGIC;
    }

    /**
     * Reads the headers; keeps the array, which the caller must not change any more.
     *
     * @throws ImageException if it is no ELF64 file for x86-64, a header points outside the file,
     *     or the headers claim more than a kernel has
     */
    public static ElfImage parse(byte[] file) throws ImageException {
        if (!recognises(file)) {
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
            if (segment.isLoad() || segment.type == PT_NOTE) {
                checkExtent("segment " + i, segment.fileOffset, segment.fileSize, file);
                if (Long.compareUnsigned(segment.fileSize, segment.memorySize) > 0
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
            loaded += segment.isLoad() ? segment.fileSize : 0;
            notes += segment.type == PT_NOTE ? segment.fileSize : 0;
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
                namesIndex < count ? readSection(file, (int) table + namesIndex * stride) : null;
        List<Section> sections = new ArrayList<>(count);
        long notes = 0;
        for (int i = 0; i < count; i++) {
            int at = (int) table + i * stride;
            Section bare = readSection(file, at);
            if (bare.type != SHT_NOBITS) {
                checkExtent("section " + i, bare.fileOffset, bare.size, file);
            }
            notes += bare.type == SHT_NOTE ? bare.size : 0;
            String name =
                    names == null
                            ? ""
                            : stringAt(file, names, LittleEndian.unsignedIntAt(file, at));
            sections.add(
                    new Section(
                            name, bare.type, bare.vaddr, bare.fileOffset, bare.size, bare.link));
        }
        checkNotes(notes);
        return List.copyOf(sections);
    }

    private static Section readSection(byte[] file, int at) {
        return new Section(
                "",
                LittleEndian.intAt(file, at + Section.TYPE),
                LittleEndian.longAt(file, at + Section.ADDR),
                LittleEndian.longAt(file, at + Section.OFFSET),
                LittleEndian.longAt(file, at + Section.SIZE),
                LittleEndian.intAt(file, at + Section.LINK));
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
    private static String stringAt(byte[] file, Section table, long offset) {
        boolean usable =
                table.fileOffset >= 0
                        && table.size >= 0
                        && table.size <= file.length
                        && table.fileOffset <= file.length - table.size
                        && offset < table.size;
        if (!usable) {
            return "";
        }
        int start = (int) (table.fileOffset + offset);
        int limit = (int) (table.fileOffset + table.size);
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

    /** Refuses object files, core dumps and files without anything to load. */
    void requireExecutable() throws ImageException {
        switch (type) {
            case ET_EXEC, ET_DYN -> {}
            case ET_REL ->
                    throw new ImageException(
                            "is an ELF object file (or kernel module), not a kernel");
            case ET_CORE -> throw new ImageException("is an ELF core dump, not a kernel");
            default -> throw new ImageException("is an ELF file but not an executable");
        }
        if (loadSegments().isEmpty()) {
            throw new ImageException("is an ELF file without anything to load");
        }
    }

    /** {@code e_entry}; Xen starts a kernel at its ENTRY note instead. */
    public long entry() {
        return entry;
    }

    /** "EXEC", "DYN", "REL", "CORE" or the number. */
    public String typeText() {
        return switch (type) {
            case ET_REL -> "REL";
            case ET_EXEC -> "EXEC";
            case ET_DYN -> "DYN";
            case ET_CORE -> "CORE";
            default -> "type " + type;
        };
    }

    public int fileSize() {
        return file.length;
    }

    public List<Segment> segments() {
        return segments;
    }

    public List<Segment> loadSegments() {
        return segments.stream().filter(Segment::isLoad).toList();
    }

    /** The whole file, without a copy: for a bzImage, what its payload unpacked to. */
    public MemorySegment contents() {
        return slice(0, file.length);
    }

    /** The segment's bytes in the file, without a copy; {@code memorySize} may be larger. */
    public MemorySegment contents(Segment segment) {
        return slice(segment.fileOffset, segment.fileSize);
    }

    public List<Section> sections() {
        return sections;
    }

    public Optional<Section> section(String name) {
        return sections.stream().filter(section -> section.name.equals(name)).findFirst();
    }

    /** The section's bytes in the file, without a copy; empty for one that has none. */
    public MemorySegment contents(Section section) {
        return section.type == SHT_NOBITS ? slice(0, 0) : slice(section.fileOffset, section.size);
    }

    private MemorySegment slice(long offset, long size) {
        return MemorySegment.ofArray(file).asSlice(offset, size).asReadOnly();
    }

    /**
     * The defined symbols in order of address; empty for a stripped file. Parsed at each call; of a
     * file with more of them than any kernel has, some are left out.
     */
    public List<Symbol> symbols() {
        List<Symbol> symbols = new ArrayList<>();
        long entries = MAX_SYMBOLS;
        long text = MAX_SYMBOL_TEXT;
        for (Section table : sections) {
            if (table.type != SHT_SYMTAB || table.link < 0 || table.link >= sections.size()) {
                continue;
            }
            Section strings = sections.get(table.link);
            long end = table.fileOffset + Math.min(table.size, entries * SYM_BYTES);
            for (long at = table.fileOffset; at + SYM_BYTES <= end && text > 0; at += SYM_BYTES) {
                entries--;
                Symbol symbol = readSymbol((int) at, strings);
                if (symbol != null) {
                    symbols.add(symbol);
                    text -= symbol.name.length();
                }
            }
        }
        symbols.sort(Comparator.comparing(Symbol::vaddr, Long::compareUnsigned));
        return symbols;
    }

    /** Null for what has no place or no name of its own. */
    private Symbol readSymbol(int at, Section strings) {
        int kind = file[at + Symbol.INFO] & Symbol.TYPE_MASK;
        if (LittleEndian.shortAt(file, at + Symbol.SHNDX) == Symbol.SHN_UNDEF
                || kind == Symbol.STT_SECTION
                || kind == Symbol.STT_FILE) {
            return null;
        }
        String name = stringAt(file, strings, LittleEndian.unsignedIntAt(file, at + Symbol.NAME));
        return name.isEmpty()
                ? null
                : new Symbol(
                        name,
                        LittleEndian.longAt(file, at + Symbol.VALUE),
                        LittleEndian.longAt(file, at + Symbol.SIZE));
    }
}

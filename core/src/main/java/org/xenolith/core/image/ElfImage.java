package org.xenolith.core.image;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * An ELF64 file for x86-64 in memory: headers as records, contents as read-only slices of the one
 * array that holds the file.
 *
 * <p>{@link ElfParser} checks every offset once, so that {@link #contents} cannot fail.
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

    private static final int SYM_BYTES = 24;

    /** Of all tables of a file: more than any kernel has. */
    static final int MAX_SYMBOLS = 1 << 21;

    /** Characters of their names together; Ubuntu's kernel has 3.4 million. */
    static final int MAX_SYMBOL_TEXT = 1 << 26;

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
        private static final int TYPE = 4, ADDR = 16, OFFSET = 24, SIZE = 32, LINK = 40;

        /** Offset of what names the section: an offset in the table of strings. */
        static final int NAME = 0;

        static Section readFrom(byte[] file, int at, String name) {
            return new Section(
                    name,
                    LittleEndian.intAt(file, at + TYPE),
                    LittleEndian.longAt(file, at + ADDR),
                    LittleEndian.longAt(file, at + OFFSET),
                    LittleEndian.longAt(file, at + SIZE),
                    LittleEndian.intAt(file, at + LINK));
        }
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

    ElfImage(byte[] file, int type, long entry, List<Segment> segments, List<Section> sections) {
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
        return ElfParser.parse(file);
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
        String name =
                ElfParser.stringAt(
                        file, strings, LittleEndian.unsignedIntAt(file, at + Symbol.NAME));
        return name.isEmpty()
                ? null
                : new Symbol(
                        name,
                        LittleEndian.longAt(file, at + Symbol.VALUE),
                        LittleEndian.longAt(file, at + Symbol.SIZE));
    }
}

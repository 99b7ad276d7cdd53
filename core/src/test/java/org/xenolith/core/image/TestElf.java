package org.xenolith.core.image;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Builds small ELF files: one loadable segment, notes, optional sections and symbols. */
public final class TestElf {
    static final long VADDR = 0xffffffff81000000L;
    static final long PADDR = 0x1000000;
    static final long ENTRY = VADDR + 0x1c0;

    private static final int EHDR = 64, PHDR = 56, SHDR = 64;

    private record Part(String name, int type, int link, long vaddr, byte[] data) {}

    private final List<byte[]> notes = new ArrayList<>();
    private final List<Part> sections = new ArrayList<>();
    private int machine = 62;
    private int elfClass = 2;
    private int type = ElfImage.ET_EXEC;
    private boolean load = true;
    private boolean notesInSection;
    private byte[] text = "kernel text".repeat(400).getBytes(StandardCharsets.US_ASCII);

    /** A kernel with the notes that a PV guest must have. */
    static TestElf pvKernel() {
        return new TestElf()
                .note(XenElfNote.ENTRY, number(ENTRY))
                .note(XenElfNote.VIRT_BASE, number(0xffffffff80000000L))
                .note(XenElfNote.XEN_VERSION, text("xen-3.0"))
                .note(XenElfNote.GUEST_OS, text("linux"))
                .note(XenElfNote.LOADER, text("generic"));
    }

    static byte[] number(long value) {
        return ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array();
    }

    static byte[] text(String value) {
        return (value + "\0").getBytes(StandardCharsets.US_ASCII);
    }

    TestElf note(XenElfNote note, byte[] value) {
        return note("Xen", note.number(), value);
    }

    TestElf note(String owner, int number, byte[] value) {
        byte[] name = text(owner);
        ByteBuffer record =
                ByteBuffer.allocate(12 + padded(name.length) + padded(value.length))
                        .order(ByteOrder.LITTLE_ENDIAN);
        record.putInt(name.length).putInt(value.length).putInt(number);
        record.put(12, name).put(12 + padded(name.length), value);
        notes.add(record.array());
        return this;
    }

    TestElf machine(int number) {
        machine = number;
        return this;
    }

    TestElf elfClass(int number) {
        elfClass = number;
        return this;
    }

    TestElf type(int number) {
        type = number;
        return this;
    }

    TestElf withoutLoad() {
        load = false;
        return this;
    }

    TestElf text(byte[] contents) {
        text = contents;
        return this;
    }

    TestElf notesInSection() {
        notesInSection = true;
        return this;
    }

    public TestElf section(String name, int sectionType, byte[] data) {
        sections.add(new Part(name, sectionType, 0, 0, data));
        return this;
    }

    TestElf symbol(String name, long vaddr, long size) {
        byte[] strings = text("\0" + name);
        ByteBuffer symbols = ByteBuffer.allocate(2 * 24).order(ByteOrder.LITTLE_ENDIAN);
        symbols.position(24);
        symbols.putInt(1).put((byte) 0x12).put((byte) 0).putShort((short) 1);
        symbols.putLong(vaddr).putLong(size);
        // Index 0 is the null section: the string table comes right behind the symbols.
        sections.add(
                new Part(".symtab", ElfImage.SHT_SYMTAB, sections.size() + 2, 0, symbols.array()));
        sections.add(new Part(".strtab", 3, 0, 0, strings));
        return this;
    }

    private static int padded(int size) {
        return size + 3 & ~3;
    }

    public byte[] build() {
        ByteArrayOutputStream run = new ByteArrayOutputStream();
        notes.forEach(run::writeBytes);
        byte[] noteBytes = run.toByteArray();
        if (notesInSection) {
            section(".notes", ElfImage.SHT_NOTE, noteBytes);
        }
        boolean noteSegment = !notesInSection && noteBytes.length > 0;
        int segments = (load ? 1 : 0) + (noteSegment ? 1 : 0);
        int textAt = EHDR + segments * PHDR;
        int notesAt = textAt + text.length;
        int sectionsAt = notesAt + noteBytes.length;

        ByteArrayOutputStream names = new ByteArrayOutputStream();
        names.write(0);
        List<Integer> nameOffsets = new ArrayList<>();
        for (Part part : sections) {
            nameOffsets.add(names.size());
            names.writeBytes(text(part.name));
        }
        int dataBytes = sections.stream().mapToInt(part -> part.data.length).sum();
        int namesAt = sectionsAt + dataBytes;
        boolean table = !sections.isEmpty();
        int count = table ? sections.size() + 2 : 0;
        int tableAt = namesAt + names.size();

        ByteBuffer file =
                ByteBuffer.allocate(table ? tableAt + count * SHDR : sectionsAt)
                        .order(ByteOrder.LITTLE_ENDIAN);
        file.putInt(ElfImage.MAGIC).put((byte) elfClass).put((byte) 1).put((byte) 1);
        file.position(16);
        file.putShort((short) type).putShort((short) machine).putInt(1).putLong(PADDR);
        file.putLong(segments == 0 ? 0 : EHDR).putLong(table ? tableAt : 0).putInt(0);
        file.putShort((short) EHDR).putShort((short) PHDR).putShort((short) segments);
        file.putShort((short) SHDR).putShort((short) count).putShort((short) (count - 1));
        if (load) {
            file.putInt(ElfImage.PT_LOAD).putInt(ElfImage.PF_R | ElfImage.PF_X);
            file.putLong(textAt).putLong(VADDR).putLong(PADDR);
            file.putLong(text.length).putLong(text.length + 0x1000).putLong(0x200000);
        }
        if (noteSegment) {
            file.putInt(ElfImage.PT_NOTE).putInt(ElfImage.PF_R);
            file.putLong(notesAt).putLong(0).putLong(0);
            file.putLong(noteBytes.length).putLong(noteBytes.length).putLong(4);
        }
        file.put(textAt, text).put(notesAt, noteBytes);
        if (table) {
            int at = sectionsAt;
            for (int i = 0; i < sections.size(); i++) {
                Part part = sections.get(i);
                file.put(at, part.data);
                file.position(tableAt + (i + 1) * SHDR);
                sectionHeader(file, nameOffsets.get(i), part, at);
                at += part.data.length;
            }
            file.put(namesAt, names.toByteArray());
            file.position(tableAt + (count - 1) * SHDR);
            sectionHeader(file, 0, new Part("", 3, 0, 0, names.toByteArray()), namesAt);
        }
        return file.array();
    }

    private static void sectionHeader(ByteBuffer file, int name, Part part, int at) {
        file.putInt(name).putInt(part.type).putLong(0).putLong(part.vaddr);
        file.putLong(at).putLong(part.data.length).putInt(part.link);
    }
}

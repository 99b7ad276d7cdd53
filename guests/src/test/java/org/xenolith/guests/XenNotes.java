package org.xenolith.guests;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;

/**
 * As much of an ELF file as a domain builder looks at first: its kind and the notes of owner "Xen".
 * ELF-64 object file format; xen/include/public/elfnote.h.
 */
record XenNotes(int elfClass, int type, int machine, Map<Integer, byte[]> notes) {
    static final int ELFCLASS64 = 2;
    static final int ET_EXEC = 2;
    static final int EM_X86_64 = 62;

    static final int ENTRY = 1;
    static final int HYPERCALL_PAGE = 2;
    static final int VIRT_BASE = 3;
    static final int PADDR_OFFSET = 4;
    static final int XEN_VERSION = 5;
    static final int GUEST_OS = 6;
    static final int LOADER = 8;
    static final int FEATURES = 10;

    private static final int MAGIC = 0x464c457f; // 7f 'E' 'L' 'F'
    private static final int EI_CLASS = 4;
    private static final int E_TYPE = 16;
    private static final int E_MACHINE = 18;
    private static final int E_PHOFF = 32;
    private static final int E_PHENTSIZE = 54;
    private static final int E_PHNUM = 56;
    private static final int PT_NOTE = 4;
    private static final int P_OFFSET = 8;
    private static final int P_FILESZ = 32;
    private static final int NOTE_HEADER = 12;

    static XenNotes readFrom(byte[] image) {
        ByteBuffer elf = ByteBuffer.wrap(image).order(ByteOrder.LITTLE_ENDIAN);
        if (elf.getInt(0) != MAGIC) {
            throw new IllegalArgumentException("not an ELF file");
        }
        Map<Integer, byte[]> notes = new TreeMap<>();
        for (int i = 0; i < elf.getShort(E_PHNUM); i++) {
            int header = (int) elf.getLong(E_PHOFF) + i * elf.getShort(E_PHENTSIZE);
            if (elf.getInt(header) == PT_NOTE) {
                int start = (int) elf.getLong(header + P_OFFSET);
                collect(elf, start, start + (int) elf.getLong(header + P_FILESZ), notes);
            }
        }
        return new XenNotes(
                elf.get(EI_CLASS), elf.getShort(E_TYPE), elf.getShort(E_MACHINE), notes);
    }

    private static void collect(ByteBuffer elf, int start, int end, Map<Integer, byte[]> notes) {
        for (int at = start; at + NOTE_HEADER <= end; ) {
            int nameSize = elf.getInt(at);
            int valueSize = elf.getInt(at + 4);
            int type = elf.getInt(at + 8);
            int value = at + NOTE_HEADER + padded(nameSize);
            if (text(bytes(elf, at + NOTE_HEADER, nameSize)).equals("Xen")) {
                notes.put(type, bytes(elf, value, valueSize));
            }
            at = value + padded(valueSize);
        }
    }

    long number(int type) {
        return ByteBuffer.wrap(notes.get(type)).order(ByteOrder.LITTLE_ENDIAN).getLong();
    }

    String text(int type) {
        return text(notes.get(type));
    }

    private static String text(byte[] zeroTerminated) {
        return new String(zeroTerminated, 0, zeroTerminated.length - 1, StandardCharsets.US_ASCII);
    }

    private static byte[] bytes(ByteBuffer elf, int offset, int length) {
        byte[] copy = new byte[length];
        elf.get(offset, copy);
        return copy;
    }

    private static int padded(int size) {
        return size + 3 & ~3;
    }
}

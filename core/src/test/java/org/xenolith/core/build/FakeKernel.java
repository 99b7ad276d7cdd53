package org.xenolith.core.build;

import org.xenolith.core.image.ElfImage;
import org.xenolith.core.image.ImageException;
import org.xenolith.core.image.XenElfNote;
import org.xenolith.core.image.XenNotes;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * An ELF file with Xen notes and a few bytes in each segment: kernels of any shape without a
 * kernel.
 */
final class FakeKernel {
    private static final int EHDR = 64, PHDR = 56;

    private record Load(long vaddr, long paddr, byte[] contents, long memorySize) {}

    private final List<Load> loads = new ArrayList<>();
    private final ByteArrayOutputStream notes = new ByteArrayOutputStream();

    /** The shape of Debian 12's cloud kernel. */
    static FakeKernel likeDebian() {
        return new FakeKernel()
                .load(0xffffffff81000000L, 0x1000000, "text", 0x1826634)
                .load(0xffffffff82a00000L, 0x2a00000, "data", 0x61a000)
                .load(0, 0x301a000, "per-cpu", 0x34000)
                .load(0xffffffff8304e000L, 0x304e000, "init", 0xdb2000)
                .note(XenElfNote.ENTRY, 0xffffffff8304e1c0L)
                .note(XenElfNote.VIRT_BASE, 0xffffffff80000000L)
                .note(XenElfNote.PADDR_OFFSET, 0)
                .note(XenElfNote.INIT_P2M, 0x8000000000L)
                .note(XenElfNote.MOD_START_PFN, 1);
    }

    /** An older kernel: hypercall page, initrd and p2m list in its linear mapping. */
    static FakeKernel old() {
        return new FakeKernel()
                .load(0xffffffff80100000L, 0x100000, "text", 0x10000)
                .note(XenElfNote.ENTRY, 0xffffffff80100000L)
                .note(XenElfNote.VIRT_BASE, 0xffffffff80000000L)
                .note(XenElfNote.HYPERCALL_PAGE, 0xffffffff80108000L);
    }

    FakeKernel load(long vaddr, long paddr, String contents, long memorySize) {
        loads.add(new Load(vaddr, paddr, contents.getBytes(StandardCharsets.US_ASCII), memorySize));
        return this;
    }

    FakeKernel note(XenElfNote note, long value) {
        ByteBuffer out = ByteBuffer.allocate(24).order(ByteOrder.LITTLE_ENDIAN);
        out.putInt(4)
                .putInt(8)
                .putInt(note.number())
                .put("Xen\0".getBytes(StandardCharsets.US_ASCII));
        out.putLong(value);
        notes.writeBytes(out.array());
        return this;
    }

    ElfImage elf() {
        try {
            return ElfImage.parse(file());
        } catch (ImageException e) {
            throw new AssertionError(e);
        }
    }

    BuildRequest request(long pages, byte[] initrd, String commandLine) {
        ElfImage elf = elf();
        return new BuildRequest(elf, XenNotes.of(elf), initrd, pages, commandLine, 1, 2);
    }

    private byte[] file() {
        int headers = EHDR + PHDR * (loads.size() + 1);
        int size = headers + notes.size() + loads.stream().mapToInt(l -> l.contents.length).sum();
        ByteBuffer out = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
        out.putInt(0x464c457f).put((byte) 2).put((byte) 1).put((byte) 1).position(16);
        out.putShort((short) 2).putShort((short) 62).putInt(1).putLong(0x1000000);
        out.putLong(EHDR).putLong(0).putInt(0).putShort((short) EHDR).putShort((short) PHDR);
        out.putShort((short) (loads.size() + 1)).putShort((short) 64).putShort((short) 0);
        out.putShort((short) 0);
        int at = headers;
        programHeader(out, 4, at, 0, 0, notes.size(), notes.size());
        at += notes.size();
        for (Load load : loads) {
            programHeader(
                    out, 1, at, load.vaddr, load.paddr, load.contents.length, load.memorySize);
            at += load.contents.length;
        }
        out.put(notes.toByteArray());
        loads.forEach(load -> out.put(load.contents));
        return out.array();
    }

    private static void programHeader(
            ByteBuffer out,
            int type,
            long offset,
            long vaddr,
            long paddr,
            long filesz,
            long memsz) {
        out.putInt(type).putInt(7).putLong(offset).putLong(vaddr).putLong(paddr);
        out.putLong(filesz).putLong(memsz).putLong(4);
    }
}

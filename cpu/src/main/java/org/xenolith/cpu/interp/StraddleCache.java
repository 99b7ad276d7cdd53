package org.xenolith.cpu.interp;

import org.xenolith.cpu.decode.CodeSize;
import org.xenolith.cpu.decode.Decoder;
import org.xenolith.cpu.decode.Instruction;
import org.xenolith.cpu.mmu.Mmu;
import org.xenolith.cpu.mmu.Ram;

import java.util.Arrays;

/**
 * Single instructions by linear address, per vCPU: those whose bytes lie in two pages and so belong
 * to no frame, and those that are stepped through. They are compared with memory each time they
 * run.
 */
final class StraddleCache {
    private static final int SLOTS = 256;
    private static final int MAX_LENGTH = 15;

    private record Entry(long rip, CodePage page, byte[] bytes, Block block) {}

    private final BlockBuilder builder;
    private final CodeSize size;

    /** Bits of an address that count. */
    private final long mask;

    private final Entry[] entries = new Entry[SLOTS];
    private final byte[] bytes = new byte[MAX_LENGTH];
    private final Instruction scratch = new Instruction();

    StraddleCache(BlockBuilder builder, CodeSize size) {
        this.builder = builder;
        this.size = size;
        mask = size == CodeSize.CODE_64 ? -1 : Registers.LOW_32;
    }

    /** Lets go of all: where they are jumps, they remember the blocks that they have led to. */
    void forget() {
        Arrays.fill(entries, null);
    }

    /**
     * A block of the one instruction at {@code rip}, which starts in {@code page}.
     *
     * @throws org.xenolith.cpu.GuestFault when the next page cannot be fetched; CR2 is its first
     *     byte
     */
    Block block(Mmu mmu, CodePage page, long rip) {
        int first = (int) Math.min(MAX_LENGTH, Ram.PAGE_SIZE - (rip & Ram.PAGE_OFFSET));
        Arrays.fill(bytes, (byte) 0);
        Ram.read(page.hostBase() | rip & Ram.PAGE_OFFSET, bytes, 0, first);
        // The next page is fetched from only if the instruction reaches into it.
        if (Decoder.decode(size, bytes, 0, first, scratch) == Decoder.NEED_MORE) {
            Ram.read(mmu.hostForFetch(rip + first & mask), bytes, first, MAX_LENGTH - first);
        }
        int slot = (int) (rip ^ rip >>> 12) & SLOTS - 1;
        Entry entry = entries[slot];
        if (entry == null
                || entry.rip != rip
                || entry.page != page
                || !Arrays.equals(entry.bytes, bytes)) {
            byte[] copy = bytes.clone();
            Block block = builder.buildOne(page, (int) (rip & Ram.PAGE_OFFSET), copy);
            entry = new Entry(rip, page, copy, block);
            entries[slot] = entry;
        }
        return entry.block;
    }
}

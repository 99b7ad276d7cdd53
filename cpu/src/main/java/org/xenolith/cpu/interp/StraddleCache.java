package org.xenolith.cpu.interp;

import java.util.Arrays;
import org.xenolith.cpu.mmu.Mmu;
import org.xenolith.cpu.mmu.Ram;

/**
 * Instructions whose bytes lie in two pages. They belong to no frame, so they are kept per vCPU by linear
 * address and compared with memory each time they run.
 */
final class StraddleCache {
    private static final int SLOTS = 256;
    private static final int MAX_LENGTH = 15;

    private record Entry(long rip, CodePage page, byte[] bytes, Block block) {}

    private final BlockBuilder builder;
    private final Entry[] entries = new Entry[SLOTS];
    private final byte[] bytes = new byte[MAX_LENGTH];

    StraddleCache(BlockBuilder builder) {
        this.builder = builder;
    }

    /**
     * A block of the one instruction at {@code rip}, which starts in {@code page} and does not end there.
     *
     * @throws org.xenolith.cpu.GuestFault when the next page cannot be fetched; CR2 is its first byte
     */
    Block block(Mmu mmu, CodePage page, long rip) {
        int first = (int) (Ram.PAGE_SIZE - (rip & Ram.PAGE_OFFSET));
        int length = MAX_LENGTH;
        Ram.read(page.hostBase() | rip & Ram.PAGE_OFFSET, bytes, 0, Math.min(first, length));
        if (first < length) {
            Ram.read(mmu.hostForFetch(rip + first), bytes, first, length - first);
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

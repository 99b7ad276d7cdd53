package org.xenolith.cpu.mmu;

import static org.xenolith.cpu.mmu.Ram.PAGE_OFFSET;
import static org.xenolith.cpu.mmu.Ram.PAGE_SHIFT;

import java.util.Arrays;
import java.util.function.LongConsumer;

/**
 * Layout of a vCPU's TLB: one array of interleaved entries, of which each is a word that some slot
 * may use, a write tag, a frame and a read tag. A tag is the page's linear address with the ASID of
 * its half of the address space in the low 12 bits. The frame is only used after a tag matched. A
 * write tag is present only for frames that may be written without anybody noticing: not page
 * tables, not frames with code.
 *
 * <p>Each access masks the index with the array's length less one: C2 sees that such an index is
 * below the length, and leaves the comparison and the way out behind it away.
 *
 * <p>Frames are shifted left as far as offsets into the pool allow. The shift back tells C2 how
 * large a frame can be, so that the pool's own check of the bounds is known to hold, too, and only
 * in-page bits are added to it: a wrong one cannot leave the frame.
 */
final class Tlb {
    private static final int ENTRIES = 8192;
    static final int WORDS_PER_ENTRY = 4;

    /** From the last word of an entry, which {@link #entry} leads to. */
    static final int READ_TAG = 0, FRAME = -1, WRITE_TAG = -2;

    /** A page's number times the words of an entry. */
    static final int ENTRY_SHIFT = PAGE_SHIFT - 2;

    /**
     * Slots are entries for {@link SlotAccess}, in the first words, otherwise unused, of entries of
     * the table: for each slot its page, without an ASID since it holds for the loaded root only,
     * how far behind it its frame lies in the pool, and a limit that offsets into the page must be
     * below, 0 while it holds nothing. The limits stand together, so that few cache lines are
     * touched when all are cleared.
     */
    static final int SLOTS = 64;

    static final int WORDS_PER_SLOT = 2 * WORDS_PER_ENTRY;
    static final int SLOT_DISTANCE = WORDS_PER_ENTRY;

    /** Where the limit of the first slot is; that of the next is in the next entry. */
    static final int SLOT_LIMITS = SLOTS * WORDS_PER_SLOT;

    /** Where it is said whether any slot may hold something: {@link #INVALID} if none. */
    static final int SLOTS_USED = SLOT_LIMITS + SLOTS * WORDS_PER_ENTRY;

    /** Matches no address: tags hold a page address, and in the low bits an ASID that is less. */
    static final long INVALID = -1;

    private Tlb() {}

    static long[] create() {
        return new long[ENTRIES * WORDS_PER_ENTRY];
    }

    static void clear(long[] tlb) {
        Arrays.fill(tlb, INVALID);
        tlb[SLOTS_USED] = 0;
        clearSlots(tlb);
    }

    /** Where the entry of a page is, to be masked; it does not depend on the ASID. */
    static int entry(long vaddr) {
        return (int) (vaddr >>> ENTRY_SHIFT) | WORDS_PER_ENTRY - 1;
    }

    static long readTag(long[] tlb, long vaddr) {
        return tlb[entry(vaddr) + READ_TAG & tlb.length - 1];
    }

    static long writeTag(long[] tlb, long vaddr) {
        return tlb[entry(vaddr) + WRITE_TAG & tlb.length - 1];
    }

    /** Host address of a byte, by its linear address and the entry of its page. */
    static long host(long[] tlb, long vaddr) {
        return frame(tlb[entry(vaddr) + FRAME & tlb.length - 1]) + (vaddr & PAGE_OFFSET);
    }

    static long frame(long word) {
        return word >>> Ram.SPARE_BITS;
    }

    static void set(long[] tlb, long vaddr, long base, long readTag, long writeTag) {
        tlb[entry(vaddr) + FRAME & tlb.length - 1] = base << Ram.SPARE_BITS;
        tlb[entry(vaddr) + READ_TAG & tlb.length - 1] = readTag;
        tlb[entry(vaddr) + WRITE_TAG & tlb.length - 1] = writeTag;
    }

    static void drop(long[] tlb, long vaddr) {
        tlb[entry(vaddr) + READ_TAG & tlb.length - 1] = INVALID;
        tlb[entry(vaddr) + WRITE_TAG & tlb.length - 1] = INVALID;
    }

    // ---- all slots

    static void clearSlots(long[] tlb) {
        if (tlb[SLOTS_USED] != INVALID) {
            for (int slot = 0; slot < SLOTS; slot++) {
                tlb[SLOT_LIMITS + slot * WORDS_PER_ENTRY] = 0;
            }
            tlb[SLOTS_USED] = INVALID;
        }
    }

    // ---- all entries

    static void forEachWritableFrame(long[] tlb, LongConsumer action) {
        for (int slot = 1; slot < SLOTS; slot += 2) {
            if (tlb[SLOT_LIMITS + slot * WORDS_PER_ENTRY] != 0) {
                int at = slot * WORDS_PER_SLOT;
                action.accept(tlb[at] + tlb[at + SLOT_DISTANCE]);
            }
        }
        for (int i = WORDS_PER_ENTRY - 1; i < tlb.length; i += WORDS_PER_ENTRY) {
            if (tlb[i + WRITE_TAG] != INVALID) {
                action.accept(frame(tlb[i + FRAME]));
            }
        }
    }

    static void dropWrites(long[] tlb, long base) {
        for (int i = WORDS_PER_ENTRY - 1; i < tlb.length; i += WORDS_PER_ENTRY) {
            if (tlb[i + FRAME] == base << Ram.SPARE_BITS) {
                tlb[i + WRITE_TAG] = INVALID;
            }
        }
    }

    static void dropAllWrites(long[] tlb) {
        for (int i = WORDS_PER_ENTRY - 1; i < tlb.length; i += WORDS_PER_ENTRY) {
            tlb[i + WRITE_TAG] = INVALID;
        }
    }

    static void dropFrame(long[] tlb, long base) {
        for (int i = WORDS_PER_ENTRY - 1; i < tlb.length; i += WORDS_PER_ENTRY) {
            if (tlb[i + FRAME] == base << Ram.SPARE_BITS) {
                tlb[i + READ_TAG] = INVALID;
                tlb[i + WRITE_TAG] = INVALID;
            }
        }
    }
}

package org.xenolith.cpu.interp;

import org.xenolith.cpu.mmu.FetchListener;
import org.xenolith.cpu.mmu.Ram;

import java.util.Arrays;

/**
 * Where jumps of one vCPU have led: blocks by linear address and ASID. It spares the way over fetch
 * TLB, page and the page's table, each of which is far from the processor where code does not
 * repeat itself soon.
 *
 * <p>Entries of one page stand side by side, so that a page that leaves the TLB can be forgotten
 * quickly, and those of other pages in between, so that few cache lines hold many. Whether a block
 * may still be entered is for the caller to see.
 */
final class JumpCache implements FetchListener {
    private static final int ENTRIES = 1 << 14;

    /** Where entries of one page may stand: side by side, from a place that its address gives. */
    private static final int WINDOW_BITS = 6;

    private static final int WINDOW = 1 << WINDOW_BITS;
    private static final long GOLDEN_RATIO = 0x9E37_79B9_7F4A_7C15L;

    /** Matches no address: an ASID is smaller. */
    private static final long NOTHING = -1;

    private static final int LAST_WINDOW = ENTRIES - WINDOW;

    private final long[] keys = new long[ENTRIES];
    private final Op[] entries = new Op[ENTRIES];
    private final Block[] blocks = new Block[ENTRIES];

    JumpCache() {
        Arrays.fill(keys, NOTHING);
    }

    /** First place for entries of a page, 0 to {@link #LAST_WINDOW}. */
    private static int window(long vaddr) {
        long hash = (vaddr >>> Ram.PAGE_SHIFT) * GOLDEN_RATIO >>> Integer.SIZE;
        return (int) (hash * LAST_WINDOW >>> Integer.SIZE);
    }

    private static int index(long vaddr) {
        int offset = (int) (vaddr ^ vaddr >>> WINDOW_BITS) & WINDOW - 1;
        return window(vaddr) + offset;
    }

    /** The 16 upper bits of a canonical address are copies: 12 of them make room for the ASID. */
    static long key(long vaddr, long asid) {
        return vaddr << Ram.PAGE_SHIFT | asid;
    }

    /**
     * The entry of the block that a jump to an address has led to.
     *
     * @return null when it is not known; what is returned may not be {@link Op#enterable} any more
     */
    Op find(long vaddr, long asid) {
        int i = index(vaddr);
        return keys[i] == key(vaddr, asid) ? entries[i] : null;
    }

    /** The block of an entry that {@link #find} has just returned. */
    Block block(long vaddr) {
        return blocks[index(vaddr)];
    }

    /** A jump has led to a block, by a valid entry of the fetch TLB. */
    void add(long vaddr, long asid, Block block) {
        int i = index(vaddr);
        keys[i] = key(vaddr, asid);
        entries[i] = block.entry;
        blocks[i] = block;
    }

    @Override
    public void pageDropped(long vaddr) {
        int first = window(vaddr);
        Arrays.fill(keys, first, first + WINDOW, NOTHING);
    }

    @Override
    public void allDropped() {
        Arrays.fill(keys, NOTHING);
        Arrays.fill(entries, null);
        Arrays.fill(blocks, null);
    }
}

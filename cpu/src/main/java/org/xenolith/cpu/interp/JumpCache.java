package org.xenolith.cpu.interp;

import org.xenolith.cpu.mmu.Mmu;
import org.xenolith.cpu.mmu.Ram;

import java.util.Arrays;

/**
 * Where jumps of one vCPU have led: blocks by linear address and ASID. It spares the way over fetch
 * TLB, page and the page's table, each of which is far from the processor where code does not
 * repeat itself soon.
 *
 * <p>Entries of one page stand side by side, so that a page that leaves the TLB can be forgotten
 * quickly. Whether a block may still be entered is for the caller to see.
 */
final class JumpCache implements Mmu.FetchListener {
    private static final int SLOT_BITS = 6;
    private static final int SLOTS = 1 << SLOT_BITS;
    private static final int SETS = 128;

    /** Matches no address: an ASID is smaller. */
    private static final long NOTHING = -1;

    private final long[] keys = new long[SETS * SLOTS];
    private final Op[] entries = new Op[SETS * SLOTS];
    private final Block[] blocks = new Block[SETS * SLOTS];

    JumpCache() {
        Arrays.fill(keys, NOTHING);
    }

    private static int set(long vaddr) {
        long page = vaddr >>> Ram.PAGE_SHIFT;
        return (int) (page ^ page >>> 7) & SETS - 1;
    }

    private static int index(long vaddr) {
        int offset = (int) (vaddr ^ vaddr >>> SLOT_BITS) & SLOTS - 1;
        return set(vaddr) << SLOT_BITS | offset;
    }

    /** The 16 upper bits of a canonical address are copies: 12 of them make room for the ASID. */
    private static long key(long vaddr, long asid) {
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
        int first = set(vaddr) << SLOT_BITS;
        Arrays.fill(keys, first, first + SLOTS, NOTHING);
    }

    @Override
    public void allDropped() {
        Arrays.fill(keys, NOTHING);
        Arrays.fill(entries, null);
        Arrays.fill(blocks, null);
    }
}

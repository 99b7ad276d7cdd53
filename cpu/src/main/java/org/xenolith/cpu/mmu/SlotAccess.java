package org.xenolith.cpu.mmu;

import java.lang.invoke.VarHandle;

/**
 * Loads and stores of translated code as in {@link TlbAccess}, for places that mostly find the page
 * they found before: a slot of the TLB keeps it, and its number is part of the code, so that
 * nothing has to be computed from the address to find the entry. Where the slot holds another page,
 * the entry of the table is looked up and copied to it.
 *
 * <p>A slot says nothing that the table has not said, since whatever takes an entry of the table
 * back clears all slots: {@link Mmu#setRoot}, {@link Mmu#dropPage}, {@link Mmu#dropWrites}, {@link
 * Mmu#dropAllWrites} and {@link Mmu#dropFrame}. These run on the vCPU's thread outside of units; a
 * sibling's wishes wait in the {@link TlbMailbox} for that. So permission to write goes from slots
 * and table at once. An entry that only makes room for another one stays in its slot, rightly: its
 * page leads where it led.
 */
public final class SlotAccess {
    /** Numbers of slots are less; even ones are for loads, odd ones for stores. */
    public static final int SLOTS = Tlb.SLOTS;

    private static final int FOR_LOAD = Tlb.READ_TAG;
    private static final int FOR_STORE = Tlb.WRITE_TAG;

    /** Offsets of operands of up to 8 bytes that lie in one page are below. */
    private static final long LIMIT = Ram.PAGE_SIZE - (Long.BYTES - 1);

    private SlotAccess() {}

    /**
     * Host address of an operand. All in one method: C2 does not inline what is called rarely, and
     * a call, however rare, costs a loop its registers.
     *
     * <p>One comparison says that the slot holds something, that it is this page, and that the
     * operand ends in it; an address below the page is a large offset. From there the frame is as
     * far away as the slot says. The sum needs no mask to be right, but with it C2 knows that the
     * pool's own check of its bounds holds.
     *
     * <p>What several accesses compute from one address C2 computes once, in front of them all:
     * also what they only need where their slots hold another page, each time and mostly for
     * nothing, and where many ways part, as in a bytecode interpreter, for all of them. So there
     * the address is made anew from its offset and the slot's page, which is loaded once more
     * behind a fence, where no access finds it but this one.
     *
     * @param last byte of the operand, from its first; it must lie in the same page
     * @param slot its number
     * @param access {@link #FOR_LOAD} or {@link #FOR_STORE}
     */
    private static long host(long[] tlb, long asid, long vaddr, int last, int slot, int access) {
        int at = slot * Tlb.WORDS_PER_SLOT;
        int limit = Tlb.SLOT_LIMITS + slot * Tlb.WORDS_PER_ENTRY;
        long offset = vaddr - tlb[at];
        if (Long.compareUnsigned(offset, tlb[limit]) < 0) {
            return vaddr + tlb[at + Tlb.SLOT_DISTANCE] & Ram.ADDRESS_MASK;
        }
        // The address, by way of what no other place has: see above.
        VarHandle.acquireFence();
        long missed = offset + tlb[at];
        int entry = (int) (missed >>> Tlb.ENTRY_SHIFT) | Tlb.WORDS_PER_ENTRY - 1;
        if (tlb[entry + access & tlb.length - 1] != (missed + last & Ram.PAGE_MASK | asid)) {
            throw TlbMiss.INSTANCE;
        }
        long frame = Tlb.frame(tlb[entry + Tlb.FRAME & tlb.length - 1]);
        tlb[Tlb.SLOTS_USED] = 0;
        tlb[at] = missed & Ram.PAGE_MASK;
        tlb[at + Tlb.SLOT_DISTANCE] = frame - (missed & Ram.PAGE_MASK);
        tlb[limit] = LIMIT;
        return frame + (missed & Ram.PAGE_OFFSET);
    }

    // ---- loads

    /** Loads a byte, sign-extended. */
    public static int load8(long[] tlb, long asid, long vaddr, int slot) {
        return TlbAccess.get8(host(tlb, asid, vaddr, 0, slot, FOR_LOAD));
    }

    /** Loads two bytes, sign-extended. */
    public static int load16(long[] tlb, long asid, long vaddr, int slot) {
        return TlbAccess.get16(host(tlb, asid, vaddr, 1, slot, FOR_LOAD));
    }

    public static int load32(long[] tlb, long asid, long vaddr, int slot) {
        return TlbAccess.get32(host(tlb, asid, vaddr, 3, slot, FOR_LOAD));
    }

    public static long load64(long[] tlb, long asid, long vaddr, int slot) {
        return TlbAccess.get64(host(tlb, asid, vaddr, 7, slot, FOR_LOAD));
    }

    // ---- addresses for stores

    public static long writable8(long[] tlb, long asid, long vaddr, int slot) {
        return host(tlb, asid, vaddr, 0, slot, FOR_STORE);
    }

    public static long writable16(long[] tlb, long asid, long vaddr, int slot) {
        return host(tlb, asid, vaddr, 1, slot, FOR_STORE);
    }

    public static long writable32(long[] tlb, long asid, long vaddr, int slot) {
        return host(tlb, asid, vaddr, 3, slot, FOR_STORE);
    }

    public static long writable64(long[] tlb, long asid, long vaddr, int slot) {
        return host(tlb, asid, vaddr, 7, slot, FOR_STORE);
    }
}

package org.xenolith.cpu.interp;

import org.xenolith.cpu.mmu.Mmu;
import org.xenolith.cpu.mmu.Ram;

import java.util.Arrays;

/**
 * Where units of one vCPU have led: the operation of the next unit, by linear address and ASID,
 * once {@link UnitOp#isWhole} holds for it there. A look-up takes a third of the instructions that
 * one in the {@link JumpCache} does, and counts no entry: what has a unit is hot already.
 */
final class UnitLinks implements Mmu.FetchListener {
    private static final int SLOTS = 1 << 10;

    /** Entries of a kernel's functions differ above bit 4, those of one function below. */
    private static final int FOLD = 9;

    private static final long NOTHING = -1;

    private final long[] keys = new long[SLOTS];
    private final UnitOp[] units = new UnitOp[SLOTS];

    /** When each entry was made, in drops. */
    private final long[] ages = new long[SLOTS];

    /** Pages are dropped often: old entries just match no more. */
    private long drops;

    UnitLinks() {
        Arrays.fill(keys, NOTHING);
    }

    /** To be masked. */
    private static int slot(long key) {
        int bits = (int) (key >>> Ram.PAGE_SHIFT);
        return bits ^ bits >>> FOLD;
    }

    /**
     * The operation that stands for a unit at an address.
     *
     * @param key of the address, by {@link JumpCache#key}
     * @return null when none is known; what is returned may not be {@link Op#enterable} any more
     */
    UnitOp find(long key) {
        int i = slot(key);
        return keys[i & keys.length - 1] == key && ages[i & ages.length - 1] == drops
                ? units[i & units.length - 1]
                : null;
    }

    void add(long key, UnitOp unit) {
        int i = slot(key) & SLOTS - 1;
        keys[i] = key;
        units[i] = unit;
        ages[i] = drops;
    }

    @Override
    public void pageDropped(long vaddr) {
        drops++;
    }

    @Override
    public void allDropped() {
        Arrays.fill(keys, NOTHING);
        Arrays.fill(units, null);
    }
}

package org.xenolith.cpu.mmu;

import java.util.Arrays;

/**
 * The roots that one vCPU has loaded, and the ASIDs that tell their translations apart in its TLB.
 *
 * <p>What an address leads to depends on the 256 entries of one half of the root only. So it is the
 * halves that have ASIDs, and they are found by side and content: roots with equal halves share
 * what is cached for it. Under Xen every process has two roots, which share their lower half, and
 * all kernel roots of a guest share the upper one.
 *
 * <p><b>When an ASID may be used.</b> Three rules keep it true to its content:
 *
 * <ul>
 *   <li>A walk asks {@link #stands} about each L4 entry it comes by, and the root is looked at
 *       again when it has another one by now. So no translation gets an ASID whose content does not
 *       lead to it, whoever changes the L4 table, and whether or not anybody hears of it.
 *   <li>Who changes or clears a present L1 entry drops the page that it led to under all ASIDs; an
 *       L4 entry, {@link #forgetRoot}, so that a root that is loaded is looked at again.
 *   <li>The same entries lead elsewhere when a present entry below their L3 table changes, or when
 *       it has been let go and is one again: {@link #forgetTable} ends the ASIDs of all halves that
 *       refer to it.
 * </ul>
 *
 * <p>Dirty, User and what software keeps in an entry say nothing about where it leads, and an entry
 * that is not present is as good as 0. The slots of the hypervisor count as 0, too: they are the
 * same in each root of a domain. Accessed does count: what is cached for an entry that has it must
 * not serve one that has not, or nobody would set it there. So memory does not depend on what a TLB
 * holds, and a restored guest, whose TLB is empty, goes on as it would have.
 */
final class AddressSpaces {
    /** ASIDs are 0 to this. */
    static final int MAX_ASID = 0xffe;

    private static final int HALF = Pte.ENTRIES / 2;
    private static final int HALVES = 64;
    private static final int ROOTS = 256;

    /** What changes where a present entry leads, what may be done there, or what is written. */
    private static final long MEANING =
            Pte.FRAME_MASK | Pte.PRESENT | Pte.WRITABLE | Pte.NO_EXECUTE | Pte.ACCESSED;

    private static final int NO_ASID = -1;
    private static final long NO_MFN = -1;

    /** Roots whose halves are known, hashed by MFN. */
    private final long[] rootMfns = new long[ROOTS];

    private final int[] lowerHalves = new int[ROOTS];
    private final int[] upperHalves = new int[ROOTS];

    /** Known halves, in no order. One without an ASID is free. */
    private final int[] asids = new int[HALVES];

    private final long[][] contents = new long[HALVES][];

    /**
     * First slot of each in its root, 0 or {@link #HALF}. A lower and an upper half are two even
     * with equal content: a translated unit looks for any address under its own half's ASID, and
     * finds in the other half what another root has there, unless the two differ.
     */
    private final int[] firsts = new int[HALVES];

    private final int[] hashes = new int[HALVES];

    /** For each half a bit for each MFN it refers to, modulo 64: mostly says that it does not. */
    private final long[] references = new long[HALVES];

    /** When a root with the half was last loaded, in loads. */
    private final long[] lastLoads = new long[HALVES];

    private final long[] found = new long[Pte.ENTRIES];
    private long loads;
    private int lastAsid = -1;

    /** The halves of the loaded root. */
    private int lower;

    private int upper;

    AddressSpaces() {
        forgetAll();
    }

    long lowerAsid() {
        return asids[lower];
    }

    long upperAsid() {
        return asids[upper];
    }

    /**
     * Loads a root whose halves are known.
     *
     * @return false when they are not: {@link #look} and {@link #bind}
     */
    boolean load(long rootMfn) {
        int slot = slot(rootMfn);
        if (rootMfns[slot] != rootMfn) {
            return false;
        }
        lower = lowerHalves[slot];
        upper = upperHalves[slot];
        loads++;
        lastLoads[lower] = loads;
        lastLoads[upper] = loads;
        return true;
    }

    private static int slot(long mfn) {
        return (int) (mfn ^ mfn >>> 8) & ROOTS - 1;
    }

    /**
     * Reads a root that is to be loaded.
     *
     * @param base host frame, or {@link MachineMemory#NO_FRAME} for a root that leads nowhere
     */
    void look(long base) {
        if (base == MachineMemory.NO_FRAME) {
            Arrays.fill(found, 0);
            return;
        }
        for (int i = 0; i < Pte.ENTRIES; i++) {
            found[i] = meaning(i, Ram.getLongVolatile(base + i * 8L));
        }
    }

    private static long meaning(int slot, long entry) {
        boolean counts =
                Pte.isPresent(entry)
                        && (slot < Pte.HYPERVISOR_FIRST_SLOT || slot > Pte.HYPERVISOR_LAST_SLOT);
        return counts ? entry & MEANING : 0;
    }

    /** Whether two more ASIDs can be given before they have to be used again. */
    boolean hasFreshAsids() {
        return lastAsid <= MAX_ASID - 2;
    }

    /**
     * Loads a root with what {@link #look} has found.
     *
     * @param settled whether all that was changed before the look is known here: else halves known
     *     by their content may have translations that the vCPU would not find anew
     */
    void bind(long rootMfn, boolean settled) {
        loads++;
        lower = half(0, settled);
        upper = half(HALF, settled);
        int slot = slot(rootMfn);
        rootMfns[slot] = rootMfn;
        lowerHalves[slot] = lower;
        upperHalves[slot] = upper;
    }

    private int half(int first, boolean settled) {
        int hash = hash(first);
        int half = find(first, hash);
        if (half < 0) {
            half = leastRecent();
            forget(half);
            remember(half, first, hash);
            asids[half] = ++lastAsid;
        } else if (!settled) {
            asids[half] = ++lastAsid;
        }
        lastLoads[half] = loads;
        return half;
    }

    private int hash(int first) {
        long hash = first;
        for (int i = first; i < first + HALF; i++) {
            hash = hash * 31 + found[i];
        }
        return Long.hashCode(hash * 0x9e37_79b9_7f4a_7c15L);
    }

    private int find(int first, int hash) {
        for (int half = 0; half < HALVES; half++) {
            if (hashes[half] == hash
                    && asids[half] != NO_ASID
                    && firsts[half] == first
                    && Arrays.equals(contents[half], 0, HALF, found, first, first + HALF)) {
                return half;
            }
        }
        return -1;
    }

    /** The lower half of the root that is just being loaded is the most recent one. */
    private int leastRecent() {
        int least = 0;
        for (int half = 0; half < HALVES; half++) {
            if (asids[half] == NO_ASID) {
                return half;
            }
            if (lastLoads[half] < lastLoads[least]) {
                least = half;
            }
        }
        return least;
    }

    private void remember(int half, int first, int hash) {
        if (contents[half] == null) {
            contents[half] = new long[HALF];
        }
        System.arraycopy(found, first, contents[half], 0, HALF);
        firsts[half] = first;
        hashes[half] = hash;
        references[half] = 0;
        for (long entry : contents[half]) {
            if (entry != 0) {
                references[half] |= 1L << Pte.mfn(entry);
            }
        }
    }

    /**
     * Whether the loaded root was found with this L4 entry.
     *
     * @param slot none of the hypervisor's
     * @param entry as the walk leaves it, Accessed
     */
    boolean stands(int slot, long entry) {
        long[] content = contents[slot < HALF ? lower : upper];
        return content[slot & HALF - 1] == meaning(slot, entry);
    }

    /** Loads of the root look at it again. */
    void forgetRoot(long rootMfn) {
        int slot = slot(rootMfn);
        if (rootMfns[slot] == rootMfn) {
            rootMfns[slot] = NO_MFN;
        }
    }

    /**
     * Ends the ASIDs of halves that refer to an L3 table.
     *
     * @return whether the loaded root is to be looked at again
     */
    boolean forgetTable(long l3Mfn) {
        boolean loaded = false;
        for (int half = 0; half < HALVES; half++) {
            if (asids[half] != NO_ASID && refersTo(half, l3Mfn)) {
                forget(half);
                loaded |= half == lower || half == upper;
            }
        }
        return loaded;
    }

    private boolean refersTo(int half, long mfn) {
        if ((references[half] >>> mfn & 1) == 0) {
            return false;
        }
        for (long entry : contents[half]) {
            if (entry != 0 && Pte.mfn(entry) == mfn) {
                return true;
            }
        }
        return false;
    }

    private void forget(int half) {
        if (asids[half] == NO_ASID) {
            return;
        }
        asids[half] = NO_ASID;
        for (int slot = 0; slot < ROOTS; slot++) {
            if (lowerHalves[slot] == half || upperHalves[slot] == half) {
                rootMfns[slot] = NO_MFN;
            }
        }
    }

    /** Ends all ASIDs; the loaded root is to be looked at again. */
    void forgetAll() {
        Arrays.fill(rootMfns, NO_MFN);
        Arrays.fill(asids, NO_ASID);
    }

    /** The caller has dropped everything under all ASIDs, so that they can be used again. */
    void reuseAsids() {
        forgetAll();
        lastAsid = -1;
    }
}

package org.xenolith.cpu.interp;

import org.xenolith.cpu.mmu.FetchListener;

import java.util.Arrays;

/**
 * Where calls of one vCPU will return to: the operation behind a call, which the call itself knows,
 * by the place of the return address on the stack. Code that calls much and repeats itself little
 * finds most of its way here, in few cache lines, and not in the {@link JumpCache}.
 *
 * <p>The place on the stack, unlike a depth, stays right across switches of stacks and calls by
 * translated code, which are not seen here.
 */
final class ReturnCache implements FetchListener {
    /** Quadwords of stack that do not share places. */
    private static final int SLOTS = 256;

    private static final int SLOT_SHIFT = 3;
    private static final long NOTHING = -1;

    private final long[] keys = new long[SLOTS];
    private final Op[] entries = new Op[SLOTS];
    private final Op[] callers = new Op[SLOTS];

    /** When each entry was made, in drops. */
    private final long[] ages = new long[SLOTS];

    /** Pages are dropped often and returns looked for oftener: old entries just match no more. */
    private long drops;

    ReturnCache() {
        Arrays.fill(keys, NOTHING);
    }

    private static int slot(long rsp) {
        return (int) (rsp >>> SLOT_SHIFT) & SLOTS - 1;
    }

    /**
     * A call has pushed its return address.
     *
     * @param rsp where it stands
     * @param key of the address, by {@link JumpCache#key}
     * @param entry of the block there; null when the caller does not know
     */
    void called(long rsp, long key, Op entry, Op caller) {
        int i = slot(rsp);
        keys[i] = key;
        entries[i] = entry;
        callers[i] = caller;
        ages[i] = drops;
    }

    /**
     * The operation to which a return leads.
     *
     * @return null when it is not known; what is returned may not be {@link Op#enterable} any more
     */
    Op find(long rsp, long key) {
        int i = slot(rsp);
        return keys[i] == key && ages[i] == drops ? entries[i] : null;
    }

    /** A return went where its call did not know; next time it does. */
    void learn(long rsp, long key, Block block) {
        int i = slot(rsp);
        if (keys[i] == key && ages[i] == drops) {
            callers[i].returnsTo(block);
        }
    }

    /** A return address may lead elsewhere now: all go. */
    @Override
    public void pageDropped(long vaddr) {
        drops++;
    }

    @Override
    public void allDropped() {
        Arrays.fill(keys, NOTHING);
        Arrays.fill(entries, null);
        Arrays.fill(callers, null);
    }
}

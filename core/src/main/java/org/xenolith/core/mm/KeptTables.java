package org.xenolith.core.mm;

import java.util.Arrays;

/**
 * Tables that the hypervisor itself keeps in use for a while: each stands for one use and one
 * reference. A stack, so that what is let go of goes tree by tree and not level by level, and few
 * are in it at a time.
 *
 * <p>Locking: {@link FrameTable#lock}; {@link #isEmpty} of a vCPU's own may be asked without it on
 * the vCPU's thread.
 */
final class KeptTables {
    private static final long[] NONE = {};

    private long[] mfns = NONE;
    private int count;

    boolean isEmpty() {
        return count == 0;
    }

    int count() {
        return count;
    }

    void push(long mfn) {
        if (count == mfns.length) {
            mfns = Arrays.copyOf(mfns, Math.max(16, count * 2));
        }
        mfns[count++] = mfn;
    }

    long pop() {
        return mfns[--count];
    }

    /** Hands all of them over; keeps no room for as many. */
    void moveTo(KeptTables other) {
        for (int i = 0; i < count; i++) {
            other.push(mfns[i]);
        }
        clear();
    }

    private void clear() {
        count = 0;
        mfns = NONE;
    }

    long[] toArray() {
        return Arrays.copyOf(mfns, count);
    }
}

package org.xenolith.core.mm;

import org.xenolith.cpu.mmu.Ram;

/**
 * Digests of pages, by which equal ones are found. Those of different pages may be the same:
 * whoever acts on one compares the pages. A guest can make such pairs, and gains nothing but that
 * its own pages are not shared.
 */
public final class PageDigest {
    /** The digest of a page of zeroes, and of no other that is likely to be met. */
    public static final long ZERO = 0;

    private static final long PRIME_1 = 0x9e3779b185ebca87L;
    static final long PRIME_2 = 0xc2b2ae3d27d4eb4fL;

    private PageDigest() {}

    /**
     * Digest of a page. It may be written to meanwhile; what is answered then is the digest of
     * something else.
     */
    public static long of(long hostBase) {
        long a = 0;
        long b = 0;
        long c = 0;
        long d = 0;
        // Four chains, so that the multiplications of one need not wait for those of the others.
        for (long at = hostBase; at < hostBase + Ram.PAGE_SIZE; at += 4 * Long.BYTES) {
            a = mixed(a, Ram.getLong(at));
            b = mixed(b, Ram.getLong(at + 8));
            c = mixed(c, Ram.getLong(at + 16));
            d = mixed(d, Ram.getLong(at + 24));
        }
        long all = a ^ Long.rotateLeft(b, 13) ^ Long.rotateLeft(c, 29) ^ Long.rotateLeft(d, 47);
        return (all ^ all >>> 29) * PRIME_2;
    }

    static long mixed(long chain, long word) {
        return Long.rotateLeft(chain + word * PRIME_2, 31) * PRIME_1;
    }

    /** Whether a page holds nothing but zeroes. */
    public static boolean isZero(long hostBase) {
        long any = 0;
        for (long at = hostBase; at < hostBase + Ram.PAGE_SIZE; at += 4 * Long.BYTES) {
            any |= Ram.getLong(at) | Ram.getLong(at + 8);
            any |= Ram.getLong(at + 16) | Ram.getLong(at + 24);
        }
        return any == 0;
    }
}

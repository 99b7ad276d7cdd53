package org.xenolith.core.mm;

import org.xenolith.cpu.mmu.Ram;

import java.security.SecureRandom;

/**
 * Digests of pages, by which equal ones are found. Those of different pages may be the same:
 * whoever acts on one compares the pages. A guest can make such pairs, and gains nothing but that
 * its own pages are not shared.
 */
public final class PageDigest {
    private static final long PRIME_1 = 0x9e3779b185ebca87L;
    static final long PRIME_2 = 0xc2b2ae3d27d4eb4fL;

    /** What each chain begins with: a secret, so that no guest can compute a digest. */
    static final long START = new SecureRandom().nextLong();

    /** The digest of a page of zeroes, and of no other that is likely to be met. */
    public static final long ZERO = ofZeroes();

    private PageDigest() {}

    private static long ofZeroes() {
        long chain = START;
        for (int word = 0; word < Ram.PAGE_SIZE / (4 * Long.BYTES); word++) {
            chain = mixed(chain, 0);
        }
        return joined(chain, chain, chain, chain);
    }

    /**
     * Digest of a page. It may be written to meanwhile; what is answered then is the digest of
     * something else.
     */
    public static long of(long hostBase) {
        long a = START;
        long b = START;
        long c = START;
        long d = START;
        // Four chains, so that the multiplications of one need not wait for those of the others.
        for (long at = hostBase; at < hostBase + Ram.PAGE_SIZE; at += 4 * Long.BYTES) {
            a = mixed(a, Ram.getLong(at));
            b = mixed(b, Ram.getLong(at + 8));
            c = mixed(c, Ram.getLong(at + 16));
            d = mixed(d, Ram.getLong(at + 24));
        }
        return joined(a, b, c, d);
    }

    private static long joined(long a, long b, long c, long d) {
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

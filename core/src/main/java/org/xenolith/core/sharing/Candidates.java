package org.xenolith.core.sharing;

/**
 * Frames that have not changed for a while, by the digest of what they hold: where two meet, they
 * can be shared. A table of fixed size in which the later one displaces the earlier one, so that
 * its size does not depend on how much memory there is; domains are scanned side by side, and what
 * like guests have in common is met soon.
 *
 * <p>On the scanning thread only.
 */
final class Candidates {
    private static final int SIZE = 1 << 18;

    private final long[] digests = new long[SIZE];
    private final Scan[] scans = new Scan[SIZE];
    private final int[] indexes = new int[SIZE];

    /** A frame of a scan holds what has the digest: has another one been met that does? */
    void meet(Scan scan, int index, long digest) {
        int slot = (int) (digest >>> Long.SIZE - 18);
        Scan other = scans[slot];
        if (other != null && digests[slot] == digest && (other != scan || indexes[slot] != index)) {
            other.found(indexes[slot], digest);
            other.handOver();
            scan.found(index, digest);
        }
        digests[slot] = digest;
        scans[slot] = scan;
        indexes[slot] = index;
    }

    /** A domain is gone. */
    void forget(Scan scan) {
        for (int slot = 0; slot < SIZE; slot++) {
            if (scans[slot] == scan) {
                scans[slot] = null;
            }
        }
    }
}

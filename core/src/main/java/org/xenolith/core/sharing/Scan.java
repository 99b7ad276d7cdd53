package org.xenolith.core.sharing;

import static org.xenolith.cpu.mmu.MachineMemory.NO_FRAME;

import org.xenolith.core.domain.Domain;
import org.xenolith.core.mm.FrameSharing;
import org.xenolith.core.mm.FrameTable;
import org.xenolith.core.mm.PageDigest;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/**
 * One domain's frames as the scan sees them: what each looked like when it last came by, and what
 * it has found since it last told the domain.
 *
 * <p>On the scanning thread only.
 */
final class Scan {
    /** So many finds are handed over at once: the guest stands still for them, some 50 us. */
    static final int BATCH = 32;

    private static final int MOST_FINDS = 16 * BATCH;

    /** Zero frames that are zero still are given back again in one pass of so many. */
    private static final int PASSES_PER_DISCARD = 16;

    private record Find(long mfn, long digest) {}

    private final Domain domain;
    private final FrameSharing frames;

    /**
     * The lower half of the digest, by MFN from {@link FrameTable#RAM_BASE}; 0 before the first.
     */
    private final int[] seen;

    /** Frames that were zero and given back. */
    private final BitSet discarded = new BitSet();

    private final List<Find> finds = new ArrayList<>();

    /** A batch is on its way; nothing is asked of the domain until it has arrived. */
    private volatile boolean underWay;

    private int pass;

    Scan(Domain domain) {
        this.domain = domain;
        frames = new FrameSharing(domain.frames());
        seen = new int[(int) (domain.frames().limitMfn() - FrameTable.RAM_BASE)];
    }

    Domain domain() {
        return domain;
    }

    int frames() {
        return seen.length;
    }

    /** Whether it must first take over what was found. */
    boolean isBehind() {
        return underWay && finds.size() >= BATCH;
    }

    /** Looks at frames {@code from} to {@code to} of those that there are. */
    void look(int from, int to, Candidates candidates) {
        if (from == 0) {
            pass++;
        }
        for (int index = from; index < Math.min(to, seen.length); index++) {
            long host = frames.candidate(FrameTable.RAM_BASE + index);
            if (host != NO_FRAME) {
                look(index, PageDigest.of(host), candidates);
            }
        }
        handOver();
    }

    private void look(int index, long digest, Candidates candidates) {
        boolean steady = seen[index] == (int) digest && pass > 1;
        seen[index] = (int) digest;
        if (digest == PageDigest.ZERO) {
            if (steady && isWorthDiscarding(index)) {
                discarded.set(index);
                found(index, digest);
            }
            return;
        }
        discarded.clear(index);
        if (frames.shared().mayHold(digest)) {
            found(index, digest);
        } else if (steady) {
            candidates.meet(this, index, digest);
        }
    }

    private boolean isWorthDiscarding(int index) {
        return !discarded.get(index) || (index + pass) % PASSES_PER_DISCARD == 0;
    }

    /** A frame is to be shared, or given back; forgotten if the domain takes nothing. */
    void found(int index, long digest) {
        if (finds.size() < MOST_FINDS) {
            finds.add(new Find(FrameTable.RAM_BASE + index, digest));
        }
    }

    /** Hands what was found to the domain, when it has taken what came before. */
    void handOver() {
        if (finds.isEmpty() || underWay) {
            return;
        }
        List<Find> batch = finds.subList(0, Math.min(BATCH, finds.size()));
        long[] mfns = batch.stream().mapToLong(Find::mfn).toArray();
        long[] digests = batch.stream().mapToLong(Find::digest).toArray();
        batch.clear();
        underWay = true;
        domain.post(
                () -> {
                    try {
                        frames.share(mfns, digests);
                    } finally {
                        underWay = false;
                    }
                });
    }
}

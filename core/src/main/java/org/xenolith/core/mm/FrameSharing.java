package org.xenolith.core.mm;

import static org.xenolith.cpu.mmu.MachineMemory.NO_FRAME;

import org.xenolith.cpu.mmu.Ram;

/**
 * The frames of one domain as candidates for {@link SharedFrames}.
 *
 * <p>What is shared is RAM that neither walks nor backends nor the VMM use by its host address: no
 * page table, no descriptor page, no frame that is granted to somebody or holds a vcpu_info. The
 * domain has one vCPU: a frame is parted by the vCPU that writes to it, in the middle of an
 * instruction, where it could not wait for siblings that still read the old one.
 */
public final class FrameSharing {
    private static final int NEVER =
            FrameInfo.PINNED
                    | FrameInfo.XEN_OWNED
                    | FrameInfo.PRIVATE
                    | FrameInfo.GRANTED
                    | FrameInfo.GRANTED_READ_ONLY
                    | FrameInfo.HELD;

    /**
     * The TLB is searched for each frame that is exchanged: with more it is quicker to flush it.
     */
    private static final int DROPS_BEFORE_FLUSH = 8;

    private final FrameTable frames;
    private final FramePool pool;

    public FrameSharing(FrameTable frames) {
        this.frames = frames;
        pool = frames.pool();
    }

    /** The frames of a domain that hold the same as others of some domain, or nothing. */
    public SharedFrames shared() {
        return pool.shared();
    }

    /**
     * Whether a frame looks like one that could be shared and is not yet. By any thread, so that it
     * may be none any more.
     *
     * @return its host frame, to be read and not believed, or {@code NO_FRAME}
     */
    public long candidate(long mfn) {
        return mayBeShared(mfn) ? frames.frame(mfn) : NO_FRAME;
    }

    /** As {@link #candidate}, while the domain stands; no backend has it. */
    boolean canBeLent(long mfn) {
        if (frames.isShared(mfn)) {
            return true;
        }
        long host = candidate(mfn);
        return host != NO_FRAME && pool.references(host) == 1;
    }

    private boolean mayBeShared(long mfn) {
        return frames.has(mfn, FrameInfo.ALLOCATED)
                && !frames.has(mfn, NEVER)
                && !frames.isShared(mfn)
                && (frames.typeCount(mfn) == 0 || frames.type(mfn) == FrameType.WRITABLE);
    }

    /**
     * Shares frames, or gives what is behind them back to the host if they are zero. Called at a
     * poll point, by a thread that may touch the domain's memory.
     *
     * @param mfns guest RAM
     * @param digests what the frames looked like lately; one that is different now is left alone
     */
    public void share(long[] mfns, long[] digests) {
        frames.lock.lock();
        try {
            ZeroRun zeroes = new ZeroRun();
            int exchanged = 0;
            for (int i = 0; i < mfns.length; i++) {
                long host = candidate(mfns[i]);
                if (host == NO_FRAME || pool.references(host) != 1) {
                    continue; // a backend has it
                }
                if (digests[i] != PageDigest.ZERO) {
                    exchanged += share(mfns[i], host, digests[i]) ? 1 : 0;
                } else if (PageDigest.isZero(host)) {
                    zeroes.add(host);
                }
            }
            zeroes.end();
            if (exchanged > DROPS_BEFORE_FLUSH) {
                frames.tlbs().flushAll();
            }
        } finally {
            frames.lock.unlock();
        }
        frames.tlbs().awaitSettled(frames.tlbs().stamp());
    }

    /** Whether another host frame stands behind the number now. */
    private boolean share(long mfn, long host, long digest) {
        if (PageDigest.of(host) != digest) {
            return false;
        }
        long same = shared().join(host, digest);
        if (same != NO_FRAME) {
            frames.exchange(mfn, same, true);
            frames.tlbs().dropFrame(host);
            frames.tlbs().retire(host);
            return true;
        }
        if (shared().add(host, digest)) {
            frames.exchange(mfn, host, true);
            frames.tlbs().dropWrites(host);
        }
        return false;
    }

    /** Neighbouring frames go back to the host in one call. */
    private final class ZeroRun {
        private long from;
        private long to;

        void add(long host) {
            if (host != to) {
                end();
                from = host;
            }
            to = host + Ram.PAGE_SIZE;
        }

        void end() {
            if (to > from) {
                pool.discard(from, to - from);
            }
            from = 0;
            to = 0;
        }
    }
}

package org.xenolith.core.mm;

import org.xenolith.cpu.mmu.Mmu;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicReference;

/**
 * The TLBs of a domain's vCPUs, and when a host frame that left the domain may be used for
 * something else.
 *
 * <p>Epochs: whoever removes something posts it to the mailboxes first and then advances the epoch.
 * A vCPU at a poll point reads the epoch, drains its mailbox and then publishes the epoch it read:
 * from then on it holds nothing that was removed up to there. A vCPU that does not run holds
 * nothing, because it drains its mailbox before it first touches memory again.
 */
public final class VcpuTlbs {
    private static final long NOT_RUNNING = Long.MAX_VALUE;

    /**
     * Waiting yields the host's processor after so many rounds: the sibling may need it to get on.
     */
    private static final int SPINS_BEFORE_YIELD = 100;

    private record Retired(long hostBase, long epoch) {}

    private final FramePool pool;
    private final ArrayDeque<Retired> retired = new ArrayDeque<>();

    /** Whether {@link #retired} holds anything, for a look without the lock. */
    private volatile boolean anyRetired;

    private volatile VcpuTlb[] vcpus = {};

    /**
     * Written under the lock of this object; counts from 1, so that 0 is a stamp before everything.
     */
    private volatile long epoch = 1;

    /** The vCPU that has stopped its siblings, or null. They wait at their poll points. */
    private final AtomicReference<VcpuTlb> busOwner = new AtomicReference<>();

    public VcpuTlbs(FramePool pool) {
        this.pool = pool;
    }

    /**
     * Adds a vCPU, not running.
     *
     * @param vcpuId 0 to 63
     * @param kick makes the vCPU reach a poll point soon; may be called from any thread
     */
    public synchronized VcpuTlb register(int vcpuId, Mmu mmu, Runnable kick) {
        VcpuTlb vcpu = new VcpuTlb(vcpuId, mmu, kick);
        VcpuTlb[] more = Arrays.copyOf(vcpus, vcpus.length + 1);
        more[vcpus.length] = vcpu;
        vcpus = more;
        return vcpu;
    }

    /**
     * Takes over a reference to a host frame that no page table leads to any more; the pool gets it
     * when no vCPU can hold its address.
     *
     * @return the stamp that running vCPUs must have passed before
     */
    synchronized long retire(long hostBase) {
        long stamp = advance();
        retired.add(new Retired(hostBase, stamp));
        anyRetired = true;
        reclaim();
        return stamp;
    }

    private synchronized long advance() {
        long next = epoch + 1;
        epoch = next;
        return next;
    }

    /** Host frames that wait for siblings. */
    synchronized int retired() {
        return retired.size();
    }

    /** Gives the pool what nobody can hold any more. */
    public synchronized void reclaim() {
        long oldest = Long.MAX_VALUE;
        for (VcpuTlb vcpu : vcpus) {
            oldest = Math.min(oldest, vcpu.seen);
        }
        while (!retired.isEmpty() && retired.peek().epoch <= oldest) {
            pool.release(retired.remove().hostBase);
        }
        anyRetired = !retired.isEmpty();
    }

    // ---- for threads that are no vCPU of the domain ----

    /** Has every vCPU forget a host frame at its next poll point. */
    void dropFrame(long hostBase) {
        for (VcpuTlb vcpu : vcpus) {
            vcpu.mmu.mailbox().postDropFrame(hostBase);
        }
    }

    /** Has every vCPU forget all translations at its next poll point. */
    void flushAll() {
        for (VcpuTlb vcpu : vcpus) {
            vcpu.mmu.mailbox().postFlushAll();
        }
    }

    /** Has every vCPU forget that it may write to a host frame, at its next poll point. */
    void dropWrites(long hostBase) {
        for (VcpuTlb vcpu : vcpus) {
            vcpu.mmu.mailbox().postDropWrites(hostBase);
        }
    }

    /** A stamp of all drops posted so far. */
    long stamp() {
        return advance();
    }

    /** Whether every vCPU has applied the drops before a stamp; those that have not are kicked. */
    boolean isSettled(long stamp) {
        boolean settled = true;
        for (VcpuTlb vcpu : vcpus) {
            if (vcpu.seen < stamp) {
                settled = false;
                vcpu.kick.run();
            }
        }
        return settled;
    }

    /**
     * Waits until {@link #isSettled}. A vCPU that the calling thread runs stands at a poll point
     * now.
     */
    void awaitSettled(long stamp) {
        Thread caller = Thread.currentThread();
        for (VcpuTlb vcpu : vcpus) {
            if (vcpu.runner == caller) {
                vcpu.pollPoint();
            }
        }
        for (int spins = 0; !isSettled(stamp); spins++) {
            VcpuTlb.backOff(spins);
        }
    }

    /** One vCPU's TLB as its siblings and its own hypercalls see it. */
    public final class VcpuTlb implements TlbShootdown {
        private final int vcpuId;
        private final Mmu mmu;
        private final Runnable kick;

        /** The epoch up to which this vCPU holds nothing that was removed. */
        private volatile long seen = NOT_RUNNING;

        /** The thread that runs it, null while none does. */
        private volatile Thread runner;

        private VcpuTlb(int vcpuId, Mmu mmu, Runnable kick) {
            this.vcpuId = vcpuId;
            this.mmu = mmu;
            this.kick = kick;
        }

        /** The vCPU starts to run on the calling thread. */
        public void enter() {
            // Announced first: what is retired from now on waits for us; what was, is in the
            // mailbox.
            seen = epoch;
            runner = Thread.currentThread();
            mmu.mailbox().wake();
            mmu.mailbox().drain();
            pollPoint();
        }

        /** The vCPU stops to run: it holds no host address but those in its TLB. */
        public void leave() {
            mmu.mailbox().sleep();
            runner = null;
            seen = NOT_RUNNING;
            reclaimIfAny();
        }

        /**
         * Between two instructions: nothing but the TLB holds a host address. Waits here while a
         * sibling has the bus.
         */
        public void pollPoint() {
            drainAtPollPoint();
        }

        /** Whether there was anything to drain. */
        private boolean drainAtPollPoint() {
            boolean any = passPollPoint();
            for (int spins = 0; isBusTaken(); spins++) {
                backOff(spins);
                // The owner waits for the epoch in which it took the bus.
                any |= passPollPoint();
            }
            return any;
        }

        /**
         * A poll point within an instruction that waits. Code that a sibling's store has dropped
         * ends behind this instruction, but a block whose page is mapped otherwise now goes on, and
         * jumps within its page do not ask. The kick makes that end with the block: who changed the
         * mapping trusts from now on that this vCPU knows. SDM vol. 3A, 4.10.5.
         */
        private void pollPointWithinInstruction() {
            if (drainAtPollPoint()) {
                kick.run();
            }
        }

        private boolean isBusTaken() {
            VcpuTlb owner = busOwner.get();
            return owner != null && owner != this;
        }

        private boolean passPollPoint() {
            long now = epoch;
            boolean any = mmu.mailbox().drain();
            if (seen != now) {
                seen = now;
                reclaimIfAny();
            }
            return any;
        }

        private void reclaimIfAny() {
            if (anyRetired) {
                reclaim();
            }
        }

        @Override
        public void dropPage(long vaddr) {
            mmu.dropPage(vaddr);
            for (VcpuTlb sibling : vcpus) {
                if (sibling != this) {
                    sibling.mmu.mailbox().postDropPage(vaddr);
                }
            }
        }

        @Override
        public void flushAll() {
            mmu.flushAll();
            for (VcpuTlb sibling : vcpus) {
                if (sibling != this) {
                    sibling.mmu.mailbox().postFlushAll();
                }
            }
        }

        @Override
        public void dropRoot(long l4Mfn) {
            mmu.dropRoot(l4Mfn);
            for (VcpuTlb sibling : vcpus) {
                if (sibling != this) {
                    sibling.mmu.mailbox().postDropRoot(l4Mfn);
                }
            }
        }

        @Override
        public void dropTable(long l3Mfn) {
            mmu.dropTable(l3Mfn);
            for (VcpuTlb sibling : vcpus) {
                if (sibling != this) {
                    sibling.mmu.mailbox().postDropTable(l3Mfn);
                }
            }
        }

        @Override
        public void dropWrites(long hostBase) {
            mmu.dropWrites(hostBase);
            for (VcpuTlb sibling : vcpus) {
                if (sibling != this) {
                    sibling.mmu.mailbox().postDropWrites(hostBase);
                }
            }
        }

        @Override
        public void dropFrame(long hostBase) {
            mmu.dropFrame(hostBase);
            for (VcpuTlb sibling : vcpus) {
                if (sibling != this) {
                    sibling.mmu.mailbox().postDropFrame(hostBase);
                }
            }
        }

        @Override
        public long stamp() {
            return vcpus.length == 1 ? 0 : advance();
        }

        @Override
        public boolean isSettled(long stamp) {
            for (VcpuTlb sibling : vcpus) {
                if (sibling != this && sibling.seen < stamp) {
                    return false;
                }
            }
            return true;
        }

        @Override
        public void awaitSettled(long stamp) {
            for (VcpuTlb sibling : vcpus) {
                if (sibling != this && sibling.seen < stamp) {
                    sibling.kick.run();
                    await(sibling, stamp);
                }
            }
        }

        private void await(VcpuTlb sibling, long stamp) {
            for (int spins = 0; sibling.seen < stamp; spins++) {
                // Two waiters would wait for each other for ever if a waiter were not at a poll
                // point.
                pollPointWithinInstruction();
                backOff(spins);
            }
        }

        private static void backOff(int spins) {
            if (spins < SPINS_BEFORE_YIELD) {
                Thread.onSpinWait();
            } else {
                Thread.yield();
            }
        }

        @Override
        public void stopSiblings() {
            if (vcpus.length > 1) {
                while (!busOwner.compareAndSet(null, this)) {
                    pollPointWithinInstruction();
                }
                awaitSettled(advance());
            }
        }

        @Override
        public void letSiblingsGo() {
            busOwner.compareAndSet(this, null);
        }

        @Override
        public void flushLocal() {
            mmu.mailbox().drain();
        }

        @Override
        public void flush(long mask) {
            flushLocal();
            if ((mask & ~(1L << vcpuId)) != 0) {
                awaitSettled(stamp());
            }
        }
    }
}

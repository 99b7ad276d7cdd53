package org.xenolith.core.snapshot;

import org.xenolith.core.domain.Domain;
import org.xenolith.core.domain.VirtualCpu;
import org.xenolith.core.mm.FrameTable;
import org.xenolith.core.mm.FrameType;
import org.xenolith.core.mm.SavedFrames;
import org.xenolith.core.mm.TlbShootdown;
import org.xenolith.core.time.GuestClock;
import org.xenolith.core.time.Pvclock;
import org.xenolith.core.time.RepeatableRandom;

import java.io.IOException;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * What a domain and its vCPUs were, but for the content of frames and for what ties it to others:
 * event channels, grants, and its part of xenstore.
 *
 * @param vcpus in their order
 */
record SavedDomain(Description description, SavedFrames frames, List<VcpuState> vcpus) {
    /** Puts content into the frames of a table, which have their numbers and are zero. */
    interface Pages {
        void into(FrameTable table) throws IOException;
    }

    /** What a domain is now, while it is paused. */
    static SavedDomain of(Domain domain, Description.Rings rings) {
        List<VcpuState> vcpus = new ArrayList<>();
        for (VirtualCpu vcpu : domain.vcpus()) {
            vcpus.add(new VcpuState(vcpu, domain.scheduler().turnOf(vcpu)));
        }
        return new SavedDomain(
                Description.of(domain, rings), SavedFrames.of(domain.frames()), vcpus);
    }

    /** A clock that goes on where the domain's stood. */
    GuestClock clock() {
        return description.virtualTime()
                ? GuestClock.virtual(description.systemTimeNanos() - description.retired())
                : GuestClock.live(description.systemTimeNanos());
    }

    /** Where the domain's random numbers come from. */
    RandomGenerator random() {
        return description.randomState().isPresent()
                ? new RepeatableRandom(description.randomState().getAsLong())
                : new SecureRandom();
    }

    /**
     * Fills a fresh domain, which the scheduler does not know yet. Its grants follow, then {@link
     * #finish}.
     *
     * @throws SnapshotException when this describes none that can be, or there is no memory for it
     */
    void restore(Domain domain, Pages pages) throws IOException {
        FrameTable table = domain.frames();
        if (table.frame(FrameTable.XEN_BASE) != domain.sharedInfo()
                || domain.vcpus().size() != vcpus.size()) {
            throw new IllegalStateException("the domain was not made for this snapshot");
        }
        try {
            frames.restoreInto(table);
        } catch (FrameTable.OutOfMemory e) {
            throw new SnapshotException(e.getMessage(), e);
        }
        pages.into(table);
        pinTables(domain);
        for (int i = 0; i < vcpus.size(); i++) {
            vcpus.get(i).restore(domain.vcpu(i));
        }
        domain.restore(description.assists(), description.pitReads());
        domain.suspending().restore(description.suspended());
    }

    /** Ends {@link #restore}, when everything that keeps frames has its references. */
    void finish(Domain domain) {
        frames.dropUnallocated(domain.frames());
        if (domain.clock().isLive()) {
            // The host's clock went on meanwhile, or is another host's.
            Pvclock.publishWallClock(domain.sharedInfo(), domain.clock());
        }
    }

    private void pinTables(Domain domain) throws SnapshotException {
        for (SavedFrames.Frame frame : frames.frames()) {
            if (frame.pinnedAs() != FrameType.NONE) {
                int result =
                        domain.pageTypes()
                                .pinTable(frame.mfn(), frame.pinnedAs(), TlbShootdown.NONE);
                if (result != 0) {
                    throw SnapshotException.damaged(
                            "frame %#x is no page table of level %d"
                                    .formatted(frame.mfn(), frame.pinnedAs()));
                }
            }
        }
    }

    /** As {@link DomainSnapshot#start}. */
    void start(Domain domain, boolean paused) {
        domain.scheduler().beginPause(domain);
        for (int i = 0; i < vcpus.size(); i++) {
            vcpus.get(i).schedule(domain.vcpu(i));
        }
        if (!paused && domain.suspending().pending().isEmpty()) {
            domain.scheduler().unpause(domain);
        }
    }
}

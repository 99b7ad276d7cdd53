package org.xenolith.core.snapshot;

import org.xenolith.core.domain.Domain;
import org.xenolith.core.grant.GrantTable;
import org.xenolith.core.mm.ForkedFrames;
import org.xenolith.core.time.GuestClock;

import java.io.IOException;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * A domain that has suspended itself, as what others begin from: they have its memory, its vCPUs
 * and its time, and are to be told that they go on in a new domain. Event channels, grants and
 * xenstore they begin anew. To make one, as {@link DomainSnapshot} describes it: {@link #restore},
 * {@link #start}.
 *
 * <p>As long as it is used the domain stands still.
 */
public final class DomainFork {
    private final Domain parent;
    private final SavedDomain saved;

    private DomainFork(Domain parent, SavedDomain saved) {
        this.parent = parent;
        this.saved = saved;
    }

    /**
     * @throws SnapshotException when its copies could not have what it has
     */
    public static DomainFork of(Domain parent, Description.Rings rings) throws SnapshotException {
        if (!parent.isPaused() || parent.suspending().pending().isEmpty()) {
            throw new IllegalStateException("a domain that has not suspended itself");
        }
        if (!parent.frames().grantWindow().isEmpty()) {
            throw new SnapshotException(
                    "The domain uses memory of another guest, which its copy cannot");
        }
        return new DomainFork(parent, SavedDomain.of(parent, rings));
    }

    public Description description() {
        return saved.description();
    }

    /** A clock that goes on where the domain's stood. */
    public GuestClock clock() {
        return saved.clock();
    }

    /** Where the copy's random numbers come from. */
    public RandomGenerator random() {
        return saved.random();
    }

    /**
     * Fills a fresh domain, which the scheduler does not know yet.
     *
     * @return pages that it shares with the one it is a copy of
     * @throws SnapshotException when there is no memory for it
     */
    public long restore(Domain child) throws IOException {
        long[] shared = new long[1];
        ForkedFrames frames = new ForkedFrames(parent.frames(), parent.vcpus().size());
        saved.restore(child, table -> shared[0] = frames.fill(table));
        keepGrantFrames(child);
        saved.finish(child);
        return shared[0];
    }

    /** With others for its grant table, those that it has now would be of no use to anybody. */
    private void keepGrantFrames(Domain child) throws SnapshotException {
        List<Long> mfns = parent.grants().save().frameMfns();
        if (!child.grants().restore(new GrantTable.Saved(mfns, List.of()))) {
            throw SnapshotException.damaged("its grant table cannot be");
        }
    }

    /** Gives the copy's vCPUs to the scheduler, which knows them; it stays suspended. */
    public void start(Domain child) {
        saved.start(child, true);
    }
}

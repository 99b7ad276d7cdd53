package org.xenolith.core.mm;

/**
 * How far a vCPU has come with a tree of tables that is too large to be validated in one go: the
 * tables of it that are done, and stay in use until the whole tree is.
 *
 * <p>A guest may never come back to a hypercall that has paused, as after a jump out of it. So what
 * was kept for it is given up when the vCPU has made {@link #MOST_IDLE} other changes.
 *
 * <p>Changed by the vCPU's thread only, under {@link FrameTable#lock}.
 */
final class UnfinishedTables {
    /** More than what a handler of events does between two pieces. */
    static final int MOST_IDLE = 4096;

    final KeptTables done = new KeptTables();

    /** MFN of the table at the top of the tree that {@link #done} is for. */
    private long top;

    private long attempted;
    private int idle;

    /** The next change is an attempt to validate the tree below this table. */
    UnfinishedTables attempt(long mfn) {
        attempted = mfn;
        return this;
    }

    /**
     * The attempt has come no further than this.
     *
     * @param spared tables to be kept in use until the next one
     * @param old takes what was kept for another tree
     */
    void pause(KeptTables spared, KeptTables old) {
        if (top != attempted) {
            done.moveTo(old);
            top = attempted;
        }
        spared.moveTo(done);
        idle = 0;
    }

    /** Keeps one more table in use until the attempt that has just paused comes to its end. */
    void keep(long mfn) {
        done.push(mfn);
    }

    /**
     * The attempt has come to its end, well or not, or there was none.
     *
     * @param old takes what is kept no longer
     */
    void end(KeptTables old) {
        if (!done.isEmpty() && (top == attempted || ++idle > MOST_IDLE)) {
            done.moveTo(old);
        }
    }
}

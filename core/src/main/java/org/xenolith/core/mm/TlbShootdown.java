package org.xenolith.core.mm;

/**
 * What a change of page tables must do to the TLBs of a domain, seen from the vCPU that makes it.
 * On the calling vCPU it takes effect at once; siblings get it in their mailboxes and apply it
 * before they next could rely on it. Nothing here waits, except the methods that say so.
 *
 * <p>All tables change through here, and with each change goes what it makes stale. So when a guest
 * asks for a flush, there is nothing to drop but what is still in a mailbox, or will be once the
 * change that is just being made is done: {@link FrameTable#awaitChange} comes first.
 */
public interface TlbShootdown {
    /** Forgets one page under all tags. */
    void dropPage(long vaddr);

    /** Forgets everything under all tags. */
    void flushAll();

    /** Looks anew at where a root leads: it has changed, or is none any more. */
    void dropRoot(long l4Mfn);

    /** Forgets every translation through an L3 table, whichever roots refer to it. */
    void dropTable(long l3Mfn);

    /** Forgets write permission to a host frame. */
    void dropWrites(long hostBase);

    /** Forgets every translation to a host frame. */
    void dropFrame(long hostBase);

    /**
     * A stamp of all drops posted so far.
     *
     * @return 0 when no sibling needs to be asked about them
     */
    long stamp();

    /** Whether every running sibling has applied the drops before a stamp. */
    boolean isSettled(long stamp);

    /** Waits until {@link #isSettled}, serving the own mailbox. Never called with a lock held. */
    void awaitSettled(long stamp);

    /** The guest asks to flush the calling vCPU's TLB, or a page of it. */
    void flushLocal();

    /**
     * The guest asks to flush other vCPUs too; complete on return. Never called with a lock held.
     *
     * @param vcpus bit n for vCPU n, the caller included if its bit is set
     */
    void flush(long vcpus);

    /**
     * Waits until every running sibling stands at a poll point, and keeps them there: the calling
     * vCPU has the domain's memory to itself. For one instruction or one change of page tables, and
     * never with a lock held; serves the own mailbox.
     */
    void stopSiblings();

    /** Ends {@link #stopSiblings}. */
    void letSiblingsGo();

    /** For a domain that has no running vCPU: while it is built, and in tests. */
    TlbShootdown NONE =
            new TlbShootdown() {
                @Override
                public void dropPage(long vaddr) {}

                @Override
                public void flushAll() {}

                @Override
                public void dropRoot(long l4Mfn) {}

                @Override
                public void dropTable(long l3Mfn) {}

                @Override
                public void dropWrites(long hostBase) {}

                @Override
                public void dropFrame(long hostBase) {}

                @Override
                public long stamp() {
                    return 0;
                }

                @Override
                public boolean isSettled(long stamp) {
                    return true;
                }

                @Override
                public void awaitSettled(long stamp) {}

                @Override
                public void flushLocal() {}

                @Override
                public void flush(long vcpus) {}

                @Override
                public void stopSiblings() {}

                @Override
                public void letSiblingsGo() {}
            };
}

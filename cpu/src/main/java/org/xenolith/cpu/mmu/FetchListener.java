package org.xenolith.cpu.mmu;

/**
 * Who keeps what the fetch TLB has said. Called by the thread that runs the vCPU, or by another one
 * while it sleeps: see {@link TlbMailbox#postForgetFetches}.
 */
public interface FetchListener {
    /** A page may lead elsewhere now, under all tags. */
    void pageDropped(long vaddr);

    /** Each page may lead elsewhere now, or tags are used again. */
    void allDropped();

    /** What was decoded is gone, whether it was known by a fetch or otherwise. */
    default void codeDropped() {
        allDropped();
    }

    /** Both of them. */
    default FetchListener and(FetchListener other) {
        FetchListener first = this;
        return new FetchListener() {
            @Override
            public void pageDropped(long vaddr) {
                first.pageDropped(vaddr);
                other.pageDropped(vaddr);
            }

            @Override
            public void allDropped() {
                first.allDropped();
                other.allDropped();
            }

            @Override
            public void codeDropped() {
                first.codeDropped();
                other.codeDropped();
            }
        };
    }

    /** For a CPU that keeps nothing. */
    FetchListener NONE =
            new FetchListener() {
                @Override
                public void pageDropped(long vaddr) {}

                @Override
                public void allDropped() {}
            };
}

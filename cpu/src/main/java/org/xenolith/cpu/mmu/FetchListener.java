package org.xenolith.cpu.mmu;

/** Who keeps what the fetch TLB has said. Called by the thread that runs the vCPU. */
public interface FetchListener {
    /** A page may lead elsewhere now, under all tags. */
    void pageDropped(long vaddr);

    /** Each page may lead elsewhere now, or tags are used again. */
    void allDropped();

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

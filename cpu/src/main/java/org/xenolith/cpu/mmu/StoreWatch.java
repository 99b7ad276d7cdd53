package org.xenolith.cpu.mmu;

/** Who must know of stores into frames that hold decoded code. */
public interface StoreWatch {
    /** Whether stores into the host frame must be reported, and its write tags be withheld. */
    boolean watches(long hostBase);

    /** A store has changed {@code length} bytes at {@code host}, inside one frame. */
    void stored(long host, int length);

    /** A vCPU that may have written to the frame unseen can do so no more. */
    void writesDropped(long hostBase);

    /** The frame gets another owner, or comes back with other contents: nobody stored them. */
    void forget(long hostBase);

    /** For a CPU that never executes, and tests of the MMU alone. */
    StoreWatch NONE =
            new StoreWatch() {
                @Override
                public boolean watches(long hostBase) {
                    return false;
                }

                @Override
                public void stored(long host, int length) {}

                @Override
                public void writesDropped(long hostBase) {}

                @Override
                public void forget(long hostBase) {}
            };
}

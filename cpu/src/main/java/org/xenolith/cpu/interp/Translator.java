package org.xenolith.cpu.interp;

/** Who turns hot blocks into units. Called on vCPU threads; does its work elsewhere. */
public interface Translator {
    /**
     * Entries into a block until it is handed over.
     *
     * @param drops how often a store has destroyed translated code of the same page
     * @param age millions of instructions the vCPU has executed
     */
    int threshold(int drops, int age);

    /**
     * Within how many millions of a vCPU's instructions these entries must come.
     *
     * @param drops as above: what needs more entries gets more time for them
     * @param age as above
     */
    int window(int drops, int age);

    /** One entry into a unit of so many is compared with the interpreter; 0 for none. */
    default int verifyEvery() {
        return 0;
    }

    /** Units it has made, for all who run the same code. */
    UnitLibrary library();

    /**
     * Takes a hot block.
     *
     * @return false when there is no room now: the block counts anew
     */
    boolean request(HotCode code);
}

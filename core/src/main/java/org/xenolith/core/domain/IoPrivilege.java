package org.xenolith.core.domain;

import org.xenolith.cpu.semantics.Flags;

/**
 * Who of a guest may use ports, CLI and STI: whose ring is at most this level. The level is not in
 * the processor's RFLAGS, where a PV guest always finds 0: it is set by {@code PHYSDEVOP_set_iopl},
 * and the guest's kernel counts as ring 1. A guest that turns on {@code
 * VMASST_TYPE_architectural_iopl} has it as on hardware: in the flags of the frames that it gets
 * and returns by, and its kernel counts as ring 0. public/xen.h.
 *
 * <p>On the vCPU's own thread; before it is up, on that of who prepares it.
 */
public final class IoPrivilege {
    private static final int IOPL_SHIFT = Integer.numberOfTrailingZeros(Flags.IOPL);
    private static final int HIGHEST = 3;
    private static final int PROCESS_RING = 3;

    private final Domain domain;
    private final GuestMode mode;
    private int level;

    IoPrivilege(Domain domain, GuestMode mode) {
        this.domain = domain;
        this.mode = mode;
    }

    /** Whether there is such a level. */
    public static boolean isLevel(int level) {
        return level >= 0 && level <= HIGHEST;
    }

    public int level() {
        return level;
    }

    /**
     * @param level {@link #isLevel}
     */
    public void setLevel(int level) {
        this.level = level;
    }

    /** Takes the level from flags as a guest gives them. */
    public void setLevelOf(long rflags) {
        level = (int) (rflags & Flags.IOPL) >>> IOPL_SHIFT;
    }

    /** Whether what runs now may use ports. */
    boolean allowsPorts() {
        int ring = mode.isKernel() ? isArchitectural() ? 0 : 1 : PROCESS_RING;
        return ring <= level;
    }

    /** What the flags in a bounce frame say of it. */
    long pushed() {
        return isArchitectural() ? (long) level << IOPL_SHIFT : 0;
    }

    /** The guest returns to where the flags are these. */
    void popped(long rflags) {
        if (isArchitectural()) {
            setLevelOf(rflags);
        }
    }

    private boolean isArchitectural() {
        return domain.assists(Domain.ASSIST_ARCHITECTURAL_IOPL);
    }
}

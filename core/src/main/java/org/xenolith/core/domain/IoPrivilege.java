package org.xenolith.core.domain;

import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.mmu.Mmu;
import org.xenolith.cpu.semantics.Flags;

/**
 * Who of a guest may use ports, CLI and STI: whose ring is at most this level. The level is not in
 * the processor's RFLAGS, where a PV guest always finds 0: it is set by {@code PHYSDEVOP_set_iopl},
 * and the guest's kernel counts as ring 1. A guest that turns on {@code
 * VMASST_TYPE_architectural_iopl} has it as on hardware: in the flags of the frames that it gets
 * and returns by, and its kernel counts as ring 0. public/xen.h.
 *
 * <p>Who may not use all ports may use those whose bits are 0 in a bitmap that the kernel names by
 * {@code PHYSDEVOP_set_iobitmap}, before it lets a process run that has asked for ports. It is not
 * part of a snapshot, as a vCPU's context of Xen has no place for it.
 *
 * <p>On the vCPU's own thread; before it is up, on that of who prepares it.
 */
public final class IoPrivilege {
    private static final int IOPL_SHIFT = Integer.numberOfTrailingZeros(Flags.IOPL);
    private static final int HIGHEST = 3;
    private static final int PROCESS_RING = 3;

    /** Ports that there are, so bits of a bitmap. */
    public static final int PORTS = 1 << 16;

    private final Domain domain;
    private final GuestMode mode;
    private final Mmu mmu;
    private int level;
    private long bitmap;
    private int bitmapPorts;

    IoPrivilege(Domain domain, GuestMode mode, Mmu mmu) {
        this.domain = domain;
        this.mode = mode;
        this.mmu = mmu;
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

    /**
     * Names the bitmap of ports that processes may use.
     *
     * @param vaddr of the kernel; read anew at each use of a port
     * @param ports how many bits it has, up to {@link #PORTS}; ports beyond are not allowed
     */
    public void setBitmap(long vaddr, int ports) {
        bitmap = vaddr;
        bitmapPorts = ports;
    }

    /**
     * Whether what runs now may use a port.
     *
     * @param size bytes, 1, 2 or 4
     */
    boolean allowsPort(int port, int size) {
        return allowsPorts() || port + size <= bitmapPorts && isClear(port, size);
    }

    private boolean isClear(int port, int size) {
        boolean[] clear = {true};
        mode.throughKernelTables(
                () -> {
                    for (int at = port; at < port + size; at++) {
                        clear[0] &= (bitmapByte(at >>> 3) >>> (at & 7) & 1) == 0;
                    }
                });
        return clear[0];
    }

    private int bitmapByte(int index) {
        try {
            return mmu.read8(bitmap + index);
        } catch (GuestFault notMapped) {
            return -1;
        }
    }

    /** Whether what runs now may use all ports, CLI and STI. */
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

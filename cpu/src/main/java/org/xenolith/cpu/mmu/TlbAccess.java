package org.xenolith.cpu.mmu;

import java.lang.invoke.VarHandle;

/**
 * Loads and stores of translated code: TLB hit or {@link TlbMiss}. What {@link Mmu} does on its
 * fast paths, with the TLB and the ASID in the caller's local variables.
 *
 * <p>Each method has at most 35 bytes of bytecode (a test checks that): C2 inlines those always,
 * and the branch to the miss gets its profile from all callers together, so that C2 does not leave
 * the miss out where this caller has not seen one.
 */
public final class TlbAccess {
    /** In an address, bits from here on are copies of bit 47; so no tag has one of them alone. */
    private static final int NON_CANONICAL = 52;

    private TlbAccess() {}

    static long tag1(long vaddr, long asid) {
        return vaddr & Ram.PAGE_MASK | asid;
    }

    private static long tag2(long vaddr, long asid) {
        return vaddr + 1 & Ram.PAGE_MASK | asid;
    }

    private static long tag4(long vaddr, long asid) {
        return vaddr + 3 & Ram.PAGE_MASK | asid;
    }

    private static long tag8(long vaddr, long asid) {
        return vaddr + 7 & Ram.PAGE_MASK | asid;
    }

    // Tags that nothing matches when the address is not a multiple of the operand's size.

    private static long aligned2(long vaddr, long asid) {
        return tag1(vaddr, asid) ^ (vaddr & 1) << NON_CANONICAL;
    }

    private static long aligned4(long vaddr, long asid) {
        return tag1(vaddr, asid) ^ (vaddr & 3) << NON_CANONICAL;
    }

    private static long aligned8(long vaddr, long asid) {
        return tag1(vaddr, asid) ^ (vaddr & 7) << NON_CANONICAL;
    }

    private static long aligned16(long vaddr, long asid) {
        return tag1(vaddr, asid) ^ (vaddr & 15) << NON_CANONICAL;
    }

    // ---- loads

    /** Loads a byte, sign-extended. */
    public static int load8(long[] tlb, long asid, long vaddr) {
        if (Tlb.readTag(tlb, vaddr) == tag1(vaddr, asid)) {
            return get8(Tlb.host(tlb, vaddr));
        }
        throw TlbMiss.INSTANCE;
    }

    /** Loads two bytes, sign-extended. */
    public static int load16(long[] tlb, long asid, long vaddr) {
        if (Tlb.readTag(tlb, vaddr) == tag2(vaddr, asid)) {
            return get16(Tlb.host(tlb, vaddr));
        }
        throw TlbMiss.INSTANCE;
    }

    public static int load32(long[] tlb, long asid, long vaddr) {
        if (Tlb.readTag(tlb, vaddr) == tag4(vaddr, asid)) {
            return get32(Tlb.host(tlb, vaddr));
        }
        throw TlbMiss.INSTANCE;
    }

    public static long load64(long[] tlb, long asid, long vaddr) {
        if (Tlb.readTag(tlb, vaddr) == tag8(vaddr, asid)) {
            return get64(Tlb.host(tlb, vaddr));
        }
        throw TlbMiss.INSTANCE;
    }

    // ---- addresses for stores and updates

    /** Host address of a byte that may be written. */
    public static long writable8(long[] tlb, long asid, long vaddr) {
        if (Tlb.writeTag(tlb, vaddr) == tag1(vaddr, asid)) {
            return Tlb.host(tlb, vaddr);
        }
        throw TlbMiss.INSTANCE;
    }

    public static long writable16(long[] tlb, long asid, long vaddr) {
        if (Tlb.writeTag(tlb, vaddr) == tag2(vaddr, asid)) {
            return Tlb.host(tlb, vaddr);
        }
        throw TlbMiss.INSTANCE;
    }

    public static long writable32(long[] tlb, long asid, long vaddr) {
        if (Tlb.writeTag(tlb, vaddr) == tag4(vaddr, asid)) {
            return Tlb.host(tlb, vaddr);
        }
        throw TlbMiss.INSTANCE;
    }

    public static long writable64(long[] tlb, long asid, long vaddr) {
        if (Tlb.writeTag(tlb, vaddr) == tag8(vaddr, asid)) {
            return Tlb.host(tlb, vaddr);
        }
        throw TlbMiss.INSTANCE;
    }

    // ---- addresses for AtomicAccess: a miss when not aligned

    public static long updatable8(long[] tlb, long asid, long vaddr) {
        if (Tlb.writeTag(tlb, vaddr) == tag1(vaddr, asid)) {
            return Tlb.host(tlb, vaddr);
        }
        throw TlbMiss.INSTANCE;
    }

    public static long updatable16(long[] tlb, long asid, long vaddr) {
        if (Tlb.writeTag(tlb, vaddr) == aligned2(vaddr, asid)) {
            return Tlb.host(tlb, vaddr);
        }
        throw TlbMiss.INSTANCE;
    }

    public static long updatable32(long[] tlb, long asid, long vaddr) {
        if (Tlb.writeTag(tlb, vaddr) == aligned4(vaddr, asid)) {
            return Tlb.host(tlb, vaddr);
        }
        throw TlbMiss.INSTANCE;
    }

    public static long updatable64(long[] tlb, long asid, long vaddr) {
        if (Tlb.writeTag(tlb, vaddr) == aligned8(vaddr, asid)) {
            return Tlb.host(tlb, vaddr);
        }
        throw TlbMiss.INSTANCE;
    }

    public static long updatable128(long[] tlb, long asid, long vaddr) {
        if (Tlb.writeTag(tlb, vaddr) == aligned16(vaddr, asid)) {
            return Tlb.host(tlb, vaddr);
        }
        throw TlbMiss.INSTANCE;
    }

    // ---- memory at a host address that one of the methods above has returned

    public static int get8(long host) {
        int value = (byte) Ram.getByte(host);
        VarHandle.acquireFence();
        return value;
    }

    public static int get16(long host) {
        int value = (short) Ram.getShort(host);
        VarHandle.acquireFence();
        return value;
    }

    public static int get32(long host) {
        int value = Ram.getInt(host);
        VarHandle.acquireFence();
        return value;
    }

    public static long get64(long host) {
        long value = Ram.getLong(host);
        VarHandle.acquireFence();
        return value;
    }

    public static void put8(long host, int value) {
        VarHandle.releaseFence();
        Ram.putByte(host, value);
    }

    public static void put16(long host, int value) {
        VarHandle.releaseFence();
        Ram.putShort(host, value);
    }

    public static void put32(long host, int value) {
        VarHandle.releaseFence();
        Ram.putInt(host, value);
    }

    public static void put64(long host, long value) {
        VarHandle.releaseFence();
        Ram.putLong(host, value);
    }
}

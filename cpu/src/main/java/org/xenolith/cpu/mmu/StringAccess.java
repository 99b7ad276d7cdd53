package org.xenolith.cpu.mmu;

import java.lang.invoke.VarHandle;

/**
 * REP MOVS and REP STOS at once, for translated code: all of the instruction, or nothing where it
 * is long, goes downwards, replicates what it has just written, or touches a page that the TLB does
 * not know. The interpreter repeats an instruction of so few elements in one go, too, so that both
 * count one.
 */
public final class StringAccess {
    /** So an operand lies in two pages at most. */
    private static final int MAX_BYTES = Ram.PAGE_SIZE;

    private static final long BYTE_LANES = 0x0101_0101_0101_0101L;

    private StringAccess() {}

    private static boolean isReadable(long[] tlb, long asid, long vaddr) {
        return Tlb.readTag(tlb, vaddr) == TlbAccess.tag1(vaddr, asid);
    }

    private static boolean isWritable(long[] tlb, long asid, long vaddr) {
        return Tlb.writeTag(tlb, vaddr) == TlbAccess.tag1(vaddr, asid);
    }

    /** Host address of a byte whose page the TLB knows. */
    private static long host(long[] tlb, long vaddr) {
        return Tlb.host(tlb, vaddr);
    }

    private static long toEndOfPage(long vaddr) {
        return Ram.PAGE_SIZE - (vaddr & Ram.PAGE_OFFSET);
    }

    private static boolean isOneGo(long count, int size, int step) {
        return step > 0 && Long.compareUnsigned(count, MAX_BYTES / size) <= 0;
    }

    /**
     * REP STOS.
     *
     * @param count RCX
     * @param size of an element, in bytes
     * @param step 1, or -1 with DF set
     * @param value RAX
     * @return whether it is done, but for RDI and RCX
     */
    public static boolean store(
            long[] tlb, long asid, long vaddr, long count, int size, int step, long value) {
        if (count == 0) {
            return true;
        }
        long last = vaddr + count * size - 1;
        if (!isOneGo(count, size, step)
                || !isWritable(tlb, asid, vaddr)
                || !isWritable(tlb, asid, last)) {
            return false;
        }
        int here = (int) Math.min(count, toEndOfPage(vaddr) / size);
        if (here != count && (vaddr & size - 1) != 0) {
            return false;
        }
        VarHandle.releaseFence();
        fill(host(tlb, vaddr), here, size, value);
        if (here != count) {
            fill(host(tlb, last) & Ram.PAGE_MASK, (int) count - here, size, value);
        }
        return true;
    }

    /** Stores the low bytes of a value {@code elements} times; all of them are in one page. */
    public static void fill(long host, int elements, int size, long value) {
        long low = value & 0xff;
        long mask = -1L >>> 64 - 8 * size;
        if (((low * BYTE_LANES ^ value) & mask) == 0) {
            Ram.fill(host, (long) elements * size, (int) low);
            return;
        }
        for (int i = 0; i < elements; i++) {
            switch (size) {
                case 8 -> Ram.putLong(host + 8L * i, value);
                case 4 -> Ram.putInt(host + 4L * i, (int) value);
                default -> Ram.putShort(host + 2L * i, (int) value);
            }
        }
    }

    /**
     * REP MOVS.
     *
     * @param count RCX
     * @param size of an element, in bytes
     * @param step 1, or -1 with DF set
     * @return whether it is done, but for RSI, RDI and RCX
     */
    public static boolean move(
            long[] tlb, long asid, long from, long to, long count, int size, int step) {
        if (count == 0) {
            return true;
        }
        long bytes = count * size;
        if (!isOneGo(count, size, step)
                || !isReadable(tlb, asid, from)
                || !isReadable(tlb, asid, from + bytes - 1)
                || !isWritable(tlb, asid, to)
                || !isWritable(tlb, asid, to + bytes - 1)
                || mayReplicate(tlb, from, to, bytes)) {
            return false;
        }
        VarHandle.fullFence();
        copy(tlb, from, to, bytes);
        VarHandle.acquireFence();
        return true;
    }

    /** Whether a byte may be read after it was written. */
    private static boolean mayReplicate(long[] tlb, long from, long to, long bytes) {
        long hostFrom = host(tlb, from);
        long hostTo = host(tlb, to);
        if (bytes <= toEndOfPage(from) && bytes <= toEndOfPage(to)) {
            return hostTo > hostFrom && hostTo < hostFrom + bytes;
        }
        long lastFrom = host(tlb, from + bytes - 1);
        long lastTo = host(tlb, to + bytes - 1);
        return isSameFrame(hostFrom, hostTo)
                || isSameFrame(hostFrom, lastTo)
                || isSameFrame(lastFrom, hostTo)
                || isSameFrame(lastFrom, lastTo);
    }

    private static boolean isSameFrame(long host, long other) {
        return ((host ^ other) & Ram.PAGE_MASK) == 0;
    }

    private static void copy(long[] tlb, long from, long to, long bytes) {
        long done = 0;
        while (done < bytes) {
            long a = from + done;
            long b = to + done;
            long n = Math.min(bytes - done, Math.min(toEndOfPage(a), toEndOfPage(b)));
            Ram.copy(host(tlb, a), host(tlb, b), n);
            done += n;
        }
    }
}

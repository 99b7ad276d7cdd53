package org.xenolith.cpu.mmu;

import static org.xenolith.cpu.mmu.Ram.PAGE_MASK;
import static org.xenolith.cpu.mmu.Ram.PAGE_OFFSET;
import static org.xenolith.cpu.mmu.Ram.PAGE_SIZE;

import org.xenolith.cpu.GuestFault;

/**
 * Accesses that may reach into another page: operands that cross a boundary, and copies for
 * hypercalls and large operands. Made of accesses within a page, which {@link Mmu} offers anybody.
 */
final class PageCrossing {
    private PageCrossing() {}

    /** Both pages are checked before a byte is read. */
    static long read(Mmu mmu, long vaddr, int size) {
        mmu.hostForRead(vaddr);
        mmu.hostForRead(vaddr + size - 1 & PAGE_MASK);
        long value = 0;
        for (int k = size - 1; k >= 0; k--) {
            value = value << 8 | mmu.read8(vaddr + k);
        }
        return value;
    }

    /** Both pages are checked before a byte is written. */
    static void write(Mmu mmu, long vaddr, int size, long value) {
        mmu.checkWritable(vaddr);
        mmu.checkWritable(vaddr + size - 1 & PAGE_MASK);
        for (int k = 0; k < size; k++) {
            mmu.write8(vaddr + k, (int) (value >>> 8 * k));
        }
    }

    /** {@link Mmu#copyFrom}. */
    static void copyFrom(Mmu mmu, long vaddr, byte[] into, int offset, int length) {
        while (length > 0) {
            int n = (int) Math.min(length, PAGE_SIZE - (vaddr & PAGE_OFFSET));
            Ram.read(mmu.hostForRead(vaddr), into, offset, n);
            mmu.noteAccess(vaddr, n, false);
            vaddr += n;
            offset += n;
            length -= n;
        }
    }

    /** {@link Mmu#copyTo}. */
    static void copyTo(Mmu mmu, long vaddr, byte[] from, int offset, int length) {
        while (length > 0) {
            int n = (int) Math.min(length, PAGE_SIZE - (vaddr & PAGE_OFFSET));
            long host = mmu.hostForBulkWrite(vaddr);
            if (host == Mmu.NO_HOST) {
                throw GuestFault.pageFault(vaddr, GuestFault.PF_PRESENT | GuestFault.PF_WRITE);
            }
            Ram.write(host, from, offset, n);
            mmu.noteStore(host, n);
            mmu.noteAccess(vaddr, n, true);
            vaddr += n;
            offset += n;
            length -= n;
        }
    }
}

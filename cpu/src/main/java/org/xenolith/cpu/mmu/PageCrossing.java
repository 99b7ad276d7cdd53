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

    /**
     * First byte of the page in which an operand ends. That all of it is canonical is checked
     * before any page is: segmentation comes before paging.
     *
     * @throws GuestFault non-canonical #GP
     */
    static long secondPage(long vaddr, int size) {
        long page = vaddr + size - 1 & PAGE_MASK;
        if (!Mmu.isCanonical(page)) {
            throw GuestFault.nonCanonical(page);
        }
        return page;
    }

    /** Both pages are checked before a byte is read. */
    static long read(Mmu mmu, long vaddr, int size) {
        long second = secondPage(vaddr, size);
        mmu.hostForRead(vaddr);
        mmu.hostForRead(second);
        long value = 0;
        for (int k = size - 1; k >= 0; k--) {
            value = value << 8 | mmu.read8(vaddr + k);
        }
        return value;
    }

    /**
     * {@link Mmu#checkWritable(long, int)}. The platform writes an entry of a page table as a whole
     * or not at all, and none reaches into another page: nothing of such a store may happen.
     */
    static void checkWritable(Mmu mmu, long vaddr, int size) {
        long second = secondPage(vaddr, size);
        requireHost(mmu, vaddr);
        requireHost(mmu, second);
    }

    /** Host address of a byte that may be written; one of a page table may not. */
    private static long requireHost(Mmu mmu, long vaddr) {
        long host = mmu.hostForBulkWrite(vaddr);
        if (host == Mmu.NO_HOST) {
            throw GuestFault.pageFault(vaddr, GuestFault.PF_PRESENT | GuestFault.PF_WRITE);
        }
        return host;
    }

    /** Both pages are checked before a byte is written. */
    static void write(Mmu mmu, long vaddr, int size, long value) {
        checkWritable(mmu, vaddr, size);
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
            long host = requireHost(mmu, vaddr);
            Ram.write(host, from, offset, n);
            mmu.noteStore(host, n);
            mmu.noteAccess(vaddr, n, true);
            vaddr += n;
            offset += n;
            length -= n;
        }
    }
}

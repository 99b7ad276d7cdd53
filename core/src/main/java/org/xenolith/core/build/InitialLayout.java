package org.xenolith.core.build;

import org.xenolith.core.image.ElfImage;
import org.xenolith.core.image.XenNotes;
import org.xenolith.cpu.mmu.Mmu;
import org.xenolith.cpu.mmu.Pte;
import org.xenolith.cpu.mmu.Ram;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/**
 * Which guest frame holds what when a domain starts. All but an unmapped initrd and an outside p2m
 * list is mapped linearly: PFN n at {@code virtBase + n * 4096}, from PFN 0 to {@link
 * #mappedPages}.
 *
 * <pre>
 * kernel | initrd | p2m list | start_info | store | console | tables | stack | padding | initrd | p2m, tables
 *          mapped   inside                                                               unmapped  outside
 * </pre>
 *
 * @param mappedPages frames that the tables map at {@code virtBase}
 * @param tables all page tables, the L4 table first
 * @param bootTables how many of them map the kernel; those come first and lie together
 * @param p2mVaddr linear address of the p2m list
 * @param p2mFrames frames of the list and, when it is outside, of its tables
 * @param usedPages frames that must exist
 */
public record InitialLayout(
        long virtBase,
        long startInfoPfn,
        long storePfn,
        long consolePfn,
        long bootStackPfn,
        long mappedPages,
        List<Table> tables,
        int bootTables,
        long initrdPfn,
        boolean initrdMapped,
        long p2mVaddr,
        long p2mPfn,
        long p2mListPages,
        long p2mFrames,
        long usedPages) {
    /** Room that a kernel may use behind its boot stack. */
    private static final long PADDING_PAGES = (512 << 10) / Ram.PAGE_SIZE;

    /** No guest-physical address is above. */
    private static final long ADDRESS_LIMIT = 1L << 46;

    /** The mapped area ends at a multiple of 4 MiB of linear addresses. */
    private static final long MAPPED_ALIGNMENT = 4L << 20;

    /**
     * A page table.
     *
     * @param level 1 to 4
     * @param vaddr first linear address that it maps
     */
    public record Table(int level, long vaddr, long pfn) {
        /** Whether the table translates a linear address. */
        boolean covers(long address) {
            return level == 4 || vaddr == regionStart(level, address);
        }
    }

    private static int shift(int level) {
        return Ram.PAGE_SHIFT + 9 * level;
    }

    private static long regionStart(int level, long vaddr) {
        return vaddr >> shift(level) << shift(level);
    }

    static long pagesOf(long bytes) {
        return (bytes + Ram.PAGE_SIZE - 1) / Ram.PAGE_SIZE;
    }

    /** Plans the frames of a domain; nothing is said yet of whether it has that many. */
    static InitialLayout plan(ElfImage kernel, XenNotes notes, int initrdBytes, long pages)
            throws BuildFailed {
        return new Planner(notes, pages).plan(kernelEnd(kernel, notes, pages), initrdBytes);
    }

    /** First free PFN behind the kernel's last segment. */
    private static long kernelEnd(ElfImage kernel, XenNotes notes, long pages) throws BuildFailed {
        long end = 0;
        for (ElfImage.Segment segment : kernel.loadSegments()) {
            long start = segment.paddr() - notes.paddrOffset();
            long last = start + segment.memorySize();
            if (start < 0 || segment.memorySize() < 0 || last < start || last > ADDRESS_LIMIT) {
                throw new BuildFailed(
                        "The kernel has a segment at the impossible address %#x"
                                .formatted(segment.paddr()));
            }
            end = Math.max(end, pagesOf(last));
        }
        if (end == 0) {
            throw new BuildFailed("The kernel has nothing to load");
        }
        if (end > pages) {
            throw notEnough("The kernel alone", end, pages);
        }
        return end;
    }

    static BuildFailed notEnough(String what, long needed, long pages) {
        return new BuildFailed(
                "%s needs %d MiB of memory, but the domain has only %d MiB"
                        .formatted(what, mebibytesUp(needed), pages >> 8));
    }

    private static long mebibytesUp(long pages) {
        return (pages + 255) >> 8;
    }

    /** Hands out frames from low to high. */
    private static final class Planner {
        private final XenNotes notes;
        private final long virtBase;
        private final long pages;
        private final List<Table> tables = new ArrayList<>();
        private long next;

        Planner(XenNotes notes, long pages) {
            this.notes = notes;
            this.virtBase = notes.virtBase();
            this.pages = pages;
        }

        private long take(long count) {
            long first = next;
            next += count;
            return first;
        }

        InitialLayout plan(long kernelEnd, int initrdBytes) throws BuildFailed {
            checkPlace("VIRT_BASE", virtBase, 1);
            next = kernelEnd;
            long initrdPages = pagesOf(initrdBytes);
            boolean initrdMapped = !notes.modStartPfn();
            long initrdPfn = initrdMapped ? take(initrdPages) : 0;
            long listPages = pagesOf(pages * Long.BYTES);
            boolean p2mOutside = p2mOutside();
            if (p2mOutside) {
                checkPlace("INIT_P2M", notes.initP2m().getAsLong(), listPages);
            }
            long p2mPfn = p2mOutside ? 0 : take(listPages);
            long startInfoPfn = take(1);
            long storePfn = take(1);
            long consolePfn = take(1);
            long mappedEnd = planBootTables();
            int bootTables = tables.size();
            long bootStackPfn = take(1);
            next = mappedEnd;
            if (!initrdMapped) {
                initrdPfn = take(initrdPages);
            }
            long p2mFrames = listPages;
            if (p2mOutside) {
                p2mPfn = take(listPages);
                planTables(notes.initP2m().getAsLong(), listPages);
                p2mFrames = next - p2mPfn;
            }
            long p2mVaddr =
                    p2mOutside
                            ? notes.initP2m().getAsLong()
                            : virtBase + (p2mPfn << Ram.PAGE_SHIFT);
            checkSize(kernelEnd, initrdPages);
            return new InitialLayout(
                    virtBase,
                    startInfoPfn,
                    storePfn,
                    consolePfn,
                    bootStackPfn,
                    mappedEnd,
                    List.copyOf(tables),
                    bootTables,
                    initrdPfn,
                    initrdMapped,
                    p2mVaddr,
                    p2mPfn,
                    listPages,
                    p2mFrames,
                    next);
        }

        /** What the notes ask for must be addresses that a guest can have. */
        private static void checkPlace(String note, long vaddr, long pageCount) throws BuildFailed {
            long last = vaddr + (pageCount << Ram.PAGE_SHIFT) - 1;
            boolean usable =
                    (vaddr & Ram.PAGE_OFFSET) == 0
                            && Mmu.isCanonical(vaddr)
                            && !isHypervisors(vaddr)
                            && !isHypervisors(last);
            if (!usable) {
                throw new BuildFailed(
                        "The kernel's %s note names %#x, where a guest can have nothing"
                                .formatted(note, vaddr));
            }
        }

        private static boolean isHypervisors(long vaddr) {
            int slot = Pte.index(vaddr, 4);
            return slot >= Pte.HYPERVISOR_FIRST_SLOT && slot <= Pte.HYPERVISOR_LAST_SLOT;
        }

        private void checkSize(long kernelEnd, long initrdPages) throws BuildFailed {
            if (next > pages && initrdPages > 0 && next - initrdPages <= pages) {
                throw notEnough(
                        "With its initrd of %d MiB the kernel".formatted(mebibytesUp(initrdPages)),
                        next,
                        pages);
            }
            if (next > pages) {
                throw notEnough("The kernel with its first page tables", next, pages);
            }
        }

        /**
         * A list inside the linear mapping, or not on a page, is none of its own: as Xen's builder
         * has it.
         */
        private boolean p2mOutside() {
            OptionalLong vaddr = notes.initP2m();
            return vaddr.isPresent()
                    && Long.compareUnsigned(vaddr.getAsLong(), virtBase) < 0
                    && (vaddr.getAsLong() & Ram.PAGE_OFFSET) == 0;
        }

        /**
         * Tables that map everything from PFN 0 on, themselves included: the more of them, the
         * longer the area, so the end is found by trying.
         *
         * @return first PFN behind the mapped area
         */
        private long planBootTables() throws BuildFailed {
            long extra = 1 + PADDING_PAGES; // boot stack and padding
            long needed = extra;
            long end;
            do {
                long vend = virtBase + (next + needed << Ram.PAGE_SHIFT);
                vend = vend + MAPPED_ALIGNMENT - 1 & -MAPPED_ALIGNMENT;
                end = vend - virtBase >>> Ram.PAGE_SHIFT;
                if (!Mmu.isCanonical(vend - 1) || (vend - 1 ^ virtBase) < 0) {
                    throw new BuildFailed(
                            "Kernel and initrd are too large to be mapped from %#x on"
                                    .formatted(virtBase));
                }
                needed = 1 + countTables(virtBase, end) + extra;
            } while (next + needed > end);
            tables.add(new Table(4, 0, take(1)));
            planTables(virtBase, end);
            return end;
        }

        private static long countTables(long vaddr, long pageCount) {
            long last = vaddr + (pageCount << Ram.PAGE_SHIFT) - 1;
            long count = 0;
            for (int level = 1; level < 4; level++) {
                count += (last >> shift(level)) - (vaddr >> shift(level)) + 1;
            }
            return count;
        }

        /** Adds the tables of a linear range that are not there yet, L3 first. */
        private void planTables(long vaddr, long pageCount) {
            long last = vaddr + (pageCount << Ram.PAGE_SHIFT) - 1;
            for (int level = 3; level >= 1; level--) {
                for (long at = regionStart(level, vaddr);
                        at - last <= 0;
                        at += 1L << shift(level)) {
                    if (table(level, at) == null) {
                        tables.add(new Table(level, at, take(1)));
                    }
                }
            }
        }

        private Table table(int level, long vaddr) {
            for (Table table : tables) {
                if (table.level() == level && table.covers(vaddr)) {
                    return table;
                }
            }
            return null;
        }
    }

    /** Index of the entry for {@code vaddr} in a table. */
    static int slot(Table table, long vaddr) {
        return Pte.index(vaddr, table.level());
    }
}

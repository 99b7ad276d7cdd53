package org.xenolith.core.mm;

import org.xenolith.cpu.mmu.Pte;
import org.xenolith.cpu.mmu.Ram;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * Where page tables are linked, so that a change of an entry drops no more than what the entry
 * translated. Most tables are linked at one place, which the frame table's word keeps; this keeps
 * the others. Linux under Xen leaves the L1 tables below its image linked at two places: in the
 * image's own mapping and in that of all memory.
 *
 * <p>All methods are called with {@link FrameTable#lock} held.
 */
final class TableLinks {
    /**
     * Marks the link of an L3 table; its other bits are the byte offset of its slot in L4 tables.
     */
    static final long IN_ROOT = 1L << 62;

    /** Places that are kept for one table: a guest that links it at more pays with full flushes. */
    static final int MAX_PLACES = 4;

    private final FrameTable frames;

    /** Links of L1 and L2 tables that have two to {@link #MAX_PLACES} of them, by MFN. */
    private final Map<Long, long[]> places = new HashMap<>();

    TableLinks(FrameTable frames) {
        this.frames = frames;
    }

    private static long linkOf(long parentMfn, int level, int slot) {
        return level == FrameType.L4_TABLE
                ? IN_ROOT | slot * 8L
                : parentMfn << Ram.PAGE_SHIFT | slot * 8L;
    }

    /**
     * An upper table has got an entry.
     *
     * @param level of the table {@code parentMfn}
     */
    void link(long parentMfn, int level, int slot, long entry) {
        long child = Pte.mfn(entry);
        long link = linkOf(parentMfn, level, slot);
        long old = frames.link(child);
        if (old == FrameTable.LINK_NONE || old == link) {
            frames.setLink(child, link);
        } else {
            addPlace(child, level, old, link);
        }
    }

    private void addPlace(long child, int level, long old, long link) {
        long[] before = old == FrameTable.LINK_SEVERAL ? places.remove(child) : new long[] {old};
        frames.setLink(child, FrameTable.LINK_SEVERAL);
        if (before != null && before.length < MAX_PLACES && level != FrameType.L4_TABLE) {
            long[] more = Arrays.copyOf(before, before.length + 1);
            more[before.length] = link;
            places.put(child, more);
        }
    }

    /** An upper table has lost an entry, and the use of the table below is not given up yet. */
    void unlink(long parentMfn, int level, int slot, long entry) {
        // An L3 table stands at the same slot of many roots: it keeps its place until it is no
        // table.
        if (level == FrameType.L4_TABLE) {
            return;
        }
        long child = Pte.mfn(entry);
        long link = linkOf(parentMfn, level, slot);
        long old = frames.link(child);
        if (old == link) {
            frames.setLink(child, FrameTable.LINK_NONE);
        } else if (old == FrameTable.LINK_SEVERAL && places.containsKey(child)) {
            removePlace(child, link);
        }
    }

    private void removePlace(long child, long link) {
        long[] left = Arrays.stream(places.remove(child)).filter(place -> place != link).toArray();
        if (left.length == 1) {
            frames.setLink(child, left[0]);
        } else {
            places.put(child, left);
        }
    }

    /**
     * Drops what an L1 entry translates: its page wherever the table is linked, or everything when
     * the places are not known.
     */
    void dropPage(long l1Mfn, int slot, TlbShootdown tlb) {
        if (!dropPages(l1Mfn, FrameType.L1_TABLE, (long) slot << Ram.PAGE_SHIFT, tlb)) {
            tlb.flushAll();
        }
    }

    /**
     * @param offset of the page in what the table maps
     * @return false when a place of the table or of one above is not known
     */
    private boolean dropPages(long mfn, int level, long offset, TlbShootdown tlb) {
        long link = frames.link(mfn);
        if (link == FrameTable.LINK_NONE) {
            return true;
        }
        if (link != FrameTable.LINK_SEVERAL) {
            return dropPagesAt(link, level, offset, tlb);
        }
        long[] links = places.get(mfn);
        boolean known = links != null;
        for (int i = 0; known && i < links.length; i++) {
            known = dropPagesAt(links[i], level, offset, tlb);
        }
        return known;
    }

    private boolean dropPagesAt(long link, int level, long offset, TlbShootdown tlb) {
        long slot = (link & Ram.PAGE_OFFSET) >>> 3;
        long vaddr = slot << Ram.PAGE_SHIFT + 9 * level | offset;
        if (level < FrameType.L3_TABLE) {
            return dropPages(link >>> Ram.PAGE_SHIFT, level + 1, vaddr, tlb);
        }
        tlb.dropPage(vaddr << 16 >> 16);
        return true;
    }

    /** Drops what an upper table leads to, after a change of an entry. */
    void dropTable(long mfn, int level, TlbShootdown tlb) {
        if (level == FrameType.L4_TABLE) {
            tlb.dropRoot(mfn);
        } else if (level == FrameType.L3_TABLE) {
            tlb.dropTable(mfn);
        } else {
            dropL2(mfn, tlb);
        }
    }

    private void dropL2(long mfn, TlbShootdown tlb) {
        long link = frames.link(mfn);
        long[] links = link == FrameTable.LINK_SEVERAL ? places.get(mfn) : new long[] {link};
        if (links == null) {
            tlb.flushAll();
        } else if (link != FrameTable.LINK_NONE) {
            for (long place : links) {
                tlb.dropTable(place >>> Ram.PAGE_SHIFT);
            }
        }
    }
}

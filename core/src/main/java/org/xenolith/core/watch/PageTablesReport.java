package org.xenolith.core.watch;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;

import org.xenolith.core.mm.FrameTable;
import org.xenolith.core.mm.FrameType;
import org.xenolith.cpu.mmu.MachineMemory;
import org.xenolith.cpu.mmu.Pte;
import org.xenolith.cpu.mmu.Ram;

import java.util.HashMap;
import java.util.Map;

/**
 * Page tables as a tree, and who maps a frame. Tables are read as they lie in memory; only frames
 * that are counted as tables of the right level are followed, so that the tree is one.
 */
public final class PageTablesReport {
    private static final int TOP = 4;

    private final FrameTable frames;
    private int left;

    public PageTablesReport(FrameTable frames) {
        this.frames = frames;
    }

    private boolean isTable(long mfn, int level) {
        return frames.frame(mfn) != MachineMemory.NO_FRAME
                && frames.typeCount(mfn) > 0
                && frames.type(mfn) == level;
    }

    private long entry(long table, int slot) {
        return Ram.getLongVolatile(frames.frame(table) + slot * 8L);
    }

    private static boolean isHypervisors(int level, int slot) {
        return level == TOP
                && slot >= Pte.HYPERVISOR_FIRST_SLOT
                && slot <= Pte.HYPERVISOR_LAST_SLOT;
    }

    // ---- the tree ----

    /**
     * The tables below a root.
     *
     * @param depth levels to show below the root, 0 to 4
     * @param limit entries at most, in all
     * @return null when the frame is no root
     */
    public JsonObject tree(long root, int depth, int limit) {
        if (!isTable(root, TOP)) {
            return null;
        }
        left = limit;
        JsonObject tree = new JsonObject();
        tree.addProperty("mfn", Hex.of(root));
        tree.addProperty("level", TOP);
        tree.addProperty("present", present(root, TOP));
        tree.add("entries", entries(root, TOP, 0, depth));
        tree.addProperty("complete", left >= 0);
        return tree;
    }

    private JsonArray entries(long table, int level, long base, int depth) {
        JsonArray entries = new JsonArray();
        for (int slot = 0; depth > 0 && slot < Pte.ENTRIES; slot++) {
            long pte = entry(table, slot);
            if (!Pte.isPresent(pte) || isHypervisors(level, slot)) {
                continue;
            }
            if (--left < 0) {
                break;
            }
            entries.add(entry(slot, pte, level, vaddr(base, level, slot), depth));
        }
        return entries;
    }

    private JsonObject entry(int slot, long pte, int level, long vaddr, int depth) {
        JsonObject entry = new JsonObject();
        entry.addProperty("slot", slot);
        entry.addProperty("vaddr", Hex.of(canonical(vaddr)));
        entry.addProperty("mfn", Hex.of(Pte.mfn(pte)));
        entry.addProperty("flags", flags(pte));
        if (level == 1) {
            entry.addProperty("type", typeName(Pte.mfn(pte)));
        } else if (isTable(Pte.mfn(pte), level - 1)) {
            entry.addProperty("level", level - 1);
            entry.addProperty("present", present(Pte.mfn(pte), level - 1));
            if (depth > 1) {
                entry.add("entries", entries(Pte.mfn(pte), level - 1, vaddr, depth - 1));
            }
        }
        return entry;
    }

    private String typeName(long mfn) {
        return FrameType.name(frames.typeCount(mfn) == 0 ? FrameType.NONE : frames.type(mfn));
    }

    private int present(long table, int level) {
        int present = 0;
        for (int slot = 0; slot < Pte.ENTRIES; slot++) {
            present += Pte.isPresent(entry(table, slot)) && !isHypervisors(level, slot) ? 1 : 0;
        }
        return present;
    }

    private static long vaddr(long base, int level, int slot) {
        return base | (long) slot << Ram.PAGE_SHIFT + 9 * (level - 1);
    }

    private static long canonical(long vaddr) {
        return vaddr << 16 >> 16;
    }

    /** Letters for writable, user, executable, accessed, dirty, global; '-' for what is not. */
    static String flags(long pte) {
        return letter(pte, Pte.WRITABLE, 'w')
                + letter(pte, Pte.USER, 'u')
                + letter(~pte, Pte.NO_EXECUTE, 'x')
                + letter(pte, Pte.ACCESSED, 'a')
                + letter(pte, Pte.DIRTY, 'd')
                + letter(pte, Pte.GLOBAL, 'g');
    }

    private static String letter(long pte, long flag, char letter) {
        return String.valueOf((pte & flag) != 0 ? letter : '-');
    }

    // ---- who maps a frame ----

    /**
     * Entries of all tables of the domain that name a frame.
     *
     * @param root tables below this one are told with the linear address that they translate
     * @param limit entries at most
     */
    public JsonArray mappers(long mfn, long root, int limit) {
        Map<Long, Long> bases = new HashMap<>();
        if (isTable(root, TOP)) {
            findBases(root, TOP, 0, bases);
        }
        JsonArray mappers = new JsonArray();
        for (long table = FrameTable.RAM_BASE; table < frames.limitMfn(); table++) {
            if (frames.frame(table) == MachineMemory.NO_FRAME
                    || frames.typeCount(table) == 0
                    || frames.type(table) < FrameType.L1_TABLE
                    || frames.type(table) > TOP) {
                continue;
            }
            for (int slot = 0; slot < Pte.ENTRIES && mappers.size() < limit; slot++) {
                long pte = entry(table, slot);
                if (Pte.isPresent(pte) && Pte.mfn(pte) == mfn) {
                    mappers.add(mapper(table, slot, pte, bases.get(table)));
                }
            }
        }
        return mappers;
    }

    private JsonObject mapper(long table, int slot, long pte, Long base) {
        int level = frames.type(table);
        JsonObject mapper = new JsonObject();
        mapper.addProperty("table", Hex.of(table));
        mapper.addProperty("level", level);
        mapper.addProperty("slot", slot);
        mapper.addProperty("flags", flags(pte));
        if (base != null) {
            mapper.addProperty("vaddr", Hex.of(canonical(vaddr(base, level, slot))));
        }
        return mapper;
    }

    /** Where each table stands below a root; one that stands at several places at its first. */
    private void findBases(long table, int level, long base, Map<Long, Long> bases) {
        if (bases.putIfAbsent(table, base) != null || level == 1) {
            return;
        }
        for (int slot = 0; slot < Pte.ENTRIES; slot++) {
            long pte = entry(table, slot);
            if (Pte.isPresent(pte)
                    && !isHypervisors(level, slot)
                    && isTable(Pte.mfn(pte), level - 1)) {
                findBases(Pte.mfn(pte), level - 1, vaddr(base, level, slot), bases);
            }
        }
    }
}

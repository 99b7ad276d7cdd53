package org.xenolith.cpu.translate;

import java.util.List;

/**
 * Which instructions of a region write arithmetic flags that somebody reads. All six are seen as
 * one. Each exit counts as a reader, so flags are exact whenever the interpreter takes over; that
 * costs nothing measurable, for C2 computes them on the way out only.
 */
final class FlagFlow {
    private FlagFlow() {}

    static void analyse(Region region) {
        boolean changed = true;
        while (changed) {
            changed = false;
            for (RegionBlock block : region.blocks().stream().toList().reversed()) {
                boolean live = flow(block);
                changed |= live != block.flagsLiveIn;
                block.flagsLiveIn = live;
            }
        }
        for (RegionBlock block : region.blocks()) {
            decideStores(block);
        }
    }

    private static boolean isLiveOut(RegionBlock block) {
        return switch (block.end) {
            case LEAVES, COMPUTED, RETURNS -> true;
            case GOES_ON -> isLiveAt(block.nextBlock);
            case BRANCHES -> isLiveAt(block.nextBlock) || isLiveAt(block.takenBlock);
        };
    }

    private static boolean isLiveAt(RegionBlock block) {
        return block == null || block.flagsLiveIn;
    }

    private static boolean flow(RegionBlock block) {
        boolean live = isLiveOut(block);
        for (GuestInstruction i : block.instructions.reversed()) {
            i.flagsLive = live;
            live = i.entry.mayMiss(i) || liveBefore(i, live);
        }
        return live || block.checksBudget;
    }

    private static boolean liveBefore(GuestInstruction i, boolean after) {
        return switch (i.entry.flags()) {
            case OVERWRITES -> false;
            case READS, READS_ALL, READS_AND_OVERWRITES -> true;
            case CHANGES, NONE -> after;
        };
    }

    private static void decideStores(RegionBlock block) {
        List<GuestInstruction> list = block.instructions;
        for (int k = 0; k < list.size(); k++) {
            GuestInstruction i = list.get(k);
            i.flagsStored = i.flagsLive && isReadByOthers(block, list, k);
        }
    }

    /** Whether not only branches that know what they compare read what the instruction writes. */
    private static boolean isReadByOthers(RegionBlock block, List<GuestInstruction> list, int k) {
        GuestInstruction writer = list.get(k);
        for (int j = k + 1; j < list.size(); j++) {
            GuestInstruction i = list.get(j);
            if (i.entry.mayMiss(i)) {
                return true;
            }
            switch (i.entry.flags()) {
                case READS -> {
                    if (!FlagEmitter.isDirect(writer.entry.rule(), i.condition())) {
                        return true;
                    }
                }
                case READS_ALL, READS_AND_OVERWRITES -> {
                    return true;
                }
                case CHANGES -> {
                    if (i.flagsLive) {
                        return true;
                    }
                }
                case OVERWRITES -> {
                    return false;
                }
                case NONE -> {}
            }
        }
        return isLiveOut(block);
    }
}

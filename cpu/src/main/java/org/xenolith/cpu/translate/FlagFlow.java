package org.xenolith.cpu.translate;

import org.xenolith.cpu.translate.Translations.FlagUse;

import java.util.List;

/**
 * Which instructions of a region write arithmetic flags that somebody reads. All six are seen as
 * one. At an exit they count as read, unless the instructions from there on overwrite them: what
 * the interpreter would find out too, so that both leave the same flags stale.
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

    static boolean isLiveOut(RegionBlock block) {
        return switch (block.end) {
            case LEAVES -> true;
            case GOES_ON -> isLiveAt(block.nextBlock);
            case BRANCHES -> isLiveAt(block.nextBlock) || isLiveAt(block.takenBlock);
        };
    }

    private static boolean isLiveAt(RegionBlock block) {
        return block == null || block.flagsLiveIn;
    }

    private static boolean flow(RegionBlock block) {
        List<GuestInstruction> list = block.instructions;
        boolean live = isLiveOut(block);
        boolean overwritten = false;
        for (int k = list.size() - 1; k >= 0; k--) {
            GuestInstruction i = list.get(k);
            i.flagsLive = live;
            FlagUse use = i.entry.flags();
            overwritten = overwrittenBefore(use, overwritten);
            live = liveBefore(use, live) || i.entry.mayMiss(i) && !overwritten;
        }
        return live || block.checksBudget && !overwritten;
    }

    private static boolean liveBefore(FlagUse use, boolean after) {
        return switch (use) {
            case OVERWRITES, OVERWRITES_SHIFTED -> false;
            case READS, READS_AND_OVERWRITES -> true;
            case CHANGES, NONE, OPAQUE -> after;
        };
    }

    /** The rule of the interpreter, which knows the straight line from here on. */
    private static boolean overwrittenBefore(FlagUse use, boolean after) {
        return switch (use) {
            case OVERWRITES -> true;
            case READS, READS_AND_OVERWRITES, OPAQUE -> false;
            case CHANGES, OVERWRITES_SHIFTED, NONE -> after;
        };
    }

    private static void decideStores(RegionBlock block) {
        List<GuestInstruction> list = block.instructions;
        for (int k = 0; k < list.size(); k++) {
            GuestInstruction i = list.get(k);
            if (i.flagsLive && writes(i)) {
                i.flagsStored = isStoreNeeded(block, list, k);
            }
        }
    }

    private static boolean writes(GuestInstruction i) {
        return switch (i.entry.flags()) {
            case OVERWRITES, OVERWRITES_SHIFTED, READS_AND_OVERWRITES, CHANGES -> true;
            case READS, NONE, OPAQUE -> false;
        };
    }

    private static boolean isStoreNeeded(RegionBlock block, List<GuestInstruction> list, int k) {
        GuestInstruction writer = list.get(k);
        for (int j = k + 1; j < list.size(); j++) {
            GuestInstruction i = list.get(j);
            if (i.entry.mayMiss(i) && !isOverwrittenFrom(list, j)) {
                return true;
            }
            switch (i.entry.flags()) {
                case READS -> {
                    if (!FlagEmitter.isDirect(writer.entry.rule(), i.condition())
                            || !i.entry.readsCondition()) {
                        return true;
                    }
                }
                case READS_AND_OVERWRITES -> {
                    return true;
                }
                case CHANGES -> {
                    if (i.flagsLive) {
                        return true;
                    }
                }
                case OVERWRITES, OVERWRITES_SHIFTED -> {
                    return false;
                }
                case NONE, OPAQUE -> {}
            }
        }
        return isLiveOut(block);
    }

    private static boolean isOverwrittenFrom(List<GuestInstruction> list, int from) {
        for (int j = from; j < list.size(); j++) {
            switch (list.get(j).entry.flags()) {
                case OVERWRITES -> {
                    return true;
                }
                case READS, READS_AND_OVERWRITES, OPAQUE -> {
                    return false;
                }
                case CHANGES, OVERWRITES_SHIFTED, NONE -> {}
            }
        }
        return false;
    }
}

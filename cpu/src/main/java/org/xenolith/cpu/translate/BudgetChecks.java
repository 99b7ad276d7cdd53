package org.xenolith.cpu.translate;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Comparisons of the budget stand at entries, where a walk over all ways comes back to a block that
 * it is behind, so that there is one on each cycle, and where the way from the last one gets long.
 */
final class BudgetChecks {
    /**
     * Longest way between two comparisons of the budget, if blocks are not longer. The inner loop
     * of a hash, some 50 instructions, then compares once a round; the interpreter executes what is
     * left of a budget that ends on the way.
     */
    private static final int CHECK_DISTANCE = 64;

    private BudgetChecks() {}

    /** Decides for all blocks of a region; they know what follows them. */
    static void place(Region region, Collection<RegionBlock> blocks) {
        List<RegionBlock> ended = new ArrayList<>();
        Set<RegionBlock> begun = new HashSet<>();
        for (RegionBlock block : region.entries()) {
            walk(region, block, begun, ended);
        }
        for (RegionBlock block : blocks) {
            walk(region, block, begun, ended);
        }
        // What follows a block has been looked at before, unless it compares.
        for (RegionBlock block : ended) {
            int ways = region.followers(block).mapToInt(BudgetChecks::wayFrom).max().orElse(0);
            block.need = block.count() + ways;
            block.checksBudget |= block.entry || block.need > CHECK_DISTANCE;
        }
    }

    /** Lists blocks behind all that follow them. */
    private static void walk(
            Region region, RegionBlock block, Set<RegionBlock> begun, List<RegionBlock> ended) {
        if (!begun.add(block)) {
            return;
        }
        block.underWay = true;
        region.followers(block)
                .forEach(
                        to -> {
                            to.checksBudget |= to.underWay;
                            walk(region, to, begun, ended);
                        });
        block.underWay = false;
        ended.add(block);
    }

    private static int wayFrom(RegionBlock to) {
        return to.checksBudget ? 0 : to.need;
    }
}

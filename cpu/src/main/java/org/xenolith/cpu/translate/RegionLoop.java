package org.xenolith.cpu.translate;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A loop of a region: a head and all blocks from which it is reached again without passing it, so
 * that whoever is in the loop has come through the head.
 */
final class RegionLoop {
    private final Set<RegionBlock> blocks = new HashSet<>();

    /** Edges back to the head. */
    private int backEdges;

    private RegionLoop() {}

    /** The loops of a region that are entered at their heads only, by head. */
    static Map<RegionBlock, RegionLoop> of(Region region) {
        Map<RegionBlock, List<RegionBlock>> predecessors = predecessors(region);
        Map<RegionBlock, RegionLoop> loops = new HashMap<>();
        for (RegionBlock head : region.blocks()) {
            RegionLoop loop = head.loopHead ? of(head, predecessors) : null;
            if (loop != null && !loop.isEnteredElsewhere(head, region)) {
                loops.put(head, loop);
            }
        }
        return loops;
    }

    private static Map<RegionBlock, List<RegionBlock>> predecessors(Region region) {
        Map<RegionBlock, List<RegionBlock>> predecessors = new HashMap<>();
        for (RegionBlock block : region.blocks()) {
            predecessors.put(
                    block, region.blocks().stream().filter(other -> other.goesTo(block)).toList());
        }
        return predecessors;
    }

    private static RegionLoop of(
            RegionBlock head, Map<RegionBlock, List<RegionBlock>> predecessors) {
        RegionLoop loop = new RegionLoop();
        loop.blocks.add(head);
        Deque<RegionBlock> work = new ArrayDeque<>();
        for (RegionBlock block : predecessors.get(head)) {
            if (isBack(block, head)) {
                loop.backEdges += block.nextBlock == block.takenBlock ? 2 : 1;
                work.add(block);
            }
        }
        while (!work.isEmpty()) {
            RegionBlock block = work.removeFirst();
            if (loop.blocks.add(block)) {
                work.addAll(predecessors.get(block));
            }
        }
        return loop.backEdges == 0 ? null : loop;
    }

    static boolean isBack(RegionBlock from, RegionBlock to) {
        return to.place <= from.place;
    }

    private boolean isEnteredElsewhere(RegionBlock head, Region region) {
        return blocks.stream()
                .anyMatch(
                        block ->
                                block != head
                                        && (block.entry
                                                || region.computedTargets().contains(block)));
    }

    Set<RegionBlock> blocks() {
        return blocks;
    }

    int backEdges() {
        return backEdges;
    }
}

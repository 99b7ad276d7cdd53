package org.xenolith.cpu.translate;

import org.xenolith.cpu.decode.Decoder;
import org.xenolith.cpu.decode.Instruction;
import org.xenolith.cpu.mmu.Ram;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.List;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The blocks that a hot block reaches by direct jumps inside its page: a loop, or the body of a
 * function up to its calls. Blocks stand in the order of their addresses.
 */
final class Region {
    /** Longest way between two comparisons of the budget, if blocks are not longer. */
    private static final int CHECK_DISTANCE = 24;

    private final byte[] page;
    private final int limit;
    private final int[] busy;
    private boolean jumpsComputed;
    private final List<RegionBlock> computedTargets = new ArrayList<>();
    private final TreeMap<Integer, GuestInstruction> instructions = new TreeMap<>();
    private final TreeSet<Integer> leaders = new TreeSet<>();
    private final TreeMap<Integer, RegionBlock> blocks = new TreeMap<>();
    private RegionBlock entry;

    private Region(byte[] page, int limit, int[] busy) {
        this.page = page;
        this.limit = limit;
        this.busy = busy;
    }

    /**
     * The region of the code at an offset.
     *
     * @param page bytes of the page
     * @param limit instructions at most
     * @param busy where a computed jump may go, if the region has one
     * @return null when its first instruction cannot be translated
     */
    static Region of(byte[] page, int start, int limit, int[] busy) {
        Region region = new Region(page, limit, busy);
        region.discover(start);
        if (!region.instructions.containsKey(start)) {
            return null;
        }
        region.cut();
        region.connect(start);
        FlagFlow.analyse(region);
        return region;
    }

    RegionBlock entry() {
        return entry;
    }

    Collection<RegionBlock> blocks() {
        return blocks.values();
    }

    /** Blocks that a computed jump in the region is expected to reach. */
    List<RegionBlock> computedTargets() {
        return computedTargets;
    }

    /** Where its blocks start, from the page's start. */
    int[] starts() {
        return blocks.keySet().stream().mapToInt(Integer::intValue).toArray();
    }

    int instructionCount() {
        return instructions.size();
    }

    /** Pairs of first byte and byte behind the last of what was decoded. */
    int[] ranges() {
        List<Integer> pairs = new ArrayList<>();
        int end = -1;
        for (GuestInstruction i : instructions.values()) {
            if (i.start > end || pairs.isEmpty()) {
                pairs.add(i.start);
                pairs.add(i.end);
            } else {
                pairs.set(pairs.size() - 1, Math.max(end, i.end));
            }
            end = pairs.getLast();
        }
        return pairs.stream().mapToInt(Integer::intValue).toArray();
    }

    // ---- decoding, nearest blocks first

    private void discover(int start) {
        Deque<Integer> work = new ArrayDeque<>(List.of(start));
        while (!work.isEmpty() && instructions.size() < limit) {
            int at = work.removeFirst();
            if (isInside(at) && leaders.add(at)) {
                straight(at, work);
            }
        }
    }

    private static boolean isInside(int offset) {
        return offset >= 0 && offset < Ram.PAGE_SIZE;
    }

    private void straight(int start, Deque<Integer> work) {
        int at = start;
        while (isInside(at) && instructions.size() < limit && !instructions.containsKey(at)) {
            GuestInstruction i = decode(at);
            if (i == null) {
                return;
            }
            instructions.put(at, i);
            at = i.end;
            switch (i.entry.flow()) {
                case STRAIGHT -> {}
                case JUMP -> {
                    work.addLast(i.target());
                    return;
                }
                case BRANCH -> {
                    work.addLast(i.end);
                    work.addLast(i.target());
                    return;
                }
                case COMPUTED -> {
                    expectComputed(work);
                    return;
                }
                case LEAVE -> {
                    return;
                }
            }
        }
        if (instructions.containsKey(at)) {
            leaders.add(at);
        }
    }

    private void expectComputed(Deque<Integer> work) {
        if (!jumpsComputed) {
            jumpsComputed = true;
            for (int start : busy) {
                work.addLast(start);
            }
        }
    }

    private GuestInstruction decode(int at) {
        Instruction in = new Instruction();
        int length = Decoder.decode(page, at, Ram.PAGE_SIZE - at, in);
        if (length < 0 || in.row == null) {
            return null;
        }
        Translations.Entry entry = Translations.find(in, at);
        return entry == null ? null : new GuestInstruction(in, at, entry);
    }

    // ---- blocks

    private void cut() {
        for (int leader : leaders) {
            if (instructions.containsKey(leader)) {
                blocks.put(leader, block(leader));
            }
        }
    }

    private RegionBlock block(int start) {
        RegionBlock block = new RegionBlock(start);
        int at = start;
        while (true) {
            GuestInstruction i = instructions.get(at);
            if (i == null || at != start && leaders.contains(at)) {
                block.next = at;
                return block;
            }
            block.instructions.add(i);
            at = i.end;
            switch (i.entry.flow()) {
                case STRAIGHT -> {}
                case JUMP -> {
                    block.next = i.target();
                    return block;
                }
                case BRANCH -> {
                    block.end = RegionBlock.End.BRANCHES;
                    block.taken = i.target();
                    block.next = at;
                    return block;
                }
                case COMPUTED -> {
                    block.end = RegionBlock.End.COMPUTED;
                    return block;
                }
                case LEAVE -> {
                    block.end = RegionBlock.End.LEAVES;
                    return block;
                }
            }
        }
    }

    private void connect(int start) {
        entry = blocks.get(start);
        entry.predecessors = 1;
        for (RegionBlock block : blocks.values()) {
            block.nextBlock = blocks.get(block.next);
            block.takenBlock = blocks.get(block.taken);
            arrive(block, block.nextBlock);
            arrive(block, block.takenBlock);
        }
        connectComputed();
        placeChecks();
    }

    private void connectComputed() {
        if (!jumpsComputed) {
            return;
        }
        for (int at : busy) {
            RegionBlock target = blocks.get(at);
            if (target != null) {
                target.predecessors += 2;
                target.loopHead = true;
                computedTargets.add(target);
            }
        }
    }

    private static void arrive(RegionBlock from, RegionBlock to) {
        if (to != null) {
            to.predecessors++;
            to.loopHead |= to.start <= from.start;
        }
    }

    /**
     * Comparisons of the budget stand at the entry, at heads of loops, and where the way from the
     * last one gets long. Edges to lower addresses are those of loops, so the rest has no cycle.
     */
    private void placeChecks() {
        for (RegionBlock block : blocks.descendingMap().values()) {
            int ways = Math.max(wayFrom(block, block.nextBlock), wayFrom(block, block.takenBlock));
            block.need = block.count() + ways;
            block.checksBudget = block == entry || block.loopHead || block.need > CHECK_DISTANCE;
        }
    }

    private static int wayFrom(RegionBlock block, RegionBlock to) {
        return to == null || to.start <= block.start || to.checksBudget ? 0 : to.need;
    }
}

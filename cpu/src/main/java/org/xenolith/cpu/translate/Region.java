package org.xenolith.cpu.translate;

import org.xenolith.cpu.decode.Decoder;
import org.xenolith.cpu.decode.Instruction;
import org.xenolith.cpu.decode.OpcodeRow;
import org.xenolith.cpu.interp.HotCode;
import org.xenolith.cpu.mmu.Ram;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The blocks that a hot block reaches by jumps and calls, and where those return: a loop, or the
 * body of a function with what it calls. They are in the hot block's page, its home, and in pages
 * around that the vCPU knows; there only what is busy is called. It can be entered at the hot block
 * and behind each call that may return from elsewhere. Blocks stand in the order of their
 * addresses, which are offsets from the start of the home page.
 */
final class Region {
    /** Longest way between two comparisons of the budget, if blocks are not longer. */
    private static final int CHECK_DISTANCE = 24;

    /** Most pages of a region: whoever enters it looks at each. */
    private static final int MOST_PAGES = 8;

    private final HotCode code;
    private final int limit;
    private final int[] busy;

    /** Code of the home page that was never executed is left out. */
    private final boolean sparing;

    private final Set<Integer> pages = new HashSet<>();

    /** Places to go on decoding at. */
    private final Deque<Integer> work = new ArrayDeque<>();

    private boolean jumpsComputed;
    private final List<RegionBlock> computedTargets = new ArrayList<>();
    private final TreeMap<Integer, GuestInstruction> instructions = new TreeMap<>();
    private final TreeMap<Integer, String> leftOut = new TreeMap<>();
    private final TreeSet<Integer> leaders = new TreeSet<>();
    private final TreeMap<Integer, RegionBlock> blocks = new TreeMap<>();
    private final TreeSet<Integer> returns = new TreeSet<>();
    private final List<RegionBlock> returnTargets = new ArrayList<>();
    private final List<RegionBlock> entries = new ArrayList<>();
    private final Set<Integer> returnsInside = new HashSet<>();
    private RegionBlock entry;

    private Region(HotCode code, int limit, boolean sparing) {
        this.code = code;
        this.limit = limit;
        this.busy = code.busy();
        this.sparing = sparing;
        pages.add(0);
    }

    /**
     * The region of a hot block.
     *
     * @param limit instructions at most
     * @param sparing leave out what has never been executed in the block's page, too
     * @return null when its first instruction cannot be translated
     */
    static Region of(HotCode code, int limit, boolean sparing) {
        Region region = new Region(code, limit, sparing);
        region.discover(code.start());
        if (!region.instructions.containsKey(code.start())) {
            return null;
        }
        region.cut();
        region.connect(code.start());
        FlagFlow.analyse(region);
        return region;
    }

    RegionBlock entry() {
        return entry;
    }

    Collection<RegionBlock> blocks() {
        return blocks.values();
    }

    /** Where it can be entered, {@link #entry} included, in ascending order. */
    List<RegionBlock> entries() {
        return entries;
    }

    /** Offsets of {@link #entries}. */
    int[] entryStarts() {
        return entries.stream().mapToInt(block -> block.start).toArray();
    }

    /** Blocks behind the calls of the region, if it contains a function that it calls. */
    List<RegionBlock> returnTargets() {
        return returnTargets;
    }

    /** Blocks that a computed jump in the region is expected to reach. */
    List<RegionBlock> computedTargets() {
        return computedTargets;
    }

    /** Where its blocks in the home page start, from the page's start. */
    int[] starts() {
        return blocks.keySet().stream()
                .filter(start -> pageOf(start) == 0)
                .mapToInt(Integer::intValue)
                .toArray();
    }

    /** What the region would go on with, if that had a translation; mnemonics with prefixes. */
    Collection<String> leftOut() {
        return leftOut.values();
    }

    int instructionCount() {
        return instructions.size();
    }

    /**
     * Pairs of first byte and byte behind the last of what was decoded, from the start of its page;
     * by the distance of that from the home page, in bytes.
     */
    Map<Integer, int[]> ranges() {
        Map<Integer, List<GuestInstruction>> byPage =
                instructions.values().stream()
                        .collect(
                                Collectors.groupingBy(
                                        i -> pageOf(i.start), TreeMap::new, Collectors.toList()));
        Map<Integer, int[]> ranges = new TreeMap<>();
        byPage.forEach((page, list) -> ranges.put(page, ranges(page, list)));
        return ranges;
    }

    private static int[] ranges(int page, List<GuestInstruction> list) {
        List<Integer> pairs = new ArrayList<>();
        int end = -1;
        for (GuestInstruction i : list) {
            if (i.start - page > end || pairs.isEmpty()) {
                pairs.add(i.start - page);
                pairs.add(i.end - page);
            } else {
                pairs.set(pairs.size() - 1, Math.max(end, i.end - page));
            }
            end = pairs.getLast();
        }
        return pairs.stream().mapToInt(Integer::intValue).toArray();
    }

    // ---- decoding, nearest blocks first

    private void discover(int start) {
        work.add(start);
        while (!work.isEmpty() && instructions.size() < limit) {
            int at = work.removeFirst();
            if (isInside(at) && leaders.add(at)) {
                straight(at);
            }
        }
    }

    private static int pageOf(int offset) {
        return offset & -Ram.PAGE_SIZE;
    }

    private boolean isInside(int offset) {
        return pages.contains(pageOf(offset));
    }

    /** Whether it may reach into the page there, which is then one of its own. */
    private boolean reaches(int offset) {
        int page = pageOf(offset);
        return pages.contains(page)
                || pages.size() < MOST_PAGES && code.bytes(page) != null && pages.add(page);
    }

    private void straight(int start) {
        int at = start;
        while (isInside(at) && instructions.size() < limit && !instructions.containsKey(at)) {
            GuestInstruction i = decode(at);
            if (i == null) {
                return;
            }
            instructions.put(at, i);
            at = i.end;
            switch (i.entry.flow()) {
                case STRAIGHT -> {
                    if (pageOf(at) != pageOf(start)) {
                        expect(at);
                        return;
                    }
                }
                case JUMP -> {
                    if (pageOf(i.target()) == pageOf(start)) {
                        work.addLast(i.target());
                    } else {
                        expect(i.target());
                    }
                    return;
                }
                case BRANCH -> {
                    expect(i.end);
                    expect(i.target());
                    return;
                }
                case COMPUTED -> {
                    expectComputed();
                    return;
                }
                case CALL -> {
                    expectReturn(i);
                    return;
                }
                case SYSTEM_CALL -> {
                    expectAfterwards(i.end);
                    return;
                }
                case RETURN -> {
                    return;
                }
            }
        }
        if (instructions.containsKey(at)) {
            leaders.add(at);
        }
    }

    /** What was never executed is not worth a translation. */
    private void expect(int offset) {
        boolean atHome = pageOf(offset) == 0;
        if (atHome && !sparing || code.isExecuted(offset) && (atHome || reaches(offset))) {
            work.addLast(offset);
        }
    }

    private void expectReturn(GuestInstruction call) {
        expect(call.end);
        returns.add(call.end);
        if (call.isDirect() && (pageOf(call.target()) == 0 || code.isBusy(call.target()))) {
            expect(call.target());
        }
    }

    /** Not each SYSCALL comes back. */
    private void expectAfterwards(int behind) {
        if (code.isExecuted(behind)) {
            expect(behind);
            returns.add(behind);
        }
    }

    private void expectComputed() {
        if (!jumpsComputed) {
            jumpsComputed = true;
            for (int start : busy) {
                work.addLast(start);
            }
        }
    }

    private GuestInstruction decode(int at) {
        Instruction in = new Instruction();
        int offset = at - pageOf(at);
        int length = Decoder.decode(code.bytes(pageOf(at)), offset, Ram.PAGE_SIZE - offset, in);
        if (length < 0 || in.row == null) {
            return null;
        }
        Translations.Entry entry = Translations.find(in, at);
        if (entry == null || code.isCompared() && entry == StatusFlags.TIME_STAMP) {
            leftOut.put(at, name(in));
            return null;
        }
        return new GuestInstruction(in, at, entry);
    }

    private static String name(Instruction in) {
        boolean repeated = in.row.has(OpcodeRow.REP) && (in.rep || in.repne);
        return (in.lock ? "lock " : repeated ? "rep " : "") + in.row.mnemonic();
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
                case CALL -> {
                    if (i.isDirect()) {
                        block.next = i.target();
                        if (instructions.containsKey(block.next)) {
                            returnsInside.add(i.end);
                        }
                    } else {
                        block.end = RegionBlock.End.LEAVES;
                    }
                    return block;
                }
                case SYSTEM_CALL -> {
                    block.end = RegionBlock.End.SYSTEM_CALL;
                    block.next = at;
                    return block;
                }
                case RETURN -> {
                    block.end = RegionBlock.End.RETURNS;
                    return block;
                }
            }
        }
    }

    private void connect(int start) {
        entry = blocks.get(start);
        connectEntries();
        for (RegionBlock block : blocks.values()) {
            block.nextBlock =
                    block.end == RegionBlock.End.SYSTEM_CALL ? null : blocks.get(block.next);
            block.takenBlock = blocks.get(block.taken);
            arrive(block, block.nextBlock);
            arrive(block, block.takenBlock);
        }
        connectComputed();
        placeChecks();
    }

    private void connectEntries() {
        for (RegionBlock block : blocks.values()) {
            boolean inside = returnsInside.contains(block.start);
            boolean behindCall = returns.contains(block.start);
            // In other pages a return to here is expected from inside, if the function is inside.
            if (block == entry || behindCall && (pageOf(block.start) == 0 || !inside)) {
                block.entry = true;
                block.predecessors = 1;
                entries.add(block);
            }
            if (inside) {
                block.returnedTo = true;
                block.predecessors += 2;
                returnTargets.add(block);
            }
        }
    }

    private void connectComputed() {
        if (!jumpsComputed) {
            return;
        }
        for (RegionBlock target : blocks.values()) {
            // The entry is a target that got hot first.
            if (target == entry || Arrays.binarySearch(busy, target.start) >= 0) {
                target.predecessors += 2;
                computedTargets.add(target);
            }
        }
    }

    private void arrive(RegionBlock from, RegionBlock to) {
        if (to != null) {
            to.predecessors++;
            if (to.start <= from.start) {
                to.loopHead = true;
                blocks.subMap(to.start, true, from.start, true)
                        .values()
                        .forEach(block -> block.inLoop = true);
            }
        }
    }

    /**
     * Comparisons of the budget stand at entries, where a walk over all ways comes back to a block
     * that it is behind, so that there is one on each cycle, and where the way from the last one
     * gets long.
     */
    private void placeChecks() {
        List<RegionBlock> ended = new ArrayList<>();
        Set<RegionBlock> begun = new HashSet<>();
        for (RegionBlock block : entries) {
            walk(block, begun, ended);
        }
        for (RegionBlock block : blocks.values()) {
            walk(block, begun, ended);
        }
        // What follows a block has been looked at before, unless it compares.
        for (RegionBlock block : ended) {
            int ways = followers(block).mapToInt(Region::wayFrom).max().orElse(0);
            block.need = block.count() + ways;
            block.checksBudget |= block.entry || block.need > CHECK_DISTANCE;
        }
    }

    /** Lists blocks behind all that follow them. */
    private void walk(RegionBlock block, Set<RegionBlock> begun, List<RegionBlock> ended) {
        if (!begun.add(block)) {
            return;
        }
        block.underWay = true;
        followers(block)
                .forEach(
                        to -> {
                            to.checksBudget |= to.underWay;
                            walk(to, begun, ended);
                        });
        block.underWay = false;
        ended.add(block);
    }

    private Stream<RegionBlock> followers(RegionBlock block) {
        return switch (block.end) {
            case LEAVES, SYSTEM_CALL -> Stream.empty();
            case COMPUTED -> computedTargets.stream();
            case RETURNS -> returnTargets.stream();
            case BRANCHES, GOES_ON ->
                    Stream.of(block.nextBlock, block.takenBlock).filter(Objects::nonNull);
        };
    }

    private static int wayFrom(RegionBlock to) {
        return to.checksBudget ? 0 : to.need;
    }
}

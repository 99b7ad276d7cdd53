package org.xenolith.cpu.translate;

import org.xenolith.cpu.decode.Decoder;
import org.xenolith.cpu.decode.Instruction;
import org.xenolith.cpu.decode.OpcodeRow;
import org.xenolith.cpu.mmu.Ram;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * The blocks that a hot block reaches inside its page by jumps and calls, and where those return: a
 * loop, or the body of a function. It can be entered at the hot block and behind each call.
 */
final class Region {
    /** Bytes of a row of {@code lookupswitch}: what is looked for, and where it leads. */
    private static final int TABLE_ROW = 8;

    private final byte[] page;
    private final int limit;
    private final int[] busy;
    private final int[] executed;
    private boolean jumpsComputed;
    private final List<RegionBlock> computedTargets = new ArrayList<>();
    private final TreeMap<Integer, GuestInstruction> instructions = new TreeMap<>();
    private final TreeMap<Integer, String> leftOut = new TreeMap<>();
    private final TreeSet<Integer> leaders = new TreeSet<>();
    private final TreeMap<Integer, RegionBlock> blocks = new TreeMap<>();
    private final List<RegionBlock> ordered = new ArrayList<>();
    private final TreeSet<Integer> returns = new TreeSet<>();
    private final List<RegionBlock> returnTargets = new ArrayList<>();
    private final List<RegionBlock> entries = new ArrayList<>();
    private boolean callsInside;
    private RegionBlock entry;

    private Region(byte[] page, int limit, int[] busy, int[] executed) {
        this.page = page;
        this.limit = limit;
        this.busy = busy;
        this.executed = executed;
    }

    /**
     * The region of the code at an offset.
     *
     * @param page bytes of the page
     * @param limit instructions at most
     * @param busy where a computed jump may go, if the region has one
     * @param executed where blocks start that have been executed, ascending: others are left out;
     *     null when none is to be left out
     * @return null when its first instruction cannot be translated
     */
    static Region of(byte[] page, int start, int limit, int[] busy, int[] executed) {
        Region region = new Region(page, limit, busy, executed);
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

    /**
     * Its blocks, each in front of all that only it leads to: a jump back to one that stands before
     * closes a loop. There the JVM may stop and keeps all variables for that, so there should be no
     * others.
     */
    List<RegionBlock> blocks() {
        return ordered;
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

    /**
     * Bytes of bytecode that tables of computed jumps and returns take at least: each has a row for
     * each of its targets. Where a page is full of computed jumps, as a library's stubs for calls
     * of others are, this alone may be more than a method may have.
     */
    int tablesLength() {
        return ordered.stream()
                .mapToInt(
                        block ->
                                switch (block.end) {
                                    case COMPUTED -> computedTargets.size();
                                    case RETURNS -> returnTargets.size();
                                    case LEAVES, BRANCHES, GOES_ON -> 0;
                                })
                .map(rows -> rows * TABLE_ROW)
                .sum();
    }

    /** Where its blocks start, from the page's start. */
    int[] starts() {
        return blocks.keySet().stream().mapToInt(Integer::intValue).toArray();
    }

    /** What the region would go on with, if that had a translation; mnemonics with prefixes. */
    Collection<String> leftOut() {
        return leftOut.values();
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
                    expect(i.end, work);
                    expect(i.target(), work);
                    return;
                }
                case COMPUTED -> {
                    expectComputed(work);
                    return;
                }
                case CALL -> {
                    expectReturn(i, work);
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
    private void expect(int offset, Deque<Integer> work) {
        if (executed == null || Arrays.binarySearch(executed, offset) >= 0) {
            work.addLast(offset);
        }
    }

    private void expectReturn(GuestInstruction call, Deque<Integer> work) {
        expect(call.end, work);
        returns.add(call.end);
        if (call.isDirect()) {
            expect(call.target(), work);
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
        if (entry == null) {
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
                        callsInside |= instructions.containsKey(block.next);
                    } else {
                        block.end = RegionBlock.End.LEAVES;
                    }
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
            block.nextBlock = blocks.get(block.next);
            block.takenBlock = blocks.get(block.taken);
        }
        connectComputed();
        order();
        for (RegionBlock block : ordered) {
            arrive(block, block.nextBlock);
            arrive(block, block.takenBlock);
        }
        BudgetChecks.place(this, blocks.values());
    }

    private void connectEntries() {
        for (RegionBlock block : blocks.values()) {
            boolean behindCall = returns.contains(block.start);
            if (block == entry || behindCall) {
                block.entry = true;
                block.predecessors = 1;
                entries.add(block);
            }
            if (behindCall && callsInside) {
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

    /**
     * The reverse of the order in which a walk leaves the blocks. It begins at the lowest address,
     * where compilers have functions and loops begin, and not where the region is entered: that may
     * be a loop inside another one, which would then seem to begin there, too.
     */
    private void order() {
        Set<RegionBlock> begun = new HashSet<>();
        blocks.values().forEach(block -> leave(block, begun));
        Collections.reverse(ordered);
        for (int i = 0; i < ordered.size(); i++) {
            ordered.get(i).place = i;
        }
    }

    /** What follows without a jump is left last, to stand next. */
    private void leave(RegionBlock block, Set<RegionBlock> begun) {
        if (begun.add(block)) {
            followers(block).toList().reversed().forEach(to -> leave(to, begun));
            ordered.add(block);
        }
    }

    private void arrive(RegionBlock from, RegionBlock to) {
        if (to != null) {
            to.predecessors++;
            if (RegionLoop.isBack(from, to)) {
                to.loopHead = true;
                ordered.subList(to.place, from.place + 1).forEach(block -> block.inLoop = true);
            }
        }
    }

    /** What runs next after a block, as far as it is in the region. */
    Stream<RegionBlock> followers(RegionBlock block) {
        return switch (block.end) {
            case LEAVES -> Stream.empty();
            case COMPUTED -> computedTargets.stream();
            case RETURNS -> returnTargets.stream();
            case BRANCHES, GOES_ON ->
                    Stream.of(block.nextBlock, block.takenBlock).filter(Objects::nonNull);
        };
    }
}

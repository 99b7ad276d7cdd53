package org.xenolith.cpu.interp;

import org.xenolith.cpu.mmu.Ram;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A block that runs often, its page as it was when that was noticed, and the pages that the vCPU
 * had fetched code from by then: the block may call into them. For the thread that translates it.
 */
public final class HotCode {
    private final CodePage page;
    private final Block block;
    private final byte[] bytes;
    private final int[] busy;
    private final int[] executed;
    private final UnitLibrary library;

    /** By distance from the block's page, in bytes; without that page itself. */
    private final Map<Integer, CodePage> others;

    /** Below this a block has been entered often. */
    private final int busyHeat;

    private final boolean compared;

    private final Map<Integer, byte[]> copies = new HashMap<>();

    HotCode(
            CodePage page,
            Block block,
            byte[] bytes,
            int[] busy,
            int[] executed,
            UnitLibrary library,
            Map<Integer, CodePage> others,
            int busyHeat,
            boolean compared) {
        this.page = page;
        this.block = block;
        this.bytes = bytes;
        this.busy = busy;
        this.executed = executed;
        this.library = library;
        this.others = others;
        this.busyHeat = busyHeat;
        this.compared = compared;
    }

    /**
     * A whole page; not to be changed.
     *
     * @param distance from the block's page, in bytes
     * @return null when it is not known what is there
     */
    public byte[] bytes(int distance) {
        if (distance == 0) {
            return bytes;
        }
        CodePage other = others.get(distance);
        return other == null ? null : copies.computeIfAbsent(distance, d -> copy(other));
    }

    static byte[] copy(CodePage page) {
        byte[] bytes = new byte[Ram.PAGE_SIZE];
        Ram.read(page.hostBase(), bytes, 0, Ram.PAGE_SIZE);
        return bytes;
    }

    /** Where the block starts, in bytes from the page's start. */
    public int start() {
        return block.start;
    }

    /** Where other blocks of the page start that run often too: targets of indirect jumps. */
    public int[] busy() {
        return busy;
    }

    /**
     * Whether a block starts somewhere: what is reached by a branch, and is none, has never been
     * executed.
     *
     * @param offset from the start of the block's page
     */
    public boolean isExecuted(int offset) {
        int distance = MadeUnit.distance(offset);
        if (distance == 0) {
            return Arrays.binarySearch(executed, offset) >= 0;
        }
        CodePage other = others.get(distance);
        return other != null && other.find(MadeUnit.offset(offset)) != null;
    }

    /**
     * Whether a block of another page has been entered often, too.
     *
     * @param offset from the start of the block's page
     */
    public boolean isBusy(int offset) {
        CodePage other = others.get(MadeUnit.distance(offset));
        return other != null && other.isBusy(MadeUnit.offset(offset), busyHeat);
    }

    /** Whether units are run twice, and must do the same each time. */
    public boolean isCompared() {
        return compared;
    }

    /** Whether a unit was dropped because its quick form of floating point was left too often. */
    public boolean isRough() {
        return block.rough;
    }

    /**
     * Whether a translation would be in vain: the block was dropped meanwhile, or stands in the
     * unit of another one.
     */
    public boolean isStale() {
        return !block.isValid() || block.covered;
    }

    /**
     * Puts a unit in the place of the block that was made of the same code elsewhere.
     *
     * @return whether there is one: nothing is left to translate
     */
    public boolean enterKnown() {
        return page.enterKnown(block, library);
    }

    /**
     * Puts a unit in the place of the block and of those at its other entries, if its code is still
     * what {@link #bytes} says.
     *
     * @param entries of the unit, from the start of the block's page, ascending
     * @param ranges that the unit was made of: for each page, by its distance from the block's,
     *     pairs of first byte and byte behind the last, from that page's start
     * @param covered where blocks of the page start that the unit contains, too; they count anew,
     *     up to {@code heat}
     * @param exact without the quick form of floating point
     * @return whether it will run
     */
    public boolean install(
            TranslatedUnit unit,
            int[] entries,
            Map<Integer, int[]> ranges,
            int[] covered,
            int heat,
            boolean exact) {
        List<UnitPart> parts = new ArrayList<>();
        ranges.forEach(
                (distance, pairs) ->
                        parts.add(new UnitPart(distance, CodeBytes.of(pairs, bytes(distance)))));
        MadeUnit made = new MadeUnit(unit, entries, List.copyOf(parts), heat, exact);
        boolean installed = page.install(block, made, block.start);
        if (installed) {
            page.cool(covered, heat);
            library.add(made);
            ranges.keySet().stream()
                    .filter(distance -> distance != 0)
                    .forEach(distance -> others.get(distance).installAlso(made, distance));
        }
        return installed;
    }
}

package org.xenolith.cpu.interp;

import org.xenolith.cpu.decode.CodeSize;

import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.function.Predicate;

/**
 * The decoded code of one frame: its blocks by start offset. Look-up takes no lock; additions and
 * drops do, as vCPUs of a domain share the page.
 *
 * <p>What was decoded as 32-bit code has a page of its own, which hangs on that of the 64-bit code:
 * the same bytes may run as either, and a block must not be entered in the other mode.
 */
final class CodePage {
    private static final int INITIAL = 8;

    private final long hostBase;

    /** Open addressing, a power of two, at most half full of live or dropped blocks. */
    private volatile Block[] table = new Block[INITIAL];

    /** Occupied slots, dropped blocks included until the next growth. */
    private int used;

    private volatile int live;

    /** What stands in the place of live blocks; a unit with several entries is here as often. */
    private final List<UnitOp> units = new ArrayList<>();

    /** How often a store hit translated code here; such a page is translated again more slowly. */
    private int drops;

    private int dropped;

    private final CodeSize size;

    /** The frame's 32-bit code, on the page of its 64-bit code; null while there is none. */
    private volatile CodePage code32;

    CodePage(long hostBase) {
        this(hostBase, CodeSize.CODE_64);
    }

    private CodePage(long hostBase, CodeSize size) {
        this.hostBase = hostBase;
        this.size = size;
    }

    long hostBase() {
        return hostBase;
    }

    /** Whether its blocks may be translated: only 64-bit code is. */
    boolean isTranslated() {
        return size == CodeSize.CODE_64;
    }

    /** The page of what is decoded as 32-bit code in the same frame. */
    CodePage code32() {
        CodePage page = code32;
        return page != null ? page : makeCode32();
    }

    private synchronized CodePage makeCode32() {
        if (code32 == null) {
            code32 = new CodePage(hostBase, CodeSize.CODE_32);
        }
        return code32;
    }

    boolean hasBlocks() {
        return live != 0 || code32 != null && code32.live != 0;
    }

    /**
     * The block that starts at an offset.
     *
     * @return null when none was decoded or it was dropped
     */
    Block find(int offset) {
        Block[] blocks = table;
        int mask = blocks.length - 1;
        for (int i = slot(offset, mask); ; i = i + 1 & mask) {
            Block block = blocks[i];
            if (block == null) {
                return null;
            }
            if (block.start == offset && block.isValid()) {
                return block;
            }
        }
    }

    private static int slot(int offset, int mask) {
        return offset * 0x9E3779B1 >>> 20 & mask;
    }

    /**
     * Adds a block, unless memory has changed since its bytes were read: a sibling's store that
     * came before the block could be found was reported in vain.
     *
     * @param weight of the domain that has decoded it: it counts there as long as it lives
     * @param library where to look for a unit of the same code, or null
     * @return whether the page had no block before: write tags for it must go
     */
    synchronized boolean add(Block block, CodeWeight weight, UnitLibrary library) {
        block.countsIn(weight);
        if (++used * 2 > table.length) {
            grow();
        }
        insert(table, block);
        boolean first = live++ == 0;
        weight.added(block);
        // Found from here on; the comparison comes after, or a store could fall between the two.
        VarHandle.fullFence();
        if (!block.matches(hostBase)) {
            drop(block);
            clearIfEmpty();
        } else {
            enterUnit(block, library);
        }
        return first;
    }

    /** A unit may have an entry at a block that is decoded, or decoded again, only now. */
    private void enterUnit(Block block, UnitLibrary library) {
        for (UnitOp unit : units) {
            if (unit.made().isEnteredAt(block.start) && unit.made().code().matches(hostBase)) {
                attach(block, unit.made());
                return;
            }
        }
        if (library != null) {
            enterKnown(block, library);
        }
    }

    /**
     * Puts a unit in the place of a block that was made of the same code elsewhere.
     *
     * @return whether there is one
     */
    synchronized boolean enterKnown(Block block, UnitLibrary library) {
        if (!isPlain(block)) {
            return false;
        }
        MadeUnit made = library.find(hostBase, block.start, block.rough);
        boolean found = made != null && install(block, made);
        if (found) {
            library.countReused();
        }
        return found;
    }

    private void grow() {
        int size = INITIAL;
        while (size < (live + 1) * 4) {
            size *= 2;
        }
        Block[] larger = new Block[size];
        for (Block block : table) {
            if (block != null && block.isValid()) {
                insert(larger, block);
            }
        }
        used = live + 1;
        table = larger;
    }

    private static void insert(Block[] blocks, Block block) {
        int mask = blocks.length - 1;
        int i = slot(block.start, mask);
        while (blocks[i] != null) {
            i = i + 1 & mask;
        }
        blocks[i] = block;
    }

    /**
     * Bytes {@code from} to {@code to} (exclusive) have changed.
     *
     * @return units that were made of them and are dropped
     */
    synchronized int stored(int from, int to) {
        for (Block block : table) {
            if (block != null && block.isValid() && block.overlaps(from, to)) {
                drop(block);
            }
        }
        clearIfEmpty();
        if (code32 != null) {
            code32.stored(from, to);
        }
        return dropUnits(code -> code.overlaps(from, to));
    }

    /**
     * Drops all blocks that a domain has decoded, whose bytes are what they were. No store: it does
     * not count as a drop.
     */
    synchronized void makeRoom(CodeWeight of) {
        for (Block block : table) {
            if (block != null && block.isValid() && block.countedIn() == of) {
                drop(block);
            }
        }
        clearIfEmpty();
        if (code32 != null) {
            code32.makeRoom(of);
        }
        dropUnits(code -> false);
    }

    /**
     * Drops blocks whose bytes are no longer those in memory.
     *
     * @return units that are dropped, too
     */
    synchronized int verify() {
        for (Block block : table) {
            if (block != null && block.isValid() && !block.matches(hostBase)) {
                drop(block);
            }
        }
        clearIfEmpty();
        if (code32 != null) {
            code32.verify();
        }
        return dropUnits(code -> !code.matches(hostBase));
    }

    /** A unit covers more than its block: one of them may go without the other. */
    private int dropUnits(Predicate<CodeBytes> condition) {
        if (units.isEmpty()) {
            return 0;
        }
        int before = dropped;
        MadeUnit last = null;
        for (Iterator<UnitOp> i = units.iterator(); i.hasNext(); ) {
            UnitOp unit = i.next();
            boolean changed = condition.test(unit.made().code());
            if (changed || !unit.block.isValid()) {
                i.remove();
                if (changed && unit.made() != last) {
                    last = unit.made();
                    dropped++;
                    drops++;
                }
                if (unit.block.isValid()) {
                    unit.block.replaceEntry(unit.block.plain);
                    unit.block.heat = unit.made().reheat();
                }
                letGo(unit);
            }
        }
        return dropped - before;
    }

    /** An operation that was removed from {@link #units}. */
    private void letGo(UnitOp unit) {
        MadeUnit made = unit.made();
        unit.release();
        if (units.stream().noneMatch(other -> other.made() == made)) {
            made.leave(this);
        }
    }

    /** Drops a unit whose quick form of floating point was not quick; it is made anew soon. */
    synchronized void dropRough(MadeUnit made) {
        drop(made, true);
    }

    /** Drops a unit that has not run for long; its blocks count anew. */
    synchronized void dropCold(MadeUnit made) {
        drop(made, false);
    }

    private void drop(MadeUnit made, boolean rough) {
        for (Iterator<UnitOp> i = units.iterator(); i.hasNext(); ) {
            UnitOp unit = i.next();
            if (unit.made() == made) {
                i.remove();
                if (unit.block.isValid()) {
                    unit.block.rough |= rough;
                    unit.block.heat = 0;
                    unit.block.replaceEntry(unit.block.plain);
                }
                letGo(unit);
            }
        }
    }

    /**
     * Puts a unit in the place of a block and of those at its other entries, unless what it was
     * made of has changed.
     */
    synchronized boolean install(Block block, MadeUnit unit) {
        // The frame of a live block is watched: a store after this comparison waits at the lock.
        if (!isPlain(block) || !unit.code().matches(hostBase) || !unit.standIn(this)) {
            return false;
        }
        attach(block, unit);
        for (int start : unit.entries()) {
            Block other = find(start);
            if (other != null && isPlain(other)) {
                attach(other, unit);
            }
        }
        return true;
    }

    /**
     * The unit that was made for a block does not run; what it was made of has changed, perhaps.
     */
    synchronized void countAnew(Block block, int heat) {
        if (isPlain(block)) {
            block.heat = heat;
        }
    }

    private static boolean isPlain(Block block) {
        return block.isValid() && block.entry == block.plain;
    }

    private void attach(Block block, MadeUnit unit) {
        UnitOp op = new UnitOp(block, unit);
        units.add(op);
        block.heat = Block.COLD;
        block.replaceEntry(op);
    }

    /** Starts of all live blocks in ascending order. */
    synchronized int[] starts() {
        return Arrays.stream(table)
                .filter(block -> block != null && block.isValid())
                .mapToInt(block -> block.start)
                .sorted()
                .toArray();
    }

    /** Starts of live blocks that were entered often, or are translated, in ascending order. */
    synchronized int[] busyStarts() {
        return Arrays.stream(table)
                .filter(block -> block != null && block.isValid())
                .filter(Block::isBusy)
                .mapToInt(block -> block.start)
                .sorted()
                .toArray();
    }

    /**
     * Blocks that run within somebody's unit now need not become units soon.
     *
     * @param heat they count anew from
     */
    void cool(int[] starts, int heat) {
        for (int start : starts) {
            Block block = find(start);
            if (block != null && block.entry == block.plain) {
                block.busy = block.isBusy();
                // In this order: of a block that gets hot meanwhile the request may be dropped, and
                // then it has to count.
                block.covered = true;
                block.heat = heat;
            }
        }
    }

    synchronized int drops() {
        return drops;
    }

    synchronized int droppedUnits() {
        return dropped;
    }

    private void drop(Block block) {
        block.countedIn().dropped(block, block.drop());
        live--;
    }

    /** A page that is not executed from again would keep its dropped blocks for ever. */
    private void clearIfEmpty() {
        if (live == 0 && used != 0) {
            table = new Block[INITIAL];
            used = 0;
        }
    }

    synchronized int liveBlocks() {
        return live;
    }
}

package org.xenolith.cpu.interp;

import java.lang.invoke.VarHandle;

/**
 * The decoded code of one frame: its blocks by start offset. Look-up takes no lock; additions and
 * drops do, as vCPUs of a domain share the page.
 */
final class CodePage {
    private static final int INITIAL = 8;

    private final long hostBase;

    /** Open addressing, a power of two, at most half full of live or dropped blocks. */
    private volatile Block[] table = new Block[INITIAL];

    /** Occupied slots, dropped blocks included until the next growth. */
    private int used;

    private volatile int live;

    CodePage(long hostBase) {
        this.hostBase = hostBase;
    }

    long hostBase() {
        return hostBase;
    }

    boolean hasBlocks() {
        return live != 0;
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
     * @return whether the page had no block before: write tags for it must go
     */
    synchronized boolean add(Block block) {
        if (++used * 2 > table.length) {
            grow();
        }
        insert(table, block);
        boolean first = live++ == 0;
        // Found from here on; the comparison comes after, or a store could fall between the two.
        VarHandle.fullFence();
        if (!block.matches(hostBase)) {
            drop(block);
        }
        return first;
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

    /** Bytes {@code from} to {@code to} (exclusive) have changed. */
    synchronized void stored(int from, int to) {
        for (Block block : table) {
            if (block != null && block.isValid() && block.overlaps(from, to)) {
                drop(block);
            }
        }
    }

    /** Drops blocks whose bytes are no longer those in memory. */
    synchronized void verify() {
        for (Block block : table) {
            if (block != null && block.isValid() && !block.matches(hostBase)) {
                drop(block);
            }
        }
    }

    private void drop(Block block) {
        block.drop();
        live--;
    }

    synchronized int liveBlocks() {
        return live;
    }
}

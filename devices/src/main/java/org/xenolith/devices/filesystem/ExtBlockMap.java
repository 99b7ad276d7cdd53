package org.xenolith.devices.filesystem;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * From a file's blocks to the volume's: a tree of extents (ext4) or of block numbers (ext2, ext3).
 */
final class ExtBlockMap {
    /**
     * Neighbouring blocks.
     *
     * @param firstBlock on the volume; 0 if they are a hole, which reads as zeroes
     * @param blocks how many from there on, at least 1
     */
    record Run(long firstBlock, long blocks) {
        boolean isHole() {
            return firstBlock == 0;
        }
    }

    private static final int DIRECT_BLOCKS = 12;
    private static final int INDIRECTIONS = 3;

    // struct ext4_extent_header
    private static final short EH_MAGIC = (short) 0xf30a;
    private static final int EH_ENTRIES = 2;
    private static final int EH_DEPTH = 6;
    private static final int HEADER_BYTES = 12;
    private static final int ENTRY_BYTES = 12;
    private static final int MAX_DEPTH = 5;

    // struct ext4_extent, struct ext4_extent_idx
    private static final int EE_LEN = 4;
    private static final int EE_START_HI = 6;
    private static final int EE_START_LO = 8;
    private static final int EI_LEAF_LO = 4;
    private static final int EI_LEAF_HI = 8;

    /** Longer ones are allocated and not written yet; they read as zeroes. */
    private static final int MAX_WRITTEN_LEN = 32768;

    private final ExtFileSystem fileSystem;
    private final ByteBuffer root;
    private final boolean extents;

    /**
     * @param root the inode's i_block
     */
    ExtBlockMap(ExtFileSystem fileSystem, ByteBuffer root, boolean extents) {
        this.fileSystem = fileSystem;
        this.root = root.order(ByteOrder.LITTLE_ENDIAN);
        this.extents = extents;
    }

    /** The run that begins with a block of the file. */
    Run find(long block) throws IOException {
        return extents ? findExtent(block) : findBlock(block);
    }

    private Run findExtent(long block) throws IOException {
        ByteBuffer node = root;
        int depth = depth(node);
        fileSystem.require(depth <= MAX_DEPTH, "a tree of extents is too deep");
        // The next entry to the right ends a hole; it may be in this node or in one above.
        long end = 1L << 32;
        while (true) {
            int index = lastEntryUpTo(node, block);
            if (index + 1 < entries(node)) {
                end = Math.min(end, firstBlock(node, index + 1));
            }
            if (index < 0) {
                return hole(block, end);
            }
            int at = HEADER_BYTES + index * ENTRY_BYTES;
            if (depth == 0) {
                return inExtent(node, at, block, end);
            }
            long child =
                    (node.getInt(at + EI_LEAF_LO) & 0xffffffffL)
                            | (node.getShort(at + EI_LEAF_HI) & 0xffffL) << 32;
            node = fileSystem.mapBlock(child);
            depth--;
            fileSystem.require(depth(node) == depth, "a tree of extents is uneven");
        }
    }

    private Run inExtent(ByteBuffer node, int at, long block, long end) throws IOException {
        int length = node.getShort(at + EE_LEN) & 0xffff;
        boolean isWritten = length <= MAX_WRITTEN_LEN;
        long inExtent = block - (node.getInt(at) & 0xffffffffL);
        long left = (isWritten ? length : length - MAX_WRITTEN_LEN) - inExtent;
        if (left <= 0) {
            return hole(block, end);
        }
        if (!isWritten) {
            return new Run(0, left);
        }
        long start =
                (node.getInt(at + EE_START_LO) & 0xffffffffL)
                        | (node.getShort(at + EE_START_HI) & 0xffffL) << 32;
        fileSystem.require(start != 0, "an extent lies over the superblock");
        return new Run(start + inExtent, left);
    }

    private static Run hole(long block, long end) {
        return new Run(0, Math.max(1, end - block));
    }

    private int depth(ByteBuffer node) throws UnreadableFileSystem {
        fileSystem.require(node.getShort(0) == EH_MAGIC, "a tree of extents has a wrong node");
        fileSystem.require(
                HEADER_BYTES + entries(node) * ENTRY_BYTES <= node.capacity(),
                "a tree of extents has a node with too many entries");
        return node.getShort(EH_DEPTH) & 0xffff;
    }

    private static int entries(ByteBuffer node) {
        return node.getShort(EH_ENTRIES) & 0xffff;
    }

    private static long firstBlock(ByteBuffer node, int index) {
        return node.getInt(HEADER_BYTES + index * ENTRY_BYTES) & 0xffffffffL;
    }

    /** The last entry that does not begin after a block, or -1. */
    private static int lastEntryUpTo(ByteBuffer node, long block) {
        int low = 0;
        int high = entries(node);
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (firstBlock(node, middle) <= block) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low - 1;
    }

    private Run findBlock(long block) throws IOException {
        if (block < DIRECT_BLOCKS) {
            return new Run(number(root, block), 1);
        }
        long perBlock = fileSystem.blockBytes() / Integer.BYTES;
        long index = block - DIRECT_BLOCKS;
        long covered = perBlock;
        for (int level = 0; level < INDIRECTIONS; level++) {
            if (index < covered) {
                return new Run(descend(number(root, DIRECT_BLOCKS + level), index, covered), 1);
            }
            index -= covered;
            covered *= perBlock;
        }
        throw fileSystem.damaged("a file is larger than its block map");
    }

    /**
     * @param covered how many blocks of the file the table maps
     */
    private long descend(long table, long index, long covered) throws IOException {
        long perBlock = fileSystem.blockBytes() / Integer.BYTES;
        while (table != 0 && covered > 1) {
            covered /= perBlock;
            table = number(fileSystem.mapBlock(table), index / covered);
            index %= covered;
        }
        return table;
    }

    private static long number(ByteBuffer table, long index) {
        return table.getInt((int) index * Integer.BYTES) & 0xffffffffL;
    }
}

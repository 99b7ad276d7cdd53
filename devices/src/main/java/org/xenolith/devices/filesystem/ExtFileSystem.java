package org.xenolith.devices.filesystem;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * ext2, ext3 and ext4. A journal that was not replayed is passed over, as boot loaders do: what a
 * crashed guest wrote last may be missing. Checksums are not checked.
 *
 * @see <a href="https://docs.kernel.org/filesystems/ext4/index.html">ext4 Data Structures and
 *     Algorithms</a>
 */
final class ExtFileSystem extends FileSystem {
    private static final int SUPERBLOCK = 1024;
    private static final int SUPERBLOCK_BYTES = 1024;

    // Offsets in the superblock.
    private static final int S_INODES_COUNT = 0x0;
    private static final int S_BLOCKS_COUNT_LO = 0x4;
    private static final int S_FIRST_DATA_BLOCK = 0x14;
    private static final int S_LOG_BLOCK_SIZE = 0x18;
    private static final int S_INODES_PER_GROUP = 0x28;
    private static final int S_MAGIC = 0x38;
    private static final int S_REV_LEVEL = 0x4c;
    private static final int S_INODE_SIZE = 0x58;
    private static final int S_FEATURE_COMPAT = 0x5c;
    private static final int S_FEATURE_INCOMPAT = 0x60;
    private static final int S_DESC_SIZE = 0xfe;
    private static final int S_BLOCKS_COUNT_HI = 0x150;
    private static final short EXT_MAGIC = (short) 0xef53;

    private static final int COMPAT_HAS_JOURNAL = 0x4;

    private static final int INCOMPAT_EXTENTS = 0x40;
    private static final int INCOMPAT_64BIT = 0x80;

    /** FILETYPE, RECOVER, EXTENTS, 64BIT, MMP, FLEX_BG, EA_INODE, CSUM_SEED to CASEFOLD. */
    private static final int INCOMPAT_READABLE =
            0x2 | 0x4 | 0x40 | 0x80 | 0x100 | 0x200 | 0x400 | 0x3e000;

    private static final int MAX_LOG_BLOCK_SIZE = 6;
    private static final int OLD_INODE_BYTES = 128;
    private static final int MAX_INODE_BYTES = 4096;

    // Offsets in a group descriptor.
    private static final int BG_INODE_TABLE_LO = 0x8;
    private static final int BG_INODE_TABLE_HI = 0x28;
    private static final int OLD_DESCRIPTOR_BYTES = 32;

    private static final int ROOT_INODE = 2;

    private static final int CACHED_BLOCKS = 64;

    private final int blockBytes;
    private final long blocks;
    private final long inodes;
    private final long inodesPerGroup;
    private final int inodeBytes;
    private final int descriptorBytes;
    private final long descriptorsOffset;
    private final int compatible;
    private final int incompatible;

    /** Blocks of the maps of files: each is needed for many blocks of data. */
    private final Map<Long, ByteBuffer> mapBlocks =
            new LinkedHashMap<>(16, 0.75f, true) {
                private static final long serialVersionUID = 1L;

                @Override
                protected boolean removeEldestEntry(Map.Entry<Long, ByteBuffer> eldest) {
                    return size() > CACHED_BLOCKS;
                }
            };

    static boolean isOn(Volume volume) throws IOException {
        return volume.sizeBytes() >= SUPERBLOCK + SUPERBLOCK_BYTES
                && volume.read(SUPERBLOCK, SUPERBLOCK_BYTES).getShort(S_MAGIC) == EXT_MAGIC;
    }

    ExtFileSystem(Volume volume) throws IOException {
        super(volume);
        ByteBuffer superblock = volume.read(SUPERBLOCK, SUPERBLOCK_BYTES);
        int logBlockSize = superblock.getInt(S_LOG_BLOCK_SIZE);
        require(logBlockSize >= 0 && logBlockSize <= MAX_LOG_BLOCK_SIZE, "its block size is wrong");
        boolean dynamic = superblock.getInt(S_REV_LEVEL) > 0;
        this.compatible = dynamic ? superblock.getInt(S_FEATURE_COMPAT) : 0;
        this.incompatible = dynamic ? superblock.getInt(S_FEATURE_INCOMPAT) : 0;
        requireReadable();
        boolean is64Bit = (incompatible & INCOMPAT_64BIT) != 0;
        this.blockBytes = 1024 << logBlockSize;
        this.blocks =
                (superblock.getInt(S_BLOCKS_COUNT_LO) & 0xffffffffL)
                        | (is64Bit ? (long) superblock.getInt(S_BLOCKS_COUNT_HI) << 32 : 0);
        this.inodes = superblock.getInt(S_INODES_COUNT) & 0xffffffffL;
        this.inodesPerGroup = superblock.getInt(S_INODES_PER_GROUP) & 0xffffffffL;
        this.inodeBytes = dynamic ? superblock.getShort(S_INODE_SIZE) & 0xffff : OLD_INODE_BYTES;
        this.descriptorBytes =
                is64Bit ? superblock.getShort(S_DESC_SIZE) & 0xffff : OLD_DESCRIPTOR_BYTES;
        long firstDataBlock = superblock.getInt(S_FIRST_DATA_BLOCK) & 0xffffffffL;
        this.descriptorsOffset = (firstDataBlock + 1) * blockBytes;
        require(inodesPerGroup > 0, "its groups have no inodes");
        require(
                inodeBytes >= OLD_INODE_BYTES
                        && inodeBytes <= MAX_INODE_BYTES
                        && Integer.bitCount(inodeBytes) == 1,
                "its inode size is wrong");
        require(
                descriptorBytes >= (is64Bit ? 64 : OLD_DESCRIPTOR_BYTES) && descriptorBytes <= 1024,
                "its descriptor size is wrong");
    }

    private void requireReadable() throws UnreadableFileSystem {
        int unknown = incompatible & ~INCOMPAT_READABLE;
        if (unknown != 0) {
            throw new UnreadableFileSystem(
                    "The ext file system on %s has features that are not known here: %s"
                            .formatted(volume(), featureNames(unknown)));
        }
    }

    private static String featureNames(int unknown) {
        List<String> names = new ArrayList<>();
        for (int bit = 0; bit < Integer.SIZE; bit++) {
            if ((unknown >>> bit & 1) != 0) {
                names.add(
                        switch (bit) {
                            case 0 -> "compression";
                            case 3 -> "journal_dev";
                            case 4 -> "meta_bg";
                            case 12 -> "dirdata";
                            default -> "bit " + bit;
                        });
            }
        }
        return String.join(", ", names);
    }

    @Override
    public String type() {
        if ((incompatible & INCOMPAT_EXTENTS) != 0) {
            return "ext4";
        }
        return (compatible & COMPAT_HAS_JOURNAL) != 0 ? "ext3" : "ext2";
    }

    @Override
    boolean ignoresCase() {
        return false;
    }

    @Override
    Node root() throws IOException {
        return inode(ROOT_INODE);
    }

    ExtInode inode(long number) throws IOException {
        require(number > 0 && number <= inodes, "inode " + number + " does not exist");
        long group = (number - 1) / inodesPerGroup;
        ByteBuffer descriptor =
                volume().read(descriptorsOffset + group * descriptorBytes, descriptorBytes);
        long table = descriptor.getInt(BG_INODE_TABLE_LO) & 0xffffffffL;
        if ((incompatible & INCOMPAT_64BIT) != 0) {
            table |= (long) descriptor.getInt(BG_INODE_TABLE_HI) << 32;
        }
        long offset = blockOffset(table) + (number - 1) % inodesPerGroup * inodeBytes;
        return new ExtInode(this, volume().read(offset, inodeBytes));
    }

    int blockBytes() {
        return blockBytes;
    }

    /** A block that maps a file. Not to be changed. */
    ByteBuffer mapBlock(long block) throws IOException {
        ByteBuffer bytes = mapBlocks.get(block);
        if (bytes == null) {
            bytes = volume().read(blockOffset(block), blockBytes);
            mapBlocks.put(block, bytes);
        }
        return bytes;
    }

    void readBlocks(long block, int offset, ByteBuffer into) throws IOException {
        volume().read(blockOffset(block) + offset, into);
    }

    private long blockOffset(long block) throws UnreadableFileSystem {
        boolean exists = block > 0 && block < blocks && block <= Long.MAX_VALUE / blockBytes;
        require(exists, "block " + block + " does not exist");
        return block * blockBytes;
    }

    void require(boolean condition, String otherwise) throws UnreadableFileSystem {
        if (!condition) {
            throw damaged(otherwise);
        }
    }

    UnreadableFileSystem damaged(String what) {
        return new UnreadableFileSystem(
                "The ext file system on " + volume() + " is damaged: " + what);
    }
}

package org.xenolith.devices.filesystem;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Map;

/**
 * FAT12, FAT16 and FAT32 with long names.
 *
 * @see <a
 *     href="https://download.microsoft.com/download/1/6/1/161ba512-40e2-4cc9-843a-923143f3456c/fatgen103.doc">
 *     Microsoft FAT32 File System Specification</a>
 */
final class FatFileSystem extends FileSystem {
    private static final int BOOT_SECTOR_BYTES = 512;

    // Offsets in the boot sector.
    private static final int BPB_BYTES_PER_SECTOR = 11;
    private static final int BPB_SECTORS_PER_CLUSTER = 13;
    private static final int BPB_RESERVED_SECTORS = 14;
    private static final int BPB_FATS = 16;
    private static final int BPB_ROOT_ENTRIES = 17;
    private static final int BPB_TOTAL_SECTORS_16 = 19;
    private static final int BPB_FAT_SECTORS_16 = 22;
    private static final int BPB_TOTAL_SECTORS_32 = 32;
    private static final int BPB_FAT_SECTORS_32 = 36;
    private static final int BPB_ROOT_CLUSTER = 44;
    private static final int SIGNATURE = 510;

    /** With fewer clusters it is FAT12, or FAT16: nothing else says which. */
    private static final int MIN_FAT16_CLUSTERS = 4085;

    private static final int MIN_FAT32_CLUSTERS = 65525;

    static final int FIRST_CLUSTER = 2;
    private static final int DIRECTORY_ENTRY_BYTES = 32;

    private final int bits;
    private final int clusterBytes;
    private final long clusters;
    private final long fatOffset;
    private final long rootOffset;
    private final int rootBytes;
    private final long dataOffset;
    private final long rootCluster;

    /** The part of the allocation table that was read last, and the page it is. */
    private ByteBuffer fatPage;

    private long fatPageNumber = -1;
    private static final int FAT_PAGE_BYTES = 12 << 10; // a multiple of a FAT12 entry's 1.5 bytes

    static boolean isOn(Volume volume) throws IOException {
        if (volume.sizeBytes() < BOOT_SECTOR_BYTES) {
            return false;
        }
        ByteBuffer boot = volume.read(0, BOOT_SECTOR_BYTES);
        int bytesPerSector = boot.getShort(BPB_BYTES_PER_SECTOR) & 0xffff;
        int sectorsPerCluster = boot.get(BPB_SECTORS_PER_CLUSTER) & 0xff;
        int fats = boot.get(BPB_FATS) & 0xff;
        return boot.getShort(SIGNATURE) == (short) 0xaa55
                && bytesPerSector >= 512
                && bytesPerSector <= 4096
                && Integer.bitCount(bytesPerSector) == 1
                && Integer.bitCount(sectorsPerCluster) == 1
                && fats >= 1
                && fats <= 2
                && boot.getShort(BPB_RESERVED_SECTORS) != 0;
    }

    FatFileSystem(Volume volume) throws IOException {
        super(volume);
        ByteBuffer boot = volume.read(0, BOOT_SECTOR_BYTES);
        int sectorBytes = boot.getShort(BPB_BYTES_PER_SECTOR) & 0xffff;
        long fatSectors = boot.getShort(BPB_FAT_SECTORS_16) & 0xffff;
        if (fatSectors == 0) {
            fatSectors = boot.getInt(BPB_FAT_SECTORS_32) & 0xffffffffL;
        }
        long totalSectors = boot.getShort(BPB_TOTAL_SECTORS_16) & 0xffff;
        if (totalSectors == 0) {
            totalSectors = boot.getInt(BPB_TOTAL_SECTORS_32) & 0xffffffffL;
        }
        this.clusterBytes = (boot.get(BPB_SECTORS_PER_CLUSTER) & 0xff) * sectorBytes;
        this.fatOffset = (long) (boot.getShort(BPB_RESERVED_SECTORS) & 0xffff) * sectorBytes;
        this.rootOffset = fatOffset + boot.get(BPB_FATS) * fatSectors * sectorBytes;
        this.rootBytes = (boot.getShort(BPB_ROOT_ENTRIES) & 0xffff) * DIRECTORY_ENTRY_BYTES;
        this.dataOffset = rootOffset + Math.ceilDiv(rootBytes, sectorBytes) * sectorBytes;
        this.clusters = (totalSectors * sectorBytes - dataOffset) / clusterBytes;
        require(clusters > 0, "it has no room for files");
        this.bits = clusters < MIN_FAT16_CLUSTERS ? 12 : clusters < MIN_FAT32_CLUSTERS ? 16 : 32;
        this.rootCluster = bits == 32 ? boot.getInt(BPB_ROOT_CLUSTER) & 0xffffffffL : 0;
        require(
                (clusters + FIRST_CLUSTER) * bits / 8 <= fatSectors * sectorBytes,
                "its allocation table is too short");
    }

    @Override
    public String type() {
        return "vfat";
    }

    @Override
    boolean ignoresCase() {
        return true;
    }

    @Override
    Node root() {
        return bits == 32 ? FatNode.directory(this, rootCluster) : new FixedRoot();
    }

    int clusterBytes() {
        return clusterBytes;
    }

    /** Whether a file can go on there. */
    boolean isCluster(long cluster) {
        return cluster >= FIRST_CLUSTER && cluster < clusters + FIRST_CLUSTER;
    }

    /** What follows a cluster in its file; no cluster at its end. */
    long next(long cluster) throws IOException {
        return switch (bits) {
            case 12 -> {
                long at = cluster + cluster / 2;
                int pair = fatByte(at) | fatByte(at + 1) << 8;
                yield cluster % 2 == 0 ? pair & 0xfff : pair >>> 4;
            }
            case 16 -> fatByte(2 * cluster) | fatByte(2 * cluster + 1) << 8;
            default -> {
                long at = 4 * cluster;
                int low = fatByte(at) | fatByte(at + 1) << 8 | fatByte(at + 2) << 16;
                yield low | (fatByte(at + 3) & 0x0f) << 24; // the upper four bits are reserved
            }
        };
    }

    private int fatByte(long offset) throws IOException {
        long page = offset / FAT_PAGE_BYTES;
        if (page != fatPageNumber) {
            long start = fatOffset + page * FAT_PAGE_BYTES;
            int length = (int) Math.min(FAT_PAGE_BYTES, volume().sizeBytes() - start);
            require(length > offset % FAT_PAGE_BYTES, "its allocation table leaves the volume");
            fatPage = volume().read(start, length);
            fatPageNumber = page;
        }
        return fatPage.get((int) (offset % FAT_PAGE_BYTES)) & 0xff;
    }

    void readCluster(long cluster, int offset, ByteBuffer into) throws IOException {
        volume().read(dataOffset + (cluster - FIRST_CLUSTER) * clusterBytes + offset, into);
    }

    void require(boolean condition, String otherwise) throws UnreadableFileSystem {
        UnreadableFileSystem.require(
                condition, "The FAT file system on " + volume() + " is damaged: " + otherwise);
    }

    /** The root directory of FAT12 and FAT16 has a place of its own, in front of all clusters. */
    private final class FixedRoot implements Node {
        @Override
        public Kind kind() {
            return Kind.DIRECTORY;
        }

        @Override
        public long sizeBytes() {
            return rootBytes;
        }

        @Override
        public void read(long offset, ByteBuffer into) throws IOException {
            volume().read(rootOffset + offset, into);
        }

        @Override
        public Map<String, Reference> children() throws IOException {
            return FatDirectory.parse(FatFileSystem.this, volume().read(rootOffset, rootBytes));
        }
    }
}

package org.xenolith.devices.filesystem;

import org.xenolith.devices.block.BlockImage;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Partitions of a disk: a GPT (UEFI specification, 5.3), or an MBR with the logical partitions of
 * its extended one. Sectors of 512 bytes.
 */
public final class PartitionTable {
    private static final int SECTOR_BYTES = BlockImage.SECTOR_BYTES;

    // MBR
    private static final int ENTRIES = 446;
    private static final int ENTRY_BYTES = 16;
    private static final int PRIMARY = 4;
    private static final int SIGNATURE = 510;
    private static final short BOOT_SIGNATURE = (short) 0xaa55;
    private static final int GPT_PROTECTIVE = 0xee;

    /** Linux stops here, too. */
    private static final int MAX_PARTITIONS = 256;

    // GPT header
    private static final long EFI_PART = 0x5452415020494645L;
    private static final int PARTITION_ENTRY_LBA = 72;
    private static final int NUMBER_OF_ENTRIES = 80;
    private static final int SIZE_OF_ENTRY = 84;
    // GPT entry
    private static final int STARTING_LBA = 32;
    private static final int ENDING_LBA = 40;
    private static final int GPT_ENTRY_BYTES = 128;

    /** What kind of table a disk has. */
    public enum Kind {
        NONE,
        MBR,
        GPT
    }

    private PartitionTable() {}

    /** The kind that {@link #read} would read. */
    public static Kind kindOf(BlockImage image) throws IOException {
        Volume disk = Volume.wholeDisk(image);
        if (disk.sizeBytes() < 2 * SECTOR_BYTES) {
            return Kind.NONE;
        }
        ByteBuffer mbr = disk.read(0, SECTOR_BYTES);
        if (mbr.getShort(SIGNATURE) != BOOT_SIGNATURE || !isPartitionTable(mbr)) {
            return Kind.NONE;
        }
        for (int i = 0; i < PRIMARY; i++) {
            if (type(mbr, i) == GPT_PROTECTIVE
                    && disk.read(SECTOR_BYTES, 8).getLong() == EFI_PART) {
                return Kind.GPT;
            }
        }
        return Kind.MBR;
    }

    /** The partitions in the order of their numbers; empty if the disk has no partition table. */
    public static List<Volume> read(BlockImage image) throws IOException {
        Volume disk = Volume.wholeDisk(image);
        return switch (kindOf(image)) {
            case NONE -> List.of();
            case MBR -> readMbr(disk, disk.read(0, SECTOR_BYTES));
            case GPT -> readGpt(disk);
        };
    }

    /** The boot sector of a FAT file system has the same signature, and code where entries are. */
    private static boolean isPartitionTable(ByteBuffer mbr) {
        for (int i = 0; i < PRIMARY; i++) {
            int active = mbr.get(ENTRIES + i * ENTRY_BYTES) & 0xff;
            if (active != 0 && active != 0x80) {
                return false;
            }
        }
        return true;
    }

    private static List<Volume> readMbr(Volume disk, ByteBuffer mbr) throws IOException {
        List<Volume> partitions = new ArrayList<>();
        long extended = 0;
        for (int i = 0; i < PRIMARY; i++) {
            if (isExtended(type(mbr, i))) {
                extended = firstSector(mbr, i);
            } else if (type(mbr, i) != 0) {
                add(partitions, disk, i + 1, firstSector(mbr, i), sectors(mbr, i));
            }
        }
        if (extended != 0) {
            addLogical(partitions, disk, extended);
        }
        return partitions;
    }

    /** A chain of tables: the first entry is a partition, the second leads to the next table. */
    private static void addLogical(List<Volume> partitions, Volume disk, long extended)
            throws IOException {
        long table = extended;
        for (int number = PRIMARY + 1; number <= MAX_PARTITIONS; number++) {
            ByteBuffer sector = disk.read(table * SECTOR_BYTES, SECTOR_BYTES);
            if (sector.getShort(SIGNATURE) != BOOT_SIGNATURE) {
                return;
            }
            if (type(sector, 0) != 0) {
                add(partitions, disk, number, table + firstSector(sector, 0), sectors(sector, 0));
            }
            if (!isExtended(type(sector, 1))) {
                return;
            }
            table = extended + firstSector(sector, 1);
        }
        throw new UnreadableFileSystem("The chain of logical partitions has no end");
    }

    private static List<Volume> readGpt(Volume disk) throws IOException {
        ByteBuffer header = disk.read(SECTOR_BYTES, SECTOR_BYTES);
        long entriesLba = header.getLong(PARTITION_ENTRY_LBA);
        int entryBytes = header.getInt(SIZE_OF_ENTRY);
        int count = Math.clamp(header.getInt(NUMBER_OF_ENTRIES) & 0xffffffffL, 0, MAX_PARTITIONS);
        UnreadableFileSystem.require(
                entryBytes >= GPT_ENTRY_BYTES
                        && entryBytes <= 4096
                        && entriesLba >= 2
                        && entriesLba < disk.sizeBytes() / SECTOR_BYTES,
                "The GUID partition table is damaged");
        List<Volume> partitions = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            ByteBuffer entry =
                    disk.read(entriesLba * SECTOR_BYTES + (long) i * entryBytes, GPT_ENTRY_BYTES);
            boolean used = entry.getLong(0) != 0 || entry.getLong(8) != 0;
            if (used) {
                long first = entry.getLong(STARTING_LBA);
                add(partitions, disk, i + 1, first, entry.getLong(ENDING_LBA) - first + 1);
            }
        }
        return partitions;
    }

    /** What stands out over the end of the disk is cut off, what lies behind it left out. */
    private static void add(List<Volume> to, Volume disk, int number, long first, long count) {
        long diskSectors = disk.sizeBytes() / SECTOR_BYTES;
        if (first > 0 && first < diskSectors && count > 0) {
            long inside = Math.min(count, diskSectors - first);
            to.add(new Volume(disk.image(), number, first * SECTOR_BYTES, inside * SECTOR_BYTES));
        }
    }

    private static boolean isExtended(int type) {
        return type == 0x05 || type == 0x0f || type == 0x85;
    }

    private static int type(ByteBuffer table, int index) {
        return table.get(ENTRIES + index * ENTRY_BYTES + 4) & 0xff;
    }

    private static long firstSector(ByteBuffer table, int index) {
        return table.getInt(ENTRIES + index * ENTRY_BYTES + 8) & 0xffffffffL;
    }

    private static long sectors(ByteBuffer table, int index) {
        return table.getInt(ENTRIES + index * ENTRY_BYTES + 12) & 0xffffffffL;
    }
}

package org.xenolith.devices.block;

import static org.xenolith.devices.block.Qcow2Header.require;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;

/**
 * Compares the counts of an image with the references in it, before it is written to. Counts that
 * are too high are leaks, left by a crash: lowered. Counts that are too low are what the dirty bit
 * announces: raised; without that bit the image is damaged. Tables that share a cluster with
 * anything are refused, so no write of a guest can ever reach one.
 *
 * <p>Reads every L2 table once: 128 KiB for each GiB of a disk with clusters of 64 KiB.
 */
final class Qcow2Audit {
    /** 128 MiB of counters at most: 4 TiB of file with clusters of 64 KiB. */
    private static final long MAX_CLUSTERS = 1L << 26;

    /** Bytes of L1 and L2 tables: enough for disks of 16 TiB with clusters of 64 KiB. */
    private static final long MAX_TABLE_BYTES = 2L << 30;

    private static final int MAX_SNAPSHOT_ENTRY = 1 << 20;

    private final ImageFile file;
    private final Qcow2Header header;
    private final Qcow2Refcounts counts;
    private final int clusterBytes;
    private final long fileClusters;

    /** References to each cluster of the file, 65535 meaning that many or more. */
    private final char[] references;

    /** Clusters that hold a table, or the header. */
    private final BitSet tables = new BitSet();

    private long tableBytes;
    private long comparedCounts;
    private boolean changed;

    Qcow2Audit(ImageFile file, Qcow2Header header, Qcow2Refcounts counts) throws IOException {
        this.file = file;
        this.header = header;
        this.counts = counts;
        this.clusterBytes = header.clusterBytes();
        this.fileClusters = Math.ceilDiv(file.sizeBytes(), clusterBytes);
        if (fileClusters > MAX_CLUSTERS) {
            throw tooLarge();
        }
        this.references = new char[(int) fileClusters];
    }

    void run() throws IOException {
        countFixedTables();
        Map<Long, Integer> l2Tables = new HashMap<>();
        collectL2Tables(header.l1TableOffset(), header.l1Entries(), true, l2Tables);
        walkSnapshots(l2Tables);
        for (Map.Entry<Long, Integer> l2Table : l2Tables.entrySet()) {
            addTable(l2Table.getKey(), 1, l2Table.getValue(), "L2 table");
        }
        for (Map.Entry<Long, Integer> l2Table : l2Tables.entrySet()) {
            countData(l2Table.getKey(), l2Table.getValue());
        }
        compare();
    }

    private void countFixedTables() throws IOException {
        addTable(0, 1, 1, "header");
        addTable(counts.tableOffset(), counts.tableClusters(), 1, "refcount table");
        for (int i = 0; i < counts.tableEntries(); i++) {
            if (counts.blockOffset(i) != 0) {
                addTable(counts.blockOffset(i), 1, 1, "refcount block");
            }
        }
        addTable(
                header.l1TableOffset(),
                clusters(header.l1Entries() * (long) Long.BYTES),
                1,
                "L1 table");
    }

    private void addTable(long offset, long clusterCount, int times, String what)
            throws IOException {
        for (long i = 0; i < clusterCount; i++) {
            long cluster = offset / clusterBytes + i;
            require(
                    offset % clusterBytes == 0 && cluster < fileClusters,
                    file,
                    "the " + what + " at " + offset + " lies outside of the file");
            require(
                    !tables.get((int) cluster),
                    file,
                    "the " + what + " at " + offset + " lies over another table");
            tables.set((int) cluster);
            references[(int) cluster] = (char) Math.min(times, Character.MAX_VALUE);
        }
    }

    /** Adds an L1 table's references to L2 tables; those of the active one are distinct. */
    private void collectL2Tables(
            long offset, int entries, boolean distinct, Map<Long, Integer> l2Tables)
            throws IOException {
        Qcow2Table l1 = readTable(offset, entries * Long.BYTES);
        for (int i = 0; i < entries; i++) {
            long l2Offset = Qcow2Entry.offset(l1.getLong(i));
            if (l2Offset != 0) {
                int times = l2Tables.merge(l2Offset, 1, Math::addExact);
                require(
                        !distinct || times == 1,
                        file,
                        "two entries of its L1 table share the L2 table at " + l2Offset);
            }
        }
    }

    private void walkSnapshots(Map<Long, Integer> l2Tables) throws IOException {
        long at = header.snapshotsOffset();
        for (int i = 0; i < header.snapshots(); i++) {
            Qcow2Snapshot snapshot = Qcow2Snapshot.read(file, at);
            require(
                    snapshot.l1Entries() >= 0
                            && snapshot.l1Entries() <= Qcow2Header.MAX_L1_ENTRIES
                            && snapshot.lengthBytes() <= MAX_SNAPSHOT_ENTRY,
                    file,
                    "its snapshot " + i + " is too large");
            long l1Bytes = (long) snapshot.l1Entries() * Long.BYTES;
            addTable(snapshot.l1TableOffset(), clusters(l1Bytes), 1, "L1 table of a snapshot");
            collectL2Tables(snapshot.l1TableOffset(), snapshot.l1Entries(), false, l2Tables);
            at += snapshot.lengthBytes();
        }
        if (header.snapshots() > 0) {
            addTable(
                    header.snapshotsOffset(),
                    clusters(at - header.snapshotsOffset()),
                    1,
                    "snapshot table");
        }
    }

    /** An L2 table that several L1 tables share counts its clusters for each of them. */
    private void countData(long l2Offset, int times) throws IOException {
        Qcow2Table l2 = readTable(l2Offset, clusterBytes);
        for (int i = 0; i < header.l2Entries(); i++) {
            long entry = l2.getLong(i);
            if (Qcow2Entry.isCompressed(entry)) {
                long first = Qcow2Entry.compressedOffset(entry, header.clusterBits());
                long end = Qcow2Entry.compressedEnd(entry, header.clusterBits());
                addData(first / clusterBytes, (end - 1) / clusterBytes, times);
            } else if (Qcow2Entry.offset(entry) != 0) {
                requireAligned(Qcow2Entry.offset(entry));
                long cluster = Qcow2Entry.offset(entry) / clusterBytes;
                addData(cluster, cluster, times);
            }
        }
    }

    private void requireAligned(long offset) throws ImageRefused {
        if (offset % clusterBytes != 0) {
            throw damaged("the data cluster at " + offset + " is on no cluster boundary");
        }
    }

    private void addData(long first, long last, int times) throws ImageRefused {
        for (long cluster = first; cluster <= last; cluster++) {
            // The last sectors of a compressed cluster may be missing at the end of the file.
            boolean mayBeMissing = cluster > first && cluster == fileClusters;
            if (cluster < fileClusters) {
                if (tables.get((int) cluster)) {
                    throw damaged("data lies over the table at " + cluster * clusterBytes);
                }
                int sum = references[(int) cluster] + Math.min(times, Character.MAX_VALUE);
                references[(int) cluster] = (char) Math.min(sum, Character.MAX_VALUE);
            } else if (!mayBeMissing) {
                throw damaged("data lies behind the end of the file");
            }
        }
    }

    private void compare() throws IOException {
        for (int block = 0; block < counts.tableEntries(); block++) {
            long first = (long) block * counts.blockEntries();
            long end = first + counts.blockEntries();
            if (counts.blockOffset(block) != 0) {
                compareBlock(first, end);
            } else {
                requireUnused(first, Math.min(end, fileClusters));
            }
        }
        requireUnused(counts.countableClusters(), fileClusters);
        if (changed) {
            counts.writeBack();
            file.sync();
        }
    }

    /** Goes past the end of the file: a crash may leave counts there, too. */
    private void compareBlock(long first, long end) throws IOException {
        comparedCounts += end - first;
        if (comparedCounts > 2 * MAX_CLUSTERS) {
            throw tooLarge();
        }
        for (long cluster = first; cluster < end; cluster++) {
            long expected = cluster < fileClusters ? references[(int) cluster] : 0;
            long counted = counts.get(cluster);
            if (counted != expected) {
                correct(cluster, counted, expected);
            }
        }
    }

    private void correct(long cluster, long counted, long expected) throws IOException {
        boolean tooHigh = Long.compareUnsigned(counted, expected) > 0;
        if (tooHigh) {
            if (!header.onlyKnownExtensions() || expected == Character.MAX_VALUE) {
                return; // there may be references that we do not know of
            }
        } else if (!header.isDirty()) {
            throw uncounted(cluster);
        } else if (Long.compareUnsigned(expected, counts.maxCount()) > 0) {
            throw damaged("a cluster has more references than a count can say");
        }
        counts.set(cluster, expected);
        changed = true;
    }

    private void requireUnused(long first, long end) throws ImageRefused {
        for (long cluster = first; cluster < end; cluster++) {
            if (references[(int) cluster] != 0) {
                throw uncounted(cluster);
            }
        }
    }

    private ImageRefused uncounted(long cluster) {
        return damaged(
                "the cluster at "
                        + cluster * clusterBytes
                        + " is in use and not counted; qemu-img check -r all may repair it");
    }

    private ImageRefused damaged(String what) {
        return new ImageRefused(file.name() + " is damaged: " + what);
    }

    private Qcow2Table readTable(long offset, int lengthBytes) throws IOException {
        tableBytes += lengthBytes;
        if (tableBytes > MAX_TABLE_BYTES) {
            throw tooLarge();
        }
        return Qcow2Table.read(file, offset, lengthBytes);
    }

    private long clusters(long bytes) {
        return Math.ceilDiv(bytes, clusterBytes);
    }

    private ImageRefused tooLarge() {
        return new ImageRefused(
                file.name()
                        + " is too large for its cluster size to be checked, so it can only be"
                        + " read");
    }

    /** What the audit needs of a snapshot table's entry. */
    private record Qcow2Snapshot(long l1TableOffset, int l1Entries, long lengthBytes) {
        private static final int FIXED_BYTES = 40;
        private static final int L1_SIZE = 8;
        private static final int ID_STR_SIZE = 12;
        private static final int NAME_SIZE = 14;
        private static final int EXTRA_DATA_SIZE = 36;

        static Qcow2Snapshot read(ImageFile file, long offset) throws IOException {
            ByteBuffer fixed = ByteBuffer.allocate(FIXED_BYTES);
            file.read(offset, fixed);
            long length =
                    FIXED_BYTES
                            + (fixed.getInt(EXTRA_DATA_SIZE) & 0xffffffffL)
                            + (fixed.getShort(ID_STR_SIZE) & 0xffff)
                            + (fixed.getShort(NAME_SIZE) & 0xffff);
            return new Qcow2Snapshot(
                    fixed.getLong(0), fixed.getInt(L1_SIZE), Math.ceilDiv(length, 8) * 8);
        }
    }
}

package org.xenolith.devices.block;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Which clusters of the file are in use: the refcount table and its blocks.
 *
 * <p>A count may be too high in the file, never too low. So a cluster is counted before anything
 * refers to it, and {@link #release} takes effect only when {@link #applyReleases} is called: after
 * the last reference is gone from stable storage. Until then the cluster is not given to anybody
 * else either, and its content stays.
 *
 * <p>Not thread-safe: {@link Qcow2Image} has the lock.
 */
final class Qcow2Refcounts {
    private final ImageFile file;
    private final int clusterBits;
    private final int clusterBytes;
    private final int order;
    private final int blockEntries;
    private final Qcow2TableCache blocks;
    private Qcow2Table table;

    /** No cluster below is free. */
    private long freeHint = 1;

    /** Clusters whose count falls by one as soon as that is safe, once for each reference lost. */
    private final List<Long> released = new ArrayList<>();

    Qcow2Refcounts(ImageFile file, Qcow2Header header) throws IOException {
        this.file = file;
        this.clusterBits = header.clusterBits();
        this.clusterBytes = header.clusterBytes();
        this.order = header.refcountOrder();
        this.blockEntries = (int) ((long) clusterBytes * 8 >>> order);
        this.blocks = new Qcow2TableCache(file, clusterBytes, block -> block.writeTo(file));
        this.table =
                Qcow2Table.read(
                        file,
                        header.refcountTableOffset(),
                        header.refcountTableClusters() << clusterBits);
        requireSoundTable();
    }

    /** Blocks lie on cluster boundaries within the file, no two at the same place. */
    private void requireSoundTable() throws IOException {
        long fileBytes = file.sizeBytes();
        Set<Long> seen = new HashSet<>();
        for (int i = 0; i < tableEntries(); i++) {
            long offset = table.getLong(i);
            if (offset != 0) {
                Qcow2Header.require(
                        offset > 0
                                && offset % clusterBytes == 0
                                && offset < fileBytes
                                && seen.add(offset),
                        file,
                        "entry " + i + " of its refcount table is wrong");
            }
        }
    }

    int tableEntries() {
        return table.lengthBytes() / Long.BYTES;
    }

    long tableOffset() {
        return table.offset();
    }

    int tableClusters() {
        return table.lengthBytes() >> clusterBits;
    }

    /** Offset of a refcount block, or 0. */
    long blockOffset(int index) {
        return table.getLong(index);
    }

    /** Clusters that the table can count, whether or not it has all blocks. */
    long countableClusters() {
        return (long) tableEntries() * blockEntries;
    }

    int blockEntries() {
        return blockEntries;
    }

    /** How many references a cluster has; unsigned. */
    long get(long cluster) throws IOException {
        return hasBlockFor(cluster) ? blockFor(cluster).getField(entry(cluster), order) : 0;
    }

    /** For a cluster that {@link #hasBlockFor} says can be counted. */
    void set(long cluster, long count) throws IOException {
        blockFor(cluster).setField(entry(cluster), order, count);
        if (count == 0) {
            freeHint = Math.min(freeHint, cluster);
        }
    }

    /** The highest count that fits; unsigned. */
    long maxCount() {
        return -1L >>> Long.SIZE - (1 << order);
    }

    boolean hasBlockFor(long cluster) {
        long index = cluster / blockEntries;
        return index < tableEntries() && table.getLong((int) index) != 0;
    }

    /**
     * Takes a free cluster; its count is 1 then. What it contains is unknown.
     *
     * @return its offset in the file
     */
    long allocate() throws IOException {
        for (long cluster = freeHint; ; cluster++) {
            if (!hasBlockFor(cluster)) {
                addBlockAt(cluster);
            }
            if (get(cluster) == 0) {
                blockFor(cluster).setField(entry(cluster), order, 1);
                freeHint = cluster + 1;
                return cluster << clusterBits;
            }
        }
    }

    /** Gives back a cluster that nothing ever referred to. */
    void takeBack(long offset) throws IOException {
        set(offset >>> clusterBits, 0);
    }

    /**
     * One reference to a cluster is gone in memory, and will be in the file after the next commit.
     */
    void release(long offset) {
        released.add(offset >>> clusterBits);
    }

    /** The caller says: what {@link #release} was told is true on stable storage too. */
    void applyReleases() throws IOException {
        List<Long> free = new ArrayList<>();
        for (long cluster : released) {
            long count = get(cluster);
            if (count != 0) {
                set(cluster, count - 1);
            }
            if (count == 1) {
                free.add(cluster);
            }
        }
        released.clear();
        punch(free);
    }

    /** Gives the storage of free clusters back to the host, neighbours together. */
    private void punch(List<Long> clusters) throws IOException {
        clusters.sort(null);
        for (int from = 0; from < clusters.size(); ) {
            int to = from + 1;
            while (to < clusters.size() && clusters.get(to) == clusters.get(to - 1) + 1) {
                to++;
            }
            file.punch(clusters.get(from) << clusterBits, (long) (to - from) << clusterBits);
            from = to;
        }
    }

    boolean hasReleases() {
        return !released.isEmpty();
    }

    /** Writes counts; they are stable after the next sync. */
    void writeBack() throws IOException {
        for (Qcow2Table block : blocks.all()) {
            block.writeTo(file);
        }
    }

    private Qcow2Table blockFor(long cluster) throws IOException {
        return blocks.get(table.getLong((int) (cluster / blockEntries)));
    }

    private int entry(long cluster) {
        return (int) (cluster % blockEntries);
    }

    /**
     * Counts of a range that has no block yet begin with a block in that very range. The table
     * refers to the block only when its content is stable.
     */
    private void addBlockAt(long cluster) throws IOException {
        int index = (int) Math.min(cluster / blockEntries, Integer.MAX_VALUE);
        if (index >= tableEntries()) {
            growTable(index);
            return;
        }
        Qcow2Table block = newBlock(cluster);
        block.setField(entry(cluster), order, 1);
        block.writeTo(file);
        file.sync();
        blocks.add(block);
        table.setLong(index, block.offset());
        table.writeTo(file);
    }

    private Qcow2Table newBlock(long cluster) {
        return Qcow2Table.create(cluster << clusterBits, ByteBuffer.allocate(clusterBytes));
    }

    /**
     * A bigger table, behind everything that the old one could count, followed by the blocks that
     * count both. The header changes over, in one sector, when they are stable. The old table is
     * released like any cluster: it stays as it is until the next commit is done.
     */
    private void growTable(int neededIndex) throws IOException {
        long first = countableClusters();
        long newBytes = Math.max(2L * table.lengthBytes(), (neededIndex + 2L) * Long.BYTES);
        int newClusters = (int) Math.ceilDiv(newBytes, clusterBytes);
        if ((long) newClusters * clusterBytes > Qcow2Header.MAX_REFCOUNT_TABLE_BYTES) {
            throw new ImageRefused(
                    file.name()
                            + " cannot grow: with clusters of "
                            + clusterBytes
                            + " bytes it is full");
        }
        int newBlocks = 1;
        while ((long) newBlocks * blockEntries < newClusters + newBlocks) {
            newBlocks++;
        }
        ByteBuffer content = ByteBuffer.allocate(newClusters * clusterBytes);
        content.put(table.copyOfContent()).clear();
        Qcow2Table newTable = Qcow2Table.create(first << clusterBits, content);
        for (int i = 0; i < newBlocks; i++) {
            Qcow2Table block = newBlock(first + newClusters + i);
            for (int j = 0;
                    j < blockEntries && i * blockEntries + j < newClusters + newBlocks;
                    j++) {
                block.setField(j, order, 1);
            }
            block.writeTo(file);
            newTable.setLong((int) (first / blockEntries) + i, block.offset());
        }
        newTable.writeTo(file);
        file.sync();
        // Stable after the next sync, and no reference is written before one.
        pointHeaderTo(newTable);
        for (int i = 0; i < tableClusters(); i++) {
            release(table.offset() + ((long) i << clusterBits));
        }
        table = newTable;
    }

    private void pointHeaderTo(Qcow2Table newTable) throws IOException {
        ByteBuffer fields = ByteBuffer.allocate(Long.BYTES + Integer.BYTES);
        fields.putLong(newTable.offset()).putInt(newTable.lengthBytes() >> clusterBits);
        file.write(Qcow2Header.REFCOUNT_TABLE_OFFSET, fields.flip());
    }
}

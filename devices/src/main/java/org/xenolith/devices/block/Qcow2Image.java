package org.xenolith.devices.block;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.NonWritableChannelException;
import java.util.Objects;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A qcow2 image. Guest data goes to the file at once; tables change in memory and go there at a
 * commit, which a flush or a full cache causes. The package's description argues why a crash leaves
 * at worst clusters that are counted and not used.
 */
final class Qcow2Image implements BlockImage {
    private final ImageFile file;
    private final Qcow2Header header;
    private final boolean readOnly;
    private final int clusterBytes;
    private final long sizeBytes;

    /** The image below, or null. Never written to. */
    private final BlockImage backing;

    /**
     * Guards everything below, and the mapping from guest to file while data moves. Not held while
     * a flush that has no tables to write waits for the disk.
     */
    private final ReentrantLock lock = new ReentrantLock();

    private final Qcow2Table l1;
    private final Qcow2TableCache l2Tables;
    private final Qcow2Refcounts refcounts;
    private final CompressedClusters compressed;
    private boolean closed;

    /**
     * Takes over the file and the image below.
     *
     * @param backing null if the header names none
     * @throws ImageRefused if the image is damaged, or must not be written to and should be
     */
    Qcow2Image(ImageFile file, Qcow2Header header, boolean readOnly, BlockImage backing)
            throws IOException {
        this.file = file;
        this.header = header;
        this.readOnly = readOnly;
        this.backing = backing;
        this.clusterBytes = header.clusterBytes();
        this.sizeBytes = header.sizeBytes() / SECTOR_BYTES * SECTOR_BYTES;
        this.l1 = Qcow2Table.read(file, header.l1TableOffset(), header.l1Entries() * Long.BYTES);
        this.l2Tables = new Qcow2TableCache(file, clusterBytes, table -> commit());
        this.compressed = new CompressedClusters(file, header);
        this.refcounts = readOnly ? null : openForWriting();
    }

    private Qcow2Refcounts openForWriting() throws IOException {
        if (header.isCorrupt()) {
            throw new ImageRefused(
                    file.name()
                            + " is marked as corrupt, so it can only be read: qemu-img check -r all"
                            + " may repair it");
        }
        Qcow2Refcounts counts = new Qcow2Refcounts(file, header);
        new Qcow2Audit(file, header, counts).run();
        Qcow2FeatureBits.clearForWriting(file, header);
        return counts;
    }

    /** As it was when the image was opened. */
    Qcow2Header header() {
        return header;
    }

    @Override
    public long sizeBytes() {
        return sizeBytes;
    }

    @Override
    public boolean isReadOnly() {
        return readOnly;
    }

    @Override
    public void read(long offset, ByteBuffer into) throws IOException {
        Objects.checkFromIndexSize(offset, into.remaining(), sizeBytes);
        lock.lock();
        try {
            for (long at = offset; into.hasRemaining(); ) {
                ByteBuffer piece = Buffers.take(into, bytesInCluster(at, into.remaining()));
                int count = piece.remaining();
                readPiece(entryAt(at), at, piece);
                at += count;
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void write(long offset, ByteBuffer from) throws IOException {
        requireWritable(offset, from.remaining());
        lock.lock();
        try {
            for (long at = offset; from.hasRemaining(); ) {
                ByteBuffer piece = Buffers.take(from, bytesInCluster(at, from.remaining()));
                int count = piece.remaining();
                writePiece(at, piece);
                at += count;
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void discard(long offset, long lengthBytes) throws IOException {
        requireWritable(offset, lengthBytes);
        lock.lock();
        try {
            long end = offset + lengthBytes;
            for (long at = offset; at < end; ) {
                if (Qcow2Entry.offset(l1.getLong(l1Index(at))) == 0 && isZeroBelow(at)) {
                    at = (at / bytesPerL1Entry() + 1) * bytesPerL1Entry();
                    continue;
                }
                long count = bytesInCluster(at, end - at);
                // The last cluster may stand out over the end of the disk.
                if (count == clusterBytes || at % clusterBytes == 0 && at + count == sizeBytes) {
                    discardCluster(at);
                } else {
                    zeroPiece(at, count);
                }
                at += count;
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void flush() throws IOException {
        if (readOnly) {
            return;
        }
        lock.lock();
        try {
            if (hasUncommitted()) {
                commit();
                return;
            }
        } finally {
            lock.unlock();
        }
        file.sync();
    }

    @Override
    public void close() throws IOException {
        lock.lock();
        try (file;
                backing) {
            if (!closed) {
                settle();
            }
        } finally {
            closed = true;
            lock.unlock();
        }
    }

    @Override
    public void settle() throws IOException {
        if (readOnly) {
            return;
        }
        lock.lock();
        try {
            commit();
            // What became free just now is free in the file too: a clean close leaves no leaks.
            refcounts.writeBack();
            file.sync();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Copies the file, without the images below it, which is settled and not written to meanwhile.
     *
     * @param into an empty file; what is zero stays a hole
     */
    void copyTo(ImageFile into) throws IOException {
        lock.lock();
        try {
            ByteBuffer piece = ByteBuffer.allocate(clusterBytes);
            long end = file.sizeBytes();
            for (long at = 0; at < end; at += clusterBytes) {
                file.read(at, piece.clear().limit((int) Math.min(clusterBytes, end - at)));
                boolean isLast = at + clusterBytes >= end; // the copy is as long, whatever is in it
                if (isLast || !Buffers.isZero(piece.flip())) {
                    into.write(at, piece.rewind());
                }
            }
        } finally {
            lock.unlock();
        }
    }

    // -- pieces: ranges within one cluster --

    private void readPiece(long entry, long at, ByteBuffer into) throws IOException {
        int inCluster = (int) (at % clusterBytes);
        if (Qcow2Entry.isCompressed(entry)) {
            into.put(compressed.read(entry).slice(inCluster, into.remaining()));
        } else if (Qcow2Entry.isZero(entry)) {
            Buffers.putZeroes(into);
        } else if (Qcow2Entry.isUnallocated(entry)) {
            readBelow(at, into);
        } else {
            file.read(dataOffset(entry) + inCluster, into);
        }
    }

    private void readBelow(long at, ByteBuffer into) throws IOException {
        if (!isZeroBelow(at)) {
            long count = Math.min(into.remaining(), backing.sizeBytes() - at);
            backing.read(at, Buffers.take(into, count));
        }
        Buffers.putZeroes(into);
    }

    private void writePiece(long at, ByteBuffer piece) throws IOException {
        Qcow2Table l2 = l2ForWriting(at);
        int index = l2Index(at);
        long entry = l2.getLong(index);
        if (Qcow2Entry.isOwnData(entry)) {
            file.write(dataOffset(entry) + at % clusterBytes, piece);
            return;
        }
        boolean roomIsKept =
                Qcow2Entry.isZero(entry)
                        && Qcow2Entry.isCopied(entry)
                        && Qcow2Entry.offset(entry) != 0;
        long home = roomIsKept ? dataOffset(entry) : refcounts.allocate();
        try {
            fillCluster(home, entry, at, piece);
        } catch (IOException | RuntimeException e) {
            if (!roomIsKept) {
                refcounts.takeBack(home);
            }
            throw e;
        }
        l2.setLong(index, home | Qcow2Entry.COPIED);
        if (!roomIsKept) {
            releaseData(entry);
        }
    }

    /**
     * Writes a piece to a cluster whose content is unknown, and around it what the guest saw so
     * far.
     */
    private void fillCluster(long home, long oldEntry, long at, ByteBuffer piece)
            throws IOException {
        int inCluster = (int) (at % clusterBytes);
        boolean isWhole = piece.remaining() == clusterBytes;
        boolean restIsZero = home >= file.sizeBytes() && readsAsZero(oldEntry, at - inCluster);
        if (isWhole || restIsZero) {
            file.write(home + inCluster, piece);
            return;
        }
        ByteBuffer cluster = ByteBuffer.allocate(clusterBytes);
        readPiece(oldEntry, at - inCluster, cluster);
        cluster.clear().put(inCluster, piece, piece.position(), piece.remaining());
        file.write(home, cluster);
    }

    private void zeroPiece(long at, long count) throws IOException {
        if (readsAsZero(entryAt(at), at)) {
            return;
        }
        for (long done = 0; done < count; ) {
            ByteBuffer zeroes = Buffers.zeroes(count - done);
            int length = zeroes.remaining();
            writePiece(at + done, zeroes);
            done += length;
        }
    }

    private void discardCluster(long at) throws IOException {
        boolean zeroBelow = isZeroBelow(at);
        if (!zeroBelow && !header.hasZeroClusters()) {
            zeroPiece(at, Math.min(clusterBytes, sizeBytes - at));
            return;
        }
        long empty = zeroBelow ? 0 : Qcow2Entry.ZERO;
        if (entryAt(at) == empty) {
            return;
        }
        Qcow2Table l2 = l2ForWriting(at);
        long old = l2.getLong(l2Index(at));
        l2.setLong(l2Index(at), empty);
        releaseData(old);
    }

    /** To be called when no table in memory has the entry any more. */
    private void releaseData(long entry) {
        if (Qcow2Entry.isCompressed(entry)) {
            long first = Qcow2Entry.compressedOffset(entry, header.clusterBits()) / clusterBytes;
            long last = (Qcow2Entry.compressedEnd(entry, header.clusterBits()) - 1) / clusterBytes;
            for (long cluster = first; cluster <= last; cluster++) {
                refcounts.release(cluster * clusterBytes);
            }
        } else if (Qcow2Entry.offset(entry) != 0) {
            refcounts.release(Qcow2Entry.offset(entry));
        }
    }

    // -- tables --

    private long entryAt(long at) throws IOException {
        long offset = Qcow2Entry.offset(l1.getLong(l1Index(at)));
        return offset == 0
                ? 0
                : l2Tables.get(requireInFile(offset, "L2 table")).getLong(l2Index(at));
    }

    /** The L2 table of an offset, which belongs to nobody else. May commit. */
    private Qcow2Table l2ForWriting(long at) throws IOException {
        int index = l1Index(at);
        long entry = l1.getLong(index);
        long offset = Qcow2Entry.offset(entry);
        if (offset != 0 && Qcow2Entry.isCopied(entry)) {
            return l2Tables.get(requireInFile(offset, "L2 table"));
        }
        ByteBuffer content =
                offset == 0
                        ? ByteBuffer.allocate(clusterBytes)
                        : l2Tables.get(requireInFile(offset, "L2 table")).copyOfContent();
        Qcow2Table own = Qcow2Table.create(refcounts.allocate(), content);
        l2Tables.add(own);
        l1.setLong(index, own.offset() | Qcow2Entry.COPIED);
        if (offset != 0) {
            l2Tables.forget(offset);
            refcounts.release(offset);
        }
        return own;
    }

    private boolean hasUncommitted() {
        return l1.isDirty()
                || refcounts.hasReleases()
                || l2Tables.all().stream().anyMatch(Qcow2Table::isDirty);
    }

    /**
     * Brings the tables to stable storage. First what nothing refers to yet: data (written
     * already), counts, new L2 tables. When that is stable, the references. When those are stable,
     * nothing refers any more to what was released, and it is free.
     */
    private void commit() throws IOException {
        refcounts.writeBack();
        for (Qcow2Table l2 : l2Tables.all()) {
            if (l2.isFresh()) {
                l2.writeTo(file);
            }
        }
        file.sync();
        for (Qcow2Table l2 : l2Tables.all()) {
            l2.writeTo(file);
            l2.settle();
        }
        l1.writeTo(file);
        file.sync();
        refcounts.applyReleases();
    }

    // -- arithmetic and checks --

    private long bytesPerL1Entry() {
        return (long) header.l2Entries() * clusterBytes;
    }

    private int l1Index(long at) {
        return (int) (at / bytesPerL1Entry());
    }

    private int l2Index(long at) {
        return (int) (at / clusterBytes % header.l2Entries());
    }

    private long bytesInCluster(long at, long limit) {
        return Math.min(limit, clusterBytes - at % clusterBytes);
    }

    private boolean isZeroBelow(long at) {
        return backing == null || at >= backing.sizeBytes();
    }

    private boolean readsAsZero(long entry, long at) {
        return Qcow2Entry.isZero(entry) || Qcow2Entry.isUnallocated(entry) && isZeroBelow(at);
    }

    private long dataOffset(long entry) throws IOException {
        return requireInFile(Qcow2Entry.offset(entry), "data cluster");
    }

    private long requireInFile(long offset, String what) throws IOException {
        if (offset % clusterBytes != 0) {
            throw new ImageRefused(
                    file.name()
                            + " is damaged: the "
                            + what
                            + " at "
                            + offset
                            + " is on no cluster boundary");
        }
        return offset;
    }

    private void requireWritable(long offset, long lengthBytes) {
        Objects.checkFromIndexSize(offset, lengthBytes, sizeBytes);
        if (readOnly) {
            throw new NonWritableChannelException();
        }
    }
}

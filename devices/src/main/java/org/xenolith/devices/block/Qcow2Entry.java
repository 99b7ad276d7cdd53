package org.xenolith.devices.block;

/**
 * Entries of L1 and L2 tables: an offset into the file with flags around it.
 *
 * @see <a href="https://gitlab.com/qemu-project/qemu/-/blob/master/docs/interop/qcow2.rst">qcow2,
 *     "Cluster mapping"</a>
 */
final class Qcow2Entry {
    /** The L2 table or cluster belongs to nobody else: it may be written in place. */
    static final long COPIED = 1L << 63;

    /** The cluster is compressed, and the entry is a compressed cluster descriptor. */
    static final long COMPRESSED = 1L << 62;

    /** The cluster reads as zeroes; if there is an offset too, room is kept there. Version 3. */
    static final long ZERO = 1;

    private static final long OFFSET_MASK = (1L << 56) - (1L << 9);

    /** Bits of an entry that are neither flag nor offset nor, for a compressed cluster, length. */
    private static final int DESCRIPTOR_BITS = 62;

    private static final long COMPRESSED_OFFSET_MASK = (1L << 56) - 1;

    private Qcow2Entry() {}

    /** Where the table or the standard cluster begins in the file; 0 if there is none. */
    static long offset(long entry) {
        return entry & OFFSET_MASK;
    }

    static boolean isCopied(long entry) {
        return (entry & COPIED) != 0;
    }

    static boolean isCompressed(long entry) {
        return (entry & COMPRESSED) != 0;
    }

    static boolean isZero(long entry) {
        return (entry & (COMPRESSED | ZERO)) == ZERO;
    }

    /** The guest's bytes come from the image below, or are zeroes if there is none. */
    static boolean isUnallocated(long entry) {
        return !isCompressed(entry) && !isZero(entry) && offset(entry) == 0;
    }

    /** The guest's bytes lie in a cluster of the file that only this entry refers to. */
    static boolean isOwnData(long entry) {
        return (entry & (COPIED | COMPRESSED | ZERO)) == COPIED && offset(entry) != 0;
    }

    /** Where the data of a compressed cluster begins, in bytes: on no boundary. */
    static long compressedOffset(long entry, int clusterBits) {
        return entry & (1L << offsetBits(clusterBits)) - 1 & COMPRESSED_OFFSET_MASK;
    }

    /** Up to this offset the file may hold data of a compressed cluster: the end of a sector. */
    static long compressedEnd(long entry, int clusterBits) {
        long additionalSectors = (entry & ~(COPIED | COMPRESSED)) >>> offsetBits(clusterBits);
        long firstSector = compressedOffset(entry, clusterBits) / BlockImage.SECTOR_BYTES;
        return (firstSector + additionalSectors + 1) * BlockImage.SECTOR_BYTES;
    }

    private static int offsetBits(int clusterBits) {
        return DESCRIPTOR_BITS - (clusterBits - 8);
    }
}

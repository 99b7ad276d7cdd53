package org.xenolith.devices.block;

import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The header of a qcow2 image with its extensions, checked: every size is within the format's and
 * QEMU's limits, every table lies on a cluster boundary within the file.
 *
 * @param sizeBytes of the disk, as written; the guest sees whole sectors of it
 * @param backingFile name of the image below, or null
 * @param backingFormat what the overlay says that image is, or null
 * @param zstd whether compressed clusters are zstd, not zlib
 * @param onlyKnownExtensions false if something in the file may own clusters that we do not know of
 * @see <a href="https://gitlab.com/qemu-project/qemu/-/blob/master/docs/interop/qcow2.rst">qcow2,
 *     "Header"</a>
 */
record Qcow2Header(
        int version,
        int clusterBits,
        long sizeBytes,
        int l1Entries,
        long l1TableOffset,
        long refcountTableOffset,
        int refcountTableClusters,
        int snapshots,
        long snapshotsOffset,
        long incompatibleFeatures,
        long autoclearFeatures,
        int refcountOrder,
        boolean zstd,
        String backingFile,
        String backingFormat,
        boolean onlyKnownExtensions) {

    // Offsets of fields, in bytes.
    static final int VERSION = 4;
    static final int BACKING_FILE_OFFSET = 8;
    static final int BACKING_FILE_SIZE = 16;
    static final int CLUSTER_BITS = 20;
    static final int SIZE = 24;
    static final int CRYPT_METHOD = 32;
    static final int L1_SIZE = 36;
    static final int L1_TABLE_OFFSET = 40;
    static final int REFCOUNT_TABLE_OFFSET = 48;
    static final int REFCOUNT_TABLE_CLUSTERS = 56;
    static final int NB_SNAPSHOTS = 60;
    static final int SNAPSHOTS_OFFSET = 64;
    static final int INCOMPATIBLE_FEATURES = 72;
    static final int AUTOCLEAR_FEATURES = 88;
    static final int REFCOUNT_ORDER = 96;
    static final int HEADER_LENGTH = 100;
    static final int COMPRESSION_TYPE = 104;

    static final int VERSION_2_LENGTH = 72;
    static final int VERSION_3_LENGTH = 104;

    // incompatible_features
    static final long DIRTY = 1;
    static final long CORRUPT = 1 << 1;
    static final long EXTERNAL_DATA_FILE = 1 << 2;
    static final long COMPRESSION_TYPE_PRESENT = 1 << 3;
    static final long EXTENDED_L2 = 1 << 4;
    private static final int KNOWN_INCOMPATIBLE_BITS = 5;

    // Header extensions.
    private static final int END_OF_EXTENSIONS = 0;
    static final int BACKING_FORMAT = 0xe2792aca;
    private static final int FEATURE_NAMES = 0x6803f857;
    private static final int FEATURE_NAME_ENTRY = 48;

    private static final int MIN_CLUSTER_BITS = 9;
    private static final int MAX_CLUSTER_BITS = 21;
    private static final int MAX_REFCOUNT_ORDER = 6;
    static final int MAX_BACKING_NAME = 1023;
    private static final int VERSION_2_REFCOUNT_ORDER = 4;

    /** QEMU's limits: 32 MiB, 8 MiB, 65536. */
    static final int MAX_L1_ENTRIES = (32 << 20) / Long.BYTES;

    static final int MAX_REFCOUNT_TABLE_BYTES = 8 << 20;
    private static final int MAX_SNAPSHOTS = 65536;

    private static final int ZLIB = 0;
    private static final int ZSTD = 1;

    /**
     * @throws ImageRefused if the image is damaged, or needs what we do not have
     */
    static Qcow2Header read(ImageFile file) throws IOException {
        ByteBuffer fixed = ByteBuffer.allocate(COMPRESSION_TYPE + Long.BYTES);
        file.read(0, fixed);
        requireKnownVersion(file, fixed);
        int clusterBits = fixed.getInt(CLUSTER_BITS);
        require(
                clusterBits >= MIN_CLUSTER_BITS && clusterBits <= MAX_CLUSTER_BITS,
                file,
                "cluster_bits is " + Integer.toUnsignedString(clusterBits) + ", not 9 to 21");
        ByteBuffer cluster = ByteBuffer.allocate(1 << clusterBits);
        file.read(0, cluster);
        try {
            return new Parser(file, cluster.rewind()).parse();
        } catch (BufferUnderflowException | IndexOutOfBoundsException e) {
            throw new ImageRefused(
                    file.name() + " is damaged: its header leaves the first cluster");
        }
    }

    private static void requireKnownVersion(ImageFile file, ByteBuffer fixed) throws ImageRefused {
        require(fixed.getInt(0) == ImageFormat.QCOW_MAGIC, file, "it does not begin as qcow2 does");
        int version = fixed.getInt(VERSION);
        if (version != 2 && version != 3) {
            throw new ImageRefused(
                    file.name()
                            + " is a qcow image of version "
                            + Integer.toUnsignedString(version)
                            + "; versions 2 and 3 can be used");
        }
    }

    int clusterBytes() {
        return 1 << clusterBits;
    }

    /** Entries of an L2 table. */
    int l2Entries() {
        return clusterBytes() / Long.BYTES;
    }

    boolean isDirty() {
        return (incompatibleFeatures & DIRTY) != 0;
    }

    boolean isCorrupt() {
        return (incompatibleFeatures & CORRUPT) != 0;
    }

    /** Only version 3 can say in an L2 entry that a cluster reads as zeroes. */
    boolean hasZeroClusters() {
        return version >= 3;
    }

    static void require(boolean condition, ImageFile file, String otherwise) throws ImageRefused {
        if (!condition) {
            throw new ImageRefused(file.name() + " is damaged: " + otherwise);
        }
    }

    /** Reads the first cluster, from front to back. */
    private static final class Parser {
        private final ImageFile file;
        private final ByteBuffer cluster;
        private final int version;
        private final int headerLength;
        private String backingFormat;
        private boolean onlyKnownExtensions = true;
        private final Map<Integer, String> incompatibleNames = new HashMap<>();

        Parser(ImageFile file, ByteBuffer cluster) throws ImageRefused {
            this.file = file;
            this.cluster = cluster;
            this.version = cluster.getInt(VERSION);
            this.headerLength = version == 2 ? VERSION_2_LENGTH : cluster.getInt(HEADER_LENGTH);
            require(
                    version == 2
                            || headerLength >= VERSION_3_LENGTH
                                    && headerLength % Long.BYTES == 0
                                    && headerLength <= cluster.capacity(),
                    file,
                    "header_length is " + Integer.toUnsignedString(headerLength));
        }

        Qcow2Header parse() throws IOException {
            readExtensions();
            long incompatible = version == 2 ? 0 : cluster.getLong(INCOMPATIBLE_FEATURES);
            requireNoUnknown(incompatible);
            requireSupported(incompatible);
            Qcow2Header header =
                    new Qcow2Header(
                            version,
                            cluster.getInt(CLUSTER_BITS),
                            cluster.getLong(SIZE),
                            cluster.getInt(L1_SIZE),
                            cluster.getLong(L1_TABLE_OFFSET),
                            cluster.getLong(REFCOUNT_TABLE_OFFSET),
                            cluster.getInt(REFCOUNT_TABLE_CLUSTERS),
                            cluster.getInt(NB_SNAPSHOTS),
                            cluster.getLong(SNAPSHOTS_OFFSET),
                            incompatible,
                            version == 2 ? 0 : cluster.getLong(AUTOCLEAR_FEATURES),
                            version == 2
                                    ? VERSION_2_REFCOUNT_ORDER
                                    : cluster.getInt(REFCOUNT_ORDER),
                            isZstd(incompatible),
                            backingFile(),
                            backingFormat,
                            onlyKnownExtensions);
            requireSound(header);
            return header;
        }

        private void readExtensions() throws ImageRefused {
            cluster.position(headerLength);
            // The area ends with its end mark or, in old images, where the backing file's name
            // begins.
            long end = cluster.capacity();
            if (cluster.getLong(BACKING_FILE_OFFSET) != 0) {
                end = Math.min(end, cluster.getLong(BACKING_FILE_OFFSET));
            }
            while (cluster.position() + 2L * Integer.BYTES <= end) {
                int type = cluster.getInt();
                int length = cluster.getInt();
                if (type == END_OF_EXTENSIONS) {
                    return;
                }
                require(
                        length >= 0 && length <= end - cluster.position(),
                        file,
                        "a header extension is longer than the header");
                byte[] data = new byte[length];
                cluster.get(data);
                cluster.position(
                        Math.min(Math.ceilDiv(cluster.position(), 8) * 8, cluster.limit()));
                readExtension(type, data);
            }
        }

        private void readExtension(int type, byte[] data) {
            switch (type) {
                case BACKING_FORMAT -> backingFormat = new String(data, StandardCharsets.UTF_8);
                case FEATURE_NAMES -> readFeatureNames(data);
                default -> onlyKnownExtensions = false;
            }
        }

        private void readFeatureNames(byte[] data) {
            for (int at = 0; at + FEATURE_NAME_ENTRY <= data.length; at += FEATURE_NAME_ENTRY) {
                boolean incompatible = data[at] == 0;
                if (incompatible) {
                    String name =
                            new String(
                                    data, at + 2, FEATURE_NAME_ENTRY - 2, StandardCharsets.UTF_8);
                    incompatibleNames.put((int) data[at + 1], printable(name));
                }
            }
        }

        private void requireNoUnknown(long incompatible) throws ImageRefused {
            List<String> unknown = new ArrayList<>();
            for (int bit = KNOWN_INCOMPATIBLE_BITS; bit < Long.SIZE; bit++) {
                if ((incompatible >>> bit & 1) != 0) {
                    unknown.add(incompatibleNames.getOrDefault(bit, "bit " + bit));
                }
            }
            if (!unknown.isEmpty()) {
                throw new ImageRefused(
                        file.name()
                                + " needs features that are not known here: "
                                + String.join(", ", unknown));
            }
        }

        private void requireSupported(long incompatible) throws ImageRefused {
            if (cluster.getInt(CRYPT_METHOD) != 0) {
                throw new ImageRefused(file.name() + " is encrypted, which is not supported");
            }
            if ((incompatible & EXTERNAL_DATA_FILE) != 0) {
                throw new ImageRefused(
                        file.name()
                                + " keeps its data in an external file, which is not supported");
            }
            if ((incompatible & EXTENDED_L2) != 0) {
                throw new ImageRefused(
                        file.name() + " has extended L2 entries, which are not supported");
            }
        }

        private boolean isZstd(long incompatible) throws ImageRefused {
            int type =
                    headerLength > COMPRESSION_TYPE ? cluster.get(COMPRESSION_TYPE) & 0xff : ZLIB;
            boolean flagged = (incompatible & COMPRESSION_TYPE_PRESENT) != 0;
            require(
                    flagged == (type != ZLIB),
                    file,
                    "its compression type " + type + " contradicts its feature bits");
            if (type != ZLIB && type != ZSTD) {
                throw new ImageRefused(
                        file.name()
                                + " has clusters of compression type "
                                + type
                                + "; zlib and zstd can be read");
            }
            return type == ZSTD;
        }

        private String backingFile() throws ImageRefused {
            long offset = cluster.getLong(BACKING_FILE_OFFSET);
            int length = cluster.getInt(BACKING_FILE_SIZE);
            if (offset == 0) {
                return null;
            }
            require(
                    length >= 0
                            && length <= MAX_BACKING_NAME
                            && offset >= 0
                            && offset <= cluster.capacity() - length,
                    file,
                    "the name of its backing file lies outside of the header");
            byte[] name = new byte[length];
            cluster.get((int) offset, name);
            return length == 0 ? null : new String(name, StandardCharsets.UTF_8);
        }

        private void requireSound(Qcow2Header header) throws IOException {
            require(
                    header.refcountOrder >= 0 && header.refcountOrder <= MAX_REFCOUNT_ORDER,
                    file,
                    "refcount_order is " + Integer.toUnsignedString(header.refcountOrder));
            require(
                    header.l1Entries >= 0 && header.l1Entries <= MAX_L1_ENTRIES,
                    file,
                    "its L1 table has " + Integer.toUnsignedString(header.l1Entries) + " entries");
            int perL1Entry = header.clusterBits + header.clusterBits - 3;
            require(
                    header.sizeBytes >= 0
                            && header.sizeBytes <= (long) header.l1Entries << perL1Entry
                            && header.sizeBytes >>> perL1Entry <= MAX_L1_ENTRIES,
                    file,
                    "its L1 table is too small for a disk of "
                            + Long.toUnsignedString(header.sizeBytes)
                            + " bytes");
            require(
                    header.refcountTableClusters > 0
                            && (long) header.refcountTableClusters << header.clusterBits
                                    <= MAX_REFCOUNT_TABLE_BYTES,
                    file,
                    "its refcount table has "
                            + Integer.toUnsignedString(header.refcountTableClusters)
                            + " clusters");
            require(
                    header.snapshots >= 0 && header.snapshots <= MAX_SNAPSHOTS,
                    file,
                    "it has " + Integer.toUnsignedString(header.snapshots) + " snapshots");
            requireInside(
                    header, header.l1TableOffset, (long) header.l1Entries * Long.BYTES, "L1 table");
            requireInside(
                    header,
                    header.refcountTableOffset,
                    (long) header.refcountTableClusters << header.clusterBits,
                    "refcount table");
            if (header.snapshots > 0) {
                requireInside(header, header.snapshotsOffset, 0, "snapshot table");
            }
        }

        private void requireInside(Qcow2Header header, long offset, long lengthBytes, String what)
                throws IOException {
            if (lengthBytes == 0 && offset == 0) {
                return; // an empty disk has no L1 table
            }
            long fileBytes =
                    Math.ceilDiv(file.sizeBytes(), header.clusterBytes()) * header.clusterBytes();
            require(
                    offset > 0 && offset % header.clusterBytes() == 0,
                    file,
                    "its " + what + " does not begin at a cluster");
            require(
                    offset <= fileBytes - lengthBytes,
                    file,
                    "its " + what + " lies behind the end of the file");
        }

        private static String printable(String name) {
            return name.replaceAll("[^\\x20-\\x7e]", "");
        }
    }
}

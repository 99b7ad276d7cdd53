package org.xenolith.devices.block;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Makes qcow2 images: version 3, clusters of 64 KiB, counts of 16 bits, as qemu-img does. */
public final class Qcow2 {
    static final int DEFAULT_CLUSTER_BITS = 16;
    private static final int REFCOUNT_ORDER = 4;

    private Qcow2() {}

    /**
     * Makes an empty disk, which takes up a few clusters of its size.
     *
     * @param path does not exist yet
     * @param sizeBytes rounded up to whole sectors
     */
    public static void create(Path path, long sizeBytes) throws IOException {
        createFile(path, new Layout(DEFAULT_CLUSTER_BITS, sizeBytes, null, null));
    }

    /**
     * Makes a disk that reads as another one until it is written to.
     *
     * @param path does not exist yet
     * @param sizeBytes rounded up to whole sectors; what the image below lacks reads as zeroes
     * @param backing the image below; a relative path is meant from the new image's directory
     * @param backingFormat written down, so that the image below is never guessed at
     */
    public static void create(Path path, long sizeBytes, Path backing, ImageFormat backingFormat)
            throws IOException {
        createFile(path, new Layout(DEFAULT_CLUSTER_BITS, sizeBytes, backing, backingFormat));
    }

    private static void createFile(Path path, Layout layout) throws IOException {
        Files.createFile(path);
        try (ImageFile file = HostFile.open(path, false)) {
            layout.writeTo(file);
        } catch (IOException | RuntimeException e) {
            Files.deleteIfExists(path);
            throw e;
        }
    }

    /**
     * Writes into an image that lies over none what it lies over.
     *
     * @param file an image that {@link Layout} has made
     */
    static void nameBacking(ImageFile file, Path backing, ImageFormat format) throws IOException {
        ByteBuffer header = ByteBuffer.allocate(Qcow2Header.read(file).clusterBytes());
        file.read(0, header);
        header.position(Qcow2Header.VERSION_3_LENGTH);
        putBacking(header, bytes(backing.toString()), bytes(name(format)));
        file.write(0, header.clear());
    }

    private static void putBacking(ByteBuffer header, byte[] backing, byte[] format)
            throws ImageRefused {
        int endMark = 2 * Integer.BYTES;
        int extension = endMark + Math.ceilDiv(format.length, 8) * 8;
        int nameOffset = header.position() + extension + endMark;
        if (backing.length > Math.min(Qcow2Header.MAX_BACKING_NAME, header.limit() - nameOffset)) {
            throw new ImageRefused("The path of the backing file is too long for a qcow2 header");
        }
        header.putInt(Qcow2Header.BACKING_FORMAT).putInt(format.length).put(format);
        header.put(nameOffset, backing);
        header.putLong(Qcow2Header.BACKING_FILE_OFFSET, nameOffset);
        header.putInt(Qcow2Header.BACKING_FILE_SIZE, backing.length);
    }

    private static String name(ImageFormat format) {
        return switch (format) {
            case RAW -> "raw";
            case QCOW2 -> "qcow2";
        };
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** Header, refcount table, refcount blocks and L1 table of an empty image, in this order. */
    static final class Layout {
        private final int clusterBytes;
        private final int clusterBits;
        private final long sizeBytes;
        private final byte[] backing;
        private final byte[] backingFormat;
        private final int l1Entries;
        private final int tableClusters;
        private final int blocks;
        private final int usedClusters;

        Layout(int clusterBits, long sizeBytes, Path backing, ImageFormat backingFormat)
                throws ImageRefused {
            this.clusterBits = clusterBits;
            this.clusterBytes = 1 << clusterBits;
            this.sizeBytes =
                    Math.ceilDiv(sizeBytes, BlockImage.SECTOR_BYTES) * BlockImage.SECTOR_BYTES;
            this.backing = backing == null ? new byte[0] : bytes(backing.toString());
            this.backingFormat = backing == null ? new byte[0] : bytes(name(backingFormat));
            long bytesPerL1Entry = (long) clusterBytes * (clusterBytes / Long.BYTES);
            long entries = Math.max(1, Math.ceilDiv(this.sizeBytes, bytesPerL1Entry));
            if (sizeBytes < 0 || entries > Qcow2Header.MAX_L1_ENTRIES) {
                throw new ImageRefused("A qcow2 image cannot have " + sizeBytes + " bytes");
            }
            this.l1Entries = (int) entries;
            int blockEntries = clusterBytes / Short.BYTES;
            int l1Clusters = Math.ceilDiv(l1Entries * Long.BYTES, clusterBytes);
            int countBlocks = 1;
            int countTable = 1;
            while (1 + countTable + countBlocks + l1Clusters > countBlocks * blockEntries) {
                countBlocks++;
                countTable = Math.ceilDiv(countBlocks * Long.BYTES, clusterBytes);
            }
            this.blocks = countBlocks;
            this.tableClusters = countTable;
            this.usedClusters = 1 + countTable + countBlocks + l1Clusters;
        }

        /** The header comes last, so that an interrupted creation leaves no image at all. */
        void writeTo(ImageFile file) throws IOException {
            ByteBuffer table = ByteBuffer.allocate(tableClusters * clusterBytes);
            for (int i = 0; i < blocks; i++) {
                table.putLong(blockOffset(i));
            }
            file.write(clusterBytes, table.clear());
            for (int i = 0; i < blocks; i++) {
                ByteBuffer block = ByteBuffer.allocate(clusterBytes);
                int counted = usedClusters - i * clusterBytes / Short.BYTES;
                while (counted-- > 0 && block.hasRemaining()) {
                    block.putShort((short) 1);
                }
                file.write(blockOffset(i), block.clear());
            }
            file.write(l1Offset(), ByteBuffer.allocate(l1Entries * Long.BYTES));
            file.sync();
            file.write(0, header());
            file.sync();
        }

        private ByteBuffer header() throws ImageRefused {
            ByteBuffer header = ByteBuffer.allocate(clusterBytes);
            header.putInt(0, ImageFormat.QCOW_MAGIC)
                    .putInt(Qcow2Header.VERSION, 3)
                    .putInt(Qcow2Header.CLUSTER_BITS, clusterBits)
                    .putLong(Qcow2Header.SIZE, sizeBytes)
                    .putInt(Qcow2Header.L1_SIZE, l1Entries)
                    .putLong(Qcow2Header.L1_TABLE_OFFSET, l1Offset())
                    .putLong(Qcow2Header.REFCOUNT_TABLE_OFFSET, clusterBytes)
                    .putInt(Qcow2Header.REFCOUNT_TABLE_CLUSTERS, tableClusters)
                    .putInt(Qcow2Header.REFCOUNT_ORDER, REFCOUNT_ORDER)
                    .putInt(Qcow2Header.HEADER_LENGTH, Qcow2Header.VERSION_3_LENGTH);
            if (backing.length > 0) {
                header.position(Qcow2Header.VERSION_3_LENGTH);
                putBacking(header, backing, backingFormat);
            }
            return header.clear();
        }

        private long blockOffset(int index) {
            return (long) (1 + tableClusters + index) << clusterBits;
        }

        private long l1Offset() {
            return blockOffset(blocks);
        }
    }
}

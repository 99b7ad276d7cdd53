package org.xenolith.devices.filesystem;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Map;

/** A file or directory whose clusters are chained in the allocation table. */
final class FatNode implements Node {
    /** 65,536 entries, which is FAT's own limit; it also ends chains that run in circles. */
    private static final int MAX_DIRECTORY_BYTES = 2 << 20;

    private final FatFileSystem fileSystem;
    private final Kind kind;
    private final long firstCluster;
    private final long sizeBytes;

    /** The clusters from the first on, as far as they were asked for. */
    private long[] chain = new long[0];

    private FatNode(FatFileSystem fileSystem, Kind kind, long firstCluster, long sizeBytes) {
        this.fileSystem = fileSystem;
        this.kind = kind;
        this.firstCluster = firstCluster;
        this.sizeBytes = sizeBytes;
    }

    static FatNode file(FatFileSystem fileSystem, long firstCluster, long sizeBytes) {
        return new FatNode(fileSystem, Kind.FILE, firstCluster, sizeBytes);
    }

    /** A directory does not say how long it is: it ends with its chain. */
    static FatNode directory(FatFileSystem fileSystem, long firstCluster) {
        return new FatNode(fileSystem, Kind.DIRECTORY, firstCluster, 0);
    }

    @Override
    public Kind kind() {
        return kind;
    }

    @Override
    public long sizeBytes() {
        return sizeBytes;
    }

    @Override
    public void read(long offset, ByteBuffer into) throws IOException {
        int clusterBytes = fileSystem.clusterBytes();
        while (into.hasRemaining()) {
            long cluster = cluster((int) (offset / clusterBytes));
            int inCluster = (int) (offset % clusterBytes);
            int count = Math.min(into.remaining(), clusterBytes - inCluster);
            fileSystem.readCluster(cluster, inCluster, into.slice(into.position(), count));
            into.position(into.position() + count);
            offset += count;
        }
    }

    private long cluster(int index) throws IOException {
        if (index >= chain.length) {
            int known = chain.length;
            chain =
                    Arrays.copyOf(
                            chain, Math.max(index + 1, Math.min(2 * known, clustersOfSize())));
            for (int i = known; i < chain.length; i++) {
                chain[i] = i == 0 ? firstCluster : fileSystem.next(chain[i - 1]);
                fileSystem.require(
                        fileSystem.isCluster(chain[i]), "a file is shorter than it says");
            }
        }
        return chain[index];
    }

    private int clustersOfSize() {
        return (int) Math.ceilDiv(sizeBytes, fileSystem.clusterBytes());
    }

    @Override
    public Map<String, Reference> children() throws IOException {
        int clusterBytes = fileSystem.clusterBytes();
        ByteBuffer content = ByteBuffer.allocate(clusterBytes).order(ByteOrder.LITTLE_ENDIAN);
        for (long cluster = firstCluster;
                fileSystem.isCluster(cluster);
                cluster = fileSystem.next(cluster)) {
            fileSystem.require(content.position() < MAX_DIRECTORY_BYTES, "a directory has no end");
            if (!content.hasRemaining()) {
                ByteBuffer larger = ByteBuffer.allocate(2 * content.capacity());
                content = larger.put(content.flip()).order(ByteOrder.LITTLE_ENDIAN);
            }
            fileSystem.readCluster(cluster, 0, content.slice(content.position(), clusterBytes));
            content.position(content.position() + clusterBytes);
        }
        return FatDirectory.parse(fileSystem, content.flip());
    }
}

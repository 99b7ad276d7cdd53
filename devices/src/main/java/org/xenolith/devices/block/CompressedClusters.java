package org.xenolith.devices.block;

import com.github.luben.zstd.ZstdInputStreamNoFinalizer;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.zip.Inflater;
import java.util.zip.InflaterInputStream;

/**
 * Reads compressed clusters. They are never written here, so what a descriptor stands for does not
 * change while the image is open; the last cluster is kept, because guests read in smaller pieces.
 */
final class CompressedClusters {
    private final ImageFile file;
    private final Qcow2Header header;
    private long cachedEntry;
    private ByteBuffer cached;

    CompressedClusters(ImageFile file, Qcow2Header header) {
        this.file = file;
        this.header = header;
    }

    /** The whole cluster that an L2 entry describes; not to be changed. */
    ByteBuffer read(long entry) throws IOException {
        if (cached == null || cachedEntry != entry) {
            cached = ByteBuffer.wrap(unpack(entry));
            cachedEntry = entry;
        }
        return cached.duplicate();
    }

    private byte[] unpack(long entry) throws IOException {
        long offset = Qcow2Entry.compressedOffset(entry, header.clusterBits());
        long end = Qcow2Entry.compressedEnd(entry, header.clusterBits());
        // At most two clusters and a sector: that many bits the length has.
        ByteBuffer packed = ByteBuffer.allocate((int) (end - offset));
        file.read(offset, packed);
        byte[] cluster;
        try (InputStream unpacked = unpacking(new ByteArrayInputStream(packed.array()))) {
            cluster = unpacked.readNBytes(header.clusterBytes());
        } catch (IOException e) {
            throw damaged(offset, e.getMessage());
        }
        if (cluster.length != header.clusterBytes()) {
            throw damaged(offset, "it is too short");
        }
        return cluster;
    }

    private InputStream unpacking(InputStream packed) throws IOException {
        if (header.zstd()) {
            return new ZstdInputStreamNoFinalizer(packed);
        }
        boolean withoutZlibHeader = true;
        Inflater inflater = new Inflater(withoutZlibHeader);
        return new InflaterInputStream(packed, inflater) {
            @Override
            public void close() {
                inflater.end();
            }
        };
    }

    private ImageRefused damaged(long offset, String reason) {
        return new ImageRefused(
                file.name() + " is damaged: the compressed cluster at " + offset + ": " + reason);
    }
}

package org.xenolith.devices.block;

import java.io.IOException;
import java.nio.ByteBuffer;

/** Feature bits that change when an image is opened for writing. */
final class Qcow2FeatureBits {
    private Qcow2FeatureBits() {}

    /**
     * Clears, on stable storage, the dirty bit (the counts were repaired) and all autoclear bits:
     * they vouch for data, dirty bitmaps for instance, that our writes do not keep up to date.
     */
    static void clearForWriting(ImageFile file, Qcow2Header header) throws IOException {
        if (header.isDirty()) {
            put(
                    file,
                    Qcow2Header.INCOMPATIBLE_FEATURES,
                    header.incompatibleFeatures() & ~Qcow2Header.DIRTY);
        }
        if (header.autoclearFeatures() != 0) {
            put(file, Qcow2Header.AUTOCLEAR_FEATURES, 0);
        }
    }

    private static void put(ImageFile file, long offset, long value) throws IOException {
        file.write(offset, ByteBuffer.allocate(Long.BYTES).putLong(0, value));
        file.sync();
    }
}

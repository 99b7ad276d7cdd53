package org.xenolith.devices.block;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Optional;

/** How the bytes of a file make a disk. */
public enum ImageFormat {
    /** Byte for byte. */
    RAW,
    /** QEMU's copy-on-write format, versions 2 and 3. */
    QCOW2;

    /** What a qcow2 file begins with; the fourth byte is 0xfb. */
    static final int QCOW_MAGIC = 'Q' << 24 | 'F' << 16 | 'I' << 8 | 0xfb;

    static final int MAGIC_BYTES = 4;

    /**
     * The format by content. A guest that owns a raw disk can make it look like qcow2: see {@link
     * DiskImage#open}.
     *
     * @throws ImageRefused if it is one that cannot be read; as a raw disk its guest would write
     *     into the tables
     */
    static ImageFormat probe(ImageFile file) throws IOException {
        ByteBuffer magic = ByteBuffer.allocate(MAGIC_BYTES);
        file.read(0, magic);
        if (magic.getInt(0) == QCOW_MAGIC) {
            return QCOW2;
        }
        Optional<ForeignFormat> other = ForeignFormat.of(file);
        if (other.isPresent()) {
            throw new ImageRefused(
                    "%s is a %s image; raw and qcow2 can be read: convert it with qemu-img convert"
                                    .formatted(file.name(), other.get().title())
                            + ", or say format=raw to use it byte for byte");
        }
        return RAW;
    }
}

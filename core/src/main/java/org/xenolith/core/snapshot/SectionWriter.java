package org.xenolith.core.snapshot;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;

/** Writes header and sections. */
final class SectionWriter {
    static final byte[] MAGIC = {'X', 'E', 'N', 'O', 'S', 'N', 'A', 'P'};
    static final int VERSION = 2;
    static final int HEADER_BYTES = 16;

    /** Kind and length in front of a payload. */
    static final int FRAME_BYTES = 8;

    static final int CHECKSUM_BYTES = 4;

    private final OutputStream out;

    SectionWriter(OutputStream out) throws IOException {
        this.out = out;
        ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        out.write(header.put(MAGIC).putInt(VERSION).putInt(0).array());
    }

    void write(Section section, Fields payload) throws IOException {
        byte[] bytes = payload.toBytes();
        byte[] frame =
                ByteBuffer.allocate(FRAME_BYTES)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putInt(section.ordinal())
                        .putInt(bytes.length)
                        .array();
        CRC32C crc = new CRC32C();
        crc.update(frame);
        crc.update(bytes);
        out.write(frame);
        out.write(bytes);
        out.write(
                ByteBuffer.allocate(CHECKSUM_BYTES)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putInt((int) crc.getValue())
                        .array());
    }
}

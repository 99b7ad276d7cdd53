package org.xenolith.core.snapshot;

import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.zip.CRC32C;

/** Reads header and sections, and believes nothing. */
final class SectionReader {
    /** A section of frame numbers of the largest domain is smaller. */
    private static final int MAX_PAYLOAD = 512 << 20;

    private static final int STEP = 1 << 20;

    private final DataInputStream in;
    private Section section;
    private ByteBuffer payload;

    SectionReader(InputStream stream) throws IOException {
        in = new DataInputStream(stream);
        ByteBuffer header = ByteBuffer.wrap(bytes(SectionWriter.HEADER_BYTES, "its header"));
        byte[] magic = new byte[SectionWriter.MAGIC.length];
        header.order(ByteOrder.LITTLE_ENDIAN).get(magic);
        if (!Arrays.equals(magic, SectionWriter.MAGIC)) {
            throw new SnapshotException("This is no snapshot of a domain");
        }
        int version = header.getInt();
        if (version != SectionWriter.VERSION) {
            throw new SnapshotException(
                    "The snapshot has version %d, but only version %d can be restored"
                            .formatted(Integer.toUnsignedLong(version), SectionWriter.VERSION));
        }
        if (header.getInt() != 0) {
            throw SnapshotException.damaged("its header is wrong");
        }
    }

    /**
     * Reads the next section.
     *
     * @return false at the end of the file, which is where it should be
     */
    boolean next() throws IOException {
        byte[] frame = bytes(SectionWriter.FRAME_BYTES, "a section");
        ByteBuffer fields = ByteBuffer.wrap(frame).order(ByteOrder.LITTLE_ENDIAN);
        section = Section.of(fields.getInt());
        int length = fields.getInt();
        if (length < 0 || length > MAX_PAYLOAD) {
            throw SnapshotException.damaged("a section is too long");
        }
        byte[] content = bytes(length, "section " + section);
        CRC32C crc = new CRC32C();
        crc.update(frame);
        crc.update(content);
        byte[] sum = bytes(SectionWriter.CHECKSUM_BYTES, "a checksum");
        if ((int) crc.getValue() != ByteBuffer.wrap(sum).order(ByteOrder.LITTLE_ENDIAN).getInt()) {
            throw SnapshotException.damaged("the checksum of section " + section + " is wrong");
        }
        payload = ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN);
        if (section != Section.END) {
            return true;
        }
        if (length != 0 || in.read() >= 0) {
            throw SnapshotException.damaged("something follows its end");
        }
        return false;
    }

    Section section() {
        return section;
    }

    FieldReader fields() {
        return new FieldReader(payload, section);
    }

    /** Grows with what is there, not with what a length claims. */
    private byte[] bytes(int length, String what) throws IOException {
        try {
            byte[] bytes = new byte[Math.min(length, STEP)];
            in.readFully(bytes);
            while (bytes.length < length) {
                int have = bytes.length;
                bytes = Arrays.copyOf(bytes, (int) Math.min(length, have * 2L));
                in.readFully(bytes, have, bytes.length - have);
            }
            return bytes;
        } catch (EOFException e) {
            throw new SnapshotException("The snapshot is damaged: it ends within " + what, e);
        }
    }
}

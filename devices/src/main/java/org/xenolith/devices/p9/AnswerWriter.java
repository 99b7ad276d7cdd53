package org.xenolith.devices.p9;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Writes an R-message field by field into memory of the session's {@code msize}. */
final class AnswerWriter {
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int TYPE = 4, TAG = 5;

    private final MemorySegment message;
    private long at = P9.HEADER;

    AnswerWriter(MemorySegment message) {
        this.message = message;
    }

    /** Bytes that may still be written. */
    int room() {
        return (int) (message.byteSize() - at);
    }

    /** Where the next byte goes. */
    int position() {
        return (int) at;
    }

    /** Address of the next byte. */
    long address() {
        return message.address() + at;
    }

    /** Counts bytes that were written at {@link #address}. */
    void advance(int bytes) {
        at += bytes;
    }

    /** Drops what was written since. */
    void rewind(int position) {
        at = position;
    }

    AnswerWriter u8(int value) {
        message.set(ValueLayout.JAVA_BYTE, at, (byte) value);
        at += Byte.BYTES;
        return this;
    }

    AnswerWriter u16(int value) {
        message.set(SHORT, at, (short) value);
        at += Short.BYTES;
        return this;
    }

    AnswerWriter u32(int value) {
        message.set(INT, at, value);
        at += Integer.BYTES;
        return this;
    }

    /** Sets a field that was left out before. */
    void u32At(int position, int value) {
        message.set(INT, position, value);
    }

    /** As {@link #u32At}. */
    void u16At(int position, int value) {
        message.set(SHORT, position, (short) value);
    }

    AnswerWriter u64(long value) {
        message.set(LONG, at, value);
        at += Long.BYTES;
        return this;
    }

    /**
     * @throws P9Error when the client has agreed to too short messages for so many
     */
    AnswerWriter bytes(byte[] array, int offset, int length) {
        if (room() < Short.BYTES + length) {
            throw new P9Error(Errno.ENAMETOOLONG);
        }
        u16(length);
        MemorySegment.copy(array, offset, message, ValueLayout.JAVA_BYTE, at, length);
        at += length;
        return this;
    }

    AnswerWriter text(String ascii) {
        byte[] array = ascii.getBytes(StandardCharsets.ISO_8859_1);
        return bytes(array, 0, array.length);
    }

    AnswerWriter qid(Qid qid) {
        return u8(qid.type()).u32(qid.version()).u64(qid.path());
    }

    /**
     * Writes the header.
     *
     * @return bytes of the whole message
     */
    int end(int type, int tag) {
        message.set(INT, 0, (int) at);
        message.set(ValueLayout.JAVA_BYTE, TYPE, (byte) type);
        message.set(SHORT, TAG, (short) tag);
        return (int) at;
    }
}

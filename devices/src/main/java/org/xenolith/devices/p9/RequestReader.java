package org.xenolith.devices.p9;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Reads a T-message field by field; its length is checked before anything is believed. */
final class RequestReader {
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final MemorySegment message;
    private long at;

    RequestReader(MemorySegment message) {
        this.message = message;
    }

    private long step(int bytes) {
        long here = at;
        if (message.byteSize() - here < bytes) {
            throw new P9Error(Errno.EBADMSG);
        }
        at = here + bytes;
        return here;
    }

    /** {@code [1]} */
    int u8() {
        return Byte.toUnsignedInt(message.get(ValueLayout.JAVA_BYTE, step(Byte.BYTES)));
    }

    /** {@code [2]} */
    int u16() {
        return Short.toUnsignedInt(message.get(SHORT, step(Short.BYTES)));
    }

    /** {@code [4]} */
    int u32() {
        return message.get(INT, step(Integer.BYTES));
    }

    /** {@code [8]} */
    long u64() {
        return message.get(LONG, step(Long.BYTES));
    }

    /** A string's bytes: {@code len[2]} and as many. */
    byte[] bytes() {
        int length = u16();
        long from = step(length);
        return message.asSlice(from, length).toArray(ValueLayout.JAVA_BYTE);
    }

    /** A string of which only known values matter. */
    String text() {
        return new String(bytes(), StandardCharsets.ISO_8859_1);
    }

    FileName name() {
        return FileName.of(bytes());
    }

    /** Address of the next bytes. */
    long address(int bytes) {
        if (bytes < 0) {
            throw new P9Error(Errno.EBADMSG);
        }
        return message.address() + step(bytes);
    }
}

package org.xenolith.core.snapshot;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/** A section's payload in the making. */
final class Fields {
    private ByteBuffer buffer = ByteBuffer.allocate(1024).order(ByteOrder.LITTLE_ENDIAN);

    private ByteBuffer room(int bytes) {
        if (buffer.remaining() < bytes) {
            int size = Math.max(buffer.capacity() * 2, buffer.position() + bytes);
            ByteBuffer larger = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
            buffer = larger.put(buffer.flip());
        }
        return buffer;
    }

    Fields u8(int value) {
        room(1).put((byte) value);
        return this;
    }

    Fields flag(boolean value) {
        return u8(value ? 1 : 0);
    }

    Fields i32(int value) {
        room(Integer.BYTES).putInt(value);
        return this;
    }

    Fields i64(long value) {
        room(Long.BYTES).putLong(value);
        return this;
    }

    /** Bytes with their number in front. */
    Fields bytes(byte[] bytes) {
        i32(bytes.length);
        return raw(bytes);
    }

    Fields raw(byte[] bytes) {
        room(bytes.length).put(bytes);
        return this;
    }

    Fields text(String text) {
        return bytes(text.getBytes(StandardCharsets.UTF_8));
    }

    Fields i64s(long... values) {
        i32(values.length);
        for (long value : values) {
            i64(value);
        }
        return this;
    }

    Fields i64s(List<Long> values) {
        return i64s(values.stream().mapToLong(Long::longValue).toArray());
    }

    Fields i32s(int... values) {
        i32(values.length);
        for (int value : values) {
            i32(value);
        }
        return this;
    }

    Fields i32s(List<Integer> values) {
        return i32s(values.stream().mapToInt(Integer::intValue).toArray());
    }

    byte[] toBytes() {
        return Arrays.copyOf(buffer.array(), buffer.position());
    }
}

package org.xenolith.core.snapshot;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/** Reads what {@link Fields} wrote; everything else is a damaged file. */
final class FieldReader {
    private final ByteBuffer in;
    private final Section section;

    FieldReader(ByteBuffer in, Section section) {
        this.in = in;
        this.section = section;
    }

    private ByteBuffer need(long bytes) throws SnapshotException {
        if (in.remaining() < bytes) {
            throw SnapshotException.damaged("section " + section + " is too short");
        }
        return in;
    }

    /** Refuses a value that no such section has. */
    void require(boolean right, String what) throws SnapshotException {
        if (!right) {
            throw SnapshotException.damaged(
                    "section %s has a wrong value for %s".formatted(section, what));
        }
    }

    int u8() throws SnapshotException {
        return need(1).get() & 0xff;
    }

    boolean flag() throws SnapshotException {
        int value = u8();
        require(value <= 1, "a flag");
        return value == 1;
    }

    int i32() throws SnapshotException {
        return need(Integer.BYTES).getInt();
    }

    /** A number from {@code least} to below {@code limit}. */
    int i32(int least, int limit, String what) throws SnapshotException {
        int value = i32();
        require(value >= least && value < limit, what);
        return value;
    }

    long i64() throws SnapshotException {
        return need(Long.BYTES).getLong();
    }

    private int count(int size) throws SnapshotException {
        int count = i32();
        require(count >= 0, "a length");
        need((long) count * size);
        return count;
    }

    byte[] bytes() throws SnapshotException {
        return raw(count(1));
    }

    byte[] raw(int length) throws SnapshotException {
        byte[] bytes = new byte[length];
        need(length).get(bytes);
        return bytes;
    }

    String text() throws SnapshotException {
        return new String(bytes(), StandardCharsets.UTF_8);
    }

    long[] i64s() throws SnapshotException {
        long[] values = new long[count(Long.BYTES)];
        for (int i = 0; i < values.length; i++) {
            values[i] = in.getLong();
        }
        return values;
    }

    List<Long> longs() throws SnapshotException {
        return LongStream.of(i64s()).boxed().toList();
    }

    int[] i32s() throws SnapshotException {
        int[] values = new int[count(Integer.BYTES)];
        for (int i = 0; i < values.length; i++) {
            values[i] = in.getInt();
        }
        return values;
    }

    List<Integer> ints() throws SnapshotException {
        return IntStream.of(i32s()).boxed().toList();
    }

    boolean hasMore() {
        return in.hasRemaining();
    }

    void end() throws SnapshotException {
        if (hasMore()) {
            throw SnapshotException.damaged("section " + section + " is too long");
        }
    }
}

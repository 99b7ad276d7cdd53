package org.xenolith.devices.p9;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** A client of a server, message by message. */
final class P9Client implements AutoCloseable {
    static final int MSIZE = 16 << 10;
    static final int ROOT = 0;
    static final int UID = 0;

    final P9Server server;
    private final MemorySegment request = Arena.ofAuto().allocate(1 << 17);
    private final MemorySegment answer = Arena.ofAuto().allocate(MSIZE);
    private int nextFid = 1;

    P9Client(SharedFolder folder) {
        this(folder, new DescriptorBudget(8000));
    }

    P9Client(SharedFolder folder, DescriptorBudget budget) {
        server = new P9Server(folder, MSIZE, budget);
    }

    /** Begins a session and attaches {@link #ROOT}. */
    P9Client begin() {
        version(MSIZE);
        call(P9.TATTACH, new Fields().u32(ROOT).u32(-1).text("root").text("").u32(UID));
        return this;
    }

    Answer version(int msize) {
        return call(P9.TVERSION, new Fields().u32(msize).text("9P2000.L"));
    }

    /** What a message says after its header. */
    static final class Fields {
        private final ByteArrayOutputStream all = new ByteArrayOutputStream();

        private Fields put(int length, long value) {
            for (int i = 0; i < length; i++) {
                all.write((int) (value >>> 8 * i));
            }
            return this;
        }

        byte[] bytes() {
            return all.toByteArray();
        }

        Fields u8(int value) {
            return put(1, value);
        }

        Fields u16(int value) {
            return put(2, value);
        }

        Fields u32(int value) {
            return put(4, value);
        }

        Fields u64(long value) {
            return put(8, value);
        }

        Fields raw(byte[] value) {
            all.writeBytes(value);
            return this;
        }

        Fields text(String value) {
            byte[] utf8 = value.getBytes(StandardCharsets.UTF_8);
            return u16(utf8.length).raw(utf8);
        }
    }

    /** What came back. */
    record Answer(int type, int tag, ByteBuffer body) {
        int u8() {
            return Byte.toUnsignedInt(body.get());
        }

        int u16() {
            return Short.toUnsignedInt(body.getShort());
        }

        int u32() {
            return body.getInt();
        }

        long u64() {
            return body.getLong();
        }

        byte[] raw(int length) {
            byte[] bytes = new byte[length];
            body.get(bytes);
            return bytes;
        }

        String text() {
            return new String(raw(u16()), StandardCharsets.UTF_8);
        }

        Qid qid() {
            return new Qid(u8(), u32(), u64());
        }
    }

    /** One name in a folder. */
    record Entry(String name, long inode, long cookie, int type) {}

    /** What Rgetattr says, as far as tests ask. */
    record Attributes(Qid qid, int mode, int user, int group, long links, long size, long mtime) {}

    Answer send(int type, byte[] fields) {
        int size = P9.HEADER + fields.length;
        MemorySegment message = request.asSlice(0, size);
        message.set(ValueLayout.JAVA_INT_UNALIGNED, 0, size);
        message.set(ValueLayout.JAVA_BYTE, 4, (byte) type);
        message.set(ValueLayout.JAVA_SHORT_UNALIGNED, 5, (short) 77);
        MemorySegment.copy(fields, 0, message, ValueLayout.JAVA_BYTE, P9.HEADER, fields.length);
        int length = server.handle(message, answer);
        ByteBuffer bytes =
                ByteBuffer.wrap(answer.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE))
                        .order(ByteOrder.LITTLE_ENDIAN);
        assertThat(bytes.getInt()).as("size in the answer").isEqualTo(length);
        return new Answer(Byte.toUnsignedInt(bytes.get()), bytes.getShort(), bytes);
    }

    /** Sends what must succeed. */
    Answer call(int type, Fields fields) {
        Answer got = send(type, fields.bytes());
        assertThat(got.type())
                .as("answer to %d%s", type, got.type() == 7 ? ": errno " + got.u32() : "")
                .isEqualTo(type + 1);
        return got;
    }

    /**
     * Sends what must fail.
     *
     * @return the error's number
     */
    int error(int type, Fields fields) {
        Answer got = send(type, fields.bytes());
        assertThat(got.type()).as("answer to %d", type).isEqualTo(P9.RLERROR);
        return got.u32();
    }

    static Fields walkTo(int from, int to, String... names) {
        Fields fields = new Fields().u32(from).u32(to).u16(names.length);
        for (String name : names) {
            fields.text(name);
        }
        return fields;
    }

    /** Walks from the root to a new fid. */
    int walk(String... names) {
        int fid = nextFid++;
        Answer got = call(P9.TWALK, walkTo(ROOT, fid, names));
        assertThat(got.u16()).as("steps").isEqualTo(names.length);
        return fid;
    }

    int walkError(String... names) {
        return error(P9.TWALK, walkTo(ROOT, nextFid, names));
    }

    /** Walks where no way leads; the first steps may be possible. */
    void assertNoWay(int from, String... names) {
        Fields fields = walkTo(from, nextFid, names);
        Answer got = send(P9.TWALK, fields.bytes());
        if (got.type() != P9.RLERROR) {
            assertThat(got.u16()).as("steps").isLessThan(names.length);
        }
        assertThat(error(P9.TCLUNK, new Fields().u32(nextFid))).isEqualTo(Errno.EBADF);
    }

    int open(int fid, int flags) {
        call(P9.TLOPEN, new Fields().u32(fid).u32(flags));
        return fid;
    }

    int openError(int fid, int flags) {
        return error(P9.TLOPEN, new Fields().u32(fid).u32(flags));
    }

    /** Makes a file in the root and opens it. */
    int create(String name, int flags, int mode) {
        int fid = walk();
        call(P9.TLCREATE, new Fields().u32(fid).text(name).u32(flags).u32(mode).u32(0));
        return fid;
    }

    int write(int fid, long offset, byte[] data) {
        return call(P9.TWRITE, new Fields().u32(fid).u64(offset).u32(data.length).raw(data)).u32();
    }

    byte[] read(int fid, long offset, int count) {
        Answer got = call(P9.TREAD, new Fields().u32(fid).u64(offset).u32(count));
        return got.raw(got.u32());
    }

    List<Entry> list(int fid, long cookie, int count) {
        Answer got = call(P9.TREADDIR, new Fields().u32(fid).u64(cookie).u32(count));
        int length = got.u32();
        assertThat(length).as("bytes of entries").isLessThanOrEqualTo(count);
        List<Entry> entries = new ArrayList<>();
        int end = got.body().position() + length;
        while (got.body().position() < end) {
            Qid qid = got.qid();
            long at = got.u64();
            int type = got.u8();
            entries.add(new Entry(got.text(), qid.path(), at, type));
        }
        return entries;
    }

    Attributes attributes(int fid) {
        Answer got = call(P9.TGETATTR, new Fields().u32(fid).u64(P9.GETATTR_BASIC));
        assertThat(got.u64()).isEqualTo(P9.GETATTR_BASIC);
        Qid qid = got.qid();
        int mode = got.u32(), user = got.u32(), group = got.u32();
        long links = got.u64();
        got.u64();
        long size = got.u64();
        got.raw(4 * Long.BYTES);
        return new Attributes(qid, mode, user, group, links, size, got.u64());
    }

    void clunk(int fid) {
        call(P9.TCLUNK, new Fields().u32(fid));
    }

    @Override
    public void close() {
        server.close();
    }
}

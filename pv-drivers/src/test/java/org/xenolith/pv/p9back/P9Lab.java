package org.xenolith.pv.p9back;

import org.xenolith.devices.p9.SharedFolder;
import org.xenolith.pv.host.FakeDomain;
import org.xenolith.pv.host.FakeStore;
import org.xenolith.pv.host.GrantedFrame;
import org.xenolith.pv.ring.FlexRing;
import org.xenolith.pv.xenbus.XenbusBackend;
import org.xenolith.pv.xenbus.XenbusDevice;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;

/**
 * A shared folder's backend with a hand-written frontend. Calls of the host's file system wait
 * until {@link #io} lets them run.
 */
final class P9Lab implements AutoCloseable {
    static final int ORDER = 2;
    static final int INTERFACE_REF = 100;
    static final int PORT = 9;

    final FakeDomain domain = new FakeDomain();
    final FakeStore store = new FakeStore();
    final XenbusDevice device = new XenbusDevice(1, "9pfs", 0);
    final List<String> log = new ArrayList<>();
    final Queue<Runnable> calls = new ArrayDeque<>();
    final P9Backend driver;
    final XenbusBackend backend;
    final List<Ring> rings = new ArrayList<>();

    P9Lab(Path folder) throws IOException {
        store.write(device.frontend() + "/state", "1");
        driver = new P9Backend(SharedFolder.open(folder, false), calls::add);
        backend = XenbusBackend.attach(device, domain, store, driver, log::add);
        domain.run();
    }

    /** A ring as its frontend has it. */
    final class Ring {
        final int port;
        final int size;
        final MemorySegment indices;
        private final List<MemorySegment> pages = new ArrayList<>();

        Ring(int index, int order) {
            int ref = INTERFACE_REF * (index + 1);
            port = PORT + index;
            indices = domain.grantNew(ref).memory;
            indices.set(ValueLayout.JAVA_INT, FlexRing.RING_ORDER, order);
            for (int i = 0; i < 1 << order; i++) {
                pages.add(domain.grantNew(ref + 1 + i).memory);
                indices.set(ValueLayout.JAVA_INT, FlexRing.REF + 4L * i, ref + 1 + i);
            }
            size = FlexRing.sizeBytes(order);
            domain.offerPort(port);
            front("ring-ref" + index, ref);
            front("event-channel-" + index, port);
        }

        int index(int offset) {
            return indices.get(ValueLayout.JAVA_INT, offset);
        }

        void index(int offset, int value) {
            indices.set(ValueLayout.JAVA_INT, offset, value);
        }

        private byte at(int stream, int position) {
            int offset = stream + (position & size - 1);
            return pages.get(offset / GrantedFrame.SIZE)
                    .get(ValueLayout.JAVA_BYTE, offset % GrantedFrame.SIZE);
        }

        /** Writes bytes and publishes them, without an event. */
        void write(byte[] bytes) {
            int prod = index(FlexRing.OUT_PROD);
            for (int i = 0; i < bytes.length; i++) {
                int offset = size + (prod + i & size - 1);
                pages.get(offset / GrantedFrame.SIZE)
                        .set(ValueLayout.JAVA_BYTE, offset % GrantedFrame.SIZE, bytes[i]);
            }
            index(FlexRing.OUT_PROD, prod + bytes.length);
        }

        int answered() {
            return index(FlexRing.IN_PROD) - index(FlexRing.IN_CONS);
        }

        /** The next answer, which is taken; null when there is none. */
        ByteBuffer read() {
            if (answered() == 0) {
                return null;
            }
            int cons = index(FlexRing.IN_CONS);
            int length = 0;
            for (int i = 3; i >= 0; i--) {
                length = length << 8 | at(0, cons + i) & 0xff;
            }
            byte[] bytes = new byte[length];
            for (int i = 0; i < length; i++) {
                bytes[i] = at(0, cons + i);
            }
            index(FlexRing.IN_CONS, cons + length);
            return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        }

        /** Writes a request, lets everybody work, and returns the answer. */
        ByteBuffer ask(byte[] request) {
            write(request);
            kick();
            io();
            return read();
        }

        void kick() {
            domain.send(port);
        }
    }

    P9Lab connect(int count) {
        return connect(count, ORDER);
    }

    P9Lab connect(int count, int order) {
        for (int i = 0; i < count; i++) {
            rings.add(new Ring(i, order));
        }
        front("version", 1);
        front("num-rings", count);
        state(3);
        return this;
    }

    Ring ring() {
        return rings.getFirst();
    }

    void front(String key, Object value) {
        store.write(device.frontend() + "/" + key, "" + value);
    }

    void state(int state) {
        front("state", state);
        domain.run();
    }

    String back(String key) {
        return store.read(device.backend() + "/" + key).orElse("");
    }

    /** Lets the host's file system do what it was asked, and the backend answer. */
    void io() {
        Runnable call;
        while ((call = calls.poll()) != null) {
            call.run();
            domain.run();
        }
    }

    // ---- messages of 9P

    static byte[] message(int type, int tag, Object... fields) {
        ByteBuffer bytes = ByteBuffer.allocate(1 << 16).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putInt(0).put((byte) type).putShort((short) tag);
        for (Object field : fields) {
            switch (field) {
                case Integer number -> bytes.putInt(number);
                case Short number -> bytes.putShort(number);
                case Long number -> bytes.putLong(number);
                case byte[] raw -> bytes.put(raw);
                default -> {
                    byte[] text = field.toString().getBytes(StandardCharsets.UTF_8);
                    bytes.putShort((short) text.length).put(text);
                }
            }
        }
        bytes.putInt(0, bytes.position());
        byte[] message = new byte[bytes.position()];
        bytes.get(0, message);
        return message;
    }

    static byte[] version() {
        return message(100, 0xffff, 1 << 20, "9P2000.L");
    }

    static byte[] attach(int fid) {
        return message(104, 1, fid, -1, "root", "", 0);
    }

    static byte[] attributes(int fid, int tag) {
        return message(24, tag, fid, 0x7ffL);
    }

    static int type(ByteBuffer answer) {
        return answer.get(4);
    }

    static int tag(ByteBuffer answer) {
        return Short.toUnsignedInt(answer.getShort(5));
    }

    @Override
    public void close() {
        backend.abandon();
        io();
        driver.close();
    }
}

package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;

import java.io.ByteArrayOutputStream;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;

/** A host whose sockets do what the test says. */
final class FakeHost implements HostNetwork {
    final List<Stream> streams = new ArrayList<>();
    final List<Datagrams> datagrams = new ArrayList<>();

    @Override
    public HostStream connect(InetSocketAddress to, HostStream.Events events) {
        Stream stream = new Stream(to, events);
        streams.add(stream);
        return stream;
    }

    @Override
    public HostDatagrams openDatagrams(InetSocketAddress to, HostDatagrams.Events events) {
        Datagrams opened = new Datagrams(to, events);
        datagrams.add(opened);
        return opened;
    }

    Stream last() {
        return streams.getLast();
    }

    /** Connections come up. */
    void answerAll() {
        for (Stream stream : streams) {
            stream.answer();
        }
    }

    static final class Stream implements HostStream {
        final InetSocketAddress to;
        final HostStream.Events events;
        final ByteArrayOutputStream taken = new ByteArrayOutputStream();
        final List<ByteBuf> written = new ArrayList<>();
        int buffers; // that were written, whatever their size
        boolean takes = true;
        boolean reads;
        boolean ended;
        boolean closed;
        boolean reset;
        private boolean answered;
        private boolean refused;
        private Runnable lingering; // closed and not taken yet, else null

        Stream(InetSocketAddress to, HostStream.Events events) {
            this.to = to;
            this.events = events;
        }

        void answer() {
            if (!answered && !reset && !refused) {
                answered = true;
                events.connected();
            }
        }

        boolean answered() {
            return answered;
        }

        /** Nothing is left to happen on it. */
        boolean gone() {
            return refused;
        }

        void refuse(Throwable cause) {
            refused = true;
            events.failed(cause);
        }

        @Override
        public void write(ByteBuf bytes) {
            written.add(bytes);
            buffers++;
        }

        @Override
        public void flush() {
            if (takes) {
                takeAll();
                events.written();
            }
        }

        private void takeAll() {
            for (ByteBuf bytes : written) {
                taken.writeBytes(ByteBufUtil.getBytes(bytes));
                bytes.release();
            }
            written.clear();
        }

        /** The host's program reads again. */
        void takeAgain() {
            takes = true;
            if (closed) {
                takeAll();
                leave();
            } else if (!written.isEmpty()) {
                takeAll();
                events.written();
            }
        }

        int waitingBytes() {
            return written.stream().mapToInt(ByteBuf::readableBytes).sum();
        }

        void send(byte[] bytes) {
            events.received(Unpooled.copiedBuffer(bytes));
            events.receivedAll();
        }

        @Override
        public void read(boolean wanted) {
            reads = wanted;
        }

        @Override
        public void shutdownOutput() {
            ended = true;
        }

        @Override
        public void close(Runnable gone) {
            closed = true;
            if (takes) {
                takeAll();
                gone.run();
            } else {
                lingering = gone;
            }
        }

        @Override
        public void reset() {
            written.forEach(ByteBuf::release);
            written.clear();
            reset = true;
            leave();
        }

        /** It was closed with bytes that the host's program has not taken. */
        boolean lingers() {
            return lingering != null;
        }

        private void leave() {
            Runnable gone = lingering;
            lingering = null;
            if (gone != null) {
                gone.run();
            }
        }
    }

    static final class Datagrams implements HostDatagrams {
        final InetSocketAddress to;
        final HostDatagrams.Events events;
        final List<byte[]> sent = new ArrayList<>();
        boolean closed;

        Datagrams(InetSocketAddress to, HostDatagrams.Events events) {
            this.to = to;
            this.events = events;
        }

        @Override
        public void send(ByteBuf payload) {
            byte[] bytes = new byte[payload.readableBytes()];
            payload.readBytes(bytes).release();
            sent.add(bytes);
        }

        void answer(byte[] bytes) {
            events.received(Unpooled.copiedBuffer(bytes));
        }

        @Override
        public void close() {
            closed = true;
        }
    }
}

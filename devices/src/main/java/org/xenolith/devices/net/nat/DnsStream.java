package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;

import java.net.InetSocketAddress;
import java.util.List;

/**
 * DNS over TCP: messages with their length before them, RFC 1035, 4.2.2. The guests' names are
 * answered here; the first query about anything else turns the connection into one to the host's
 * name server, and the rest passes through.
 */
final class DnsStream implements HostStream, HostStream.Events {
    private static final int LENGTH_BYTES = 2;
    private static final int MAX_WAITING_BYTES = LENGTH_BYTES + 0xffff;

    private final DnsForwarder dns;
    private final HostNetwork host;
    private final ByteBufAllocator allocator;
    private final HostStream.Events guest;
    private final ByteBuf waiting; // not answered, not passed on
    private HostStream server; // the host's name server, null before one is needed
    private boolean serverReady;
    private boolean outputShut;
    private boolean reads; // the guest takes answers
    private boolean overrun;
    private boolean closed;

    DnsStream(
            DnsForwarder dns,
            HostNetwork host,
            ByteBufAllocator allocator,
            HostStream.Events guest) {
        this.dns = dns;
        this.host = host;
        this.allocator = allocator;
        this.guest = guest;
        this.waiting = allocator.buffer(0, MAX_WAITING_BYTES + 0xffff);
    }

    @Override
    public void write(ByteBuf bytes) {
        if (closed) {
            bytes.release();
            return;
        }
        if (serverReady) {
            server.write(bytes);
            return;
        }
        if (bytes.readableBytes() <= waiting.maxWritableBytes()) {
            waiting.writeBytes(bytes);
        } else {
            overrun = true; // more than any query has
        }
        bytes.release();
    }

    @Override
    public void flush() {
        if (closed) {
            return;
        }
        if (serverReady) {
            server.flush();
        } else if (overrun) {
            breakOff();
        } else {
            guest.written();
            answer();
        }
    }

    private void answer() {
        while (server == null && !closed && reads && waiting.readableBytes() >= LENGTH_BYTES) {
            int length = waiting.getUnsignedShort(waiting.readerIndex());
            if (waiting.readableBytes() < LENGTH_BYTES + length) {
                return;
            }
            ByteBuf query = waiting.slice(waiting.readerIndex() + LENGTH_BYTES, length);
            DnsMessage message = DnsMessage.readQuery(query);
            if (message == null) {
                breakOff();
                return;
            }
            ByteBuf response = dns.answerAtOnce(message, query);
            if (response == null) {
                connectToServer();
                return;
            }
            waiting.skipBytes(LENGTH_BYTES + length).discardReadBytes();
            respond(response);
        }
    }

    private void respond(ByteBuf response) {
        int size = response.readableBytes();
        ByteBuf framed =
                allocator.buffer(LENGTH_BYTES + size).writeShort(size).writeBytes(response);
        response.release();
        guest.received(framed);
        guest.receivedAll();
    }

    private void connectToServer() {
        List<InetSocketAddress> servers = dns.resolvers();
        if (servers.isEmpty()) {
            breakOff(); // there were some when the query was looked at: the file has changed
            return;
        }
        server = host.connect(servers.getFirst(), this);
    }

    // ---- events of the host's name server

    @Override
    public void connected() {
        serverReady = true;
        server.write(waiting.retainedDuplicate());
        server.flush();
        server.read(reads);
        if (outputShut) {
            server.shutdownOutput();
        }
    }

    @Override
    public void failed(Throwable cause) {
        server = null;
        breakOff();
    }

    @Override
    public void received(ByteBuf bytes) {
        guest.received(bytes);
    }

    @Override
    public void receivedAll() {
        guest.receivedAll();
    }

    @Override
    public void ended() {
        guest.ended();
    }

    @Override
    public void broken() {
        server = null;
        breakOff();
    }

    @Override
    public void written() {
        guest.written();
    }

    // ---- what the guest's connection asks

    @Override
    public void read(boolean wanted) {
        reads = wanted;
        if (serverReady) {
            server.read(wanted);
        } else if (wanted) {
            answer();
        }
    }

    @Override
    public void shutdownOutput() {
        outputShut = true;
        if (serverReady) {
            server.shutdownOutput();
        } else if (server == null) {
            guest.ended();
        }
    }

    @Override
    public void close(Runnable gone) {
        boolean passes = !closed && server != null;
        endOnce(() -> server.close(gone));
        if (!passes) {
            gone.run();
        }
    }

    @Override
    public void reset() {
        endOnce(() -> server.reset());
    }

    private void breakOff() {
        if (!closed) {
            endOnce(() -> server.reset());
            guest.broken();
        }
    }

    /**
     * @param ofServer ends the connection to the name server, if there is one
     */
    private void endOnce(Runnable ofServer) {
        if (closed) {
            return;
        }
        closed = true;
        waiting.release();
        if (server != null) {
            ofServer.run();
        }
    }
}

package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBuf;

/**
 * The host's end of a guest's connection: bytes in order go there and free the guest's window, what
 * comes from there is read no faster than the guest takes it. It ends before the connection does,
 * or with it, and exactly once.
 */
final class TcpHostSide implements HostStream.Events {
    private final TcpConnection connection;
    private final TcpSender sender;
    private final TcpReceiver receiver;
    private final BufferBudget budget;
    private HostStream stream; // set before any event
    private boolean gone; // closed, or never there
    private boolean reads = true; // whether bytes from the host are wanted
    private boolean outputShut; // the host knows that the guest sends no more

    TcpHostSide(
            TcpConnection connection, TcpSender sender, TcpReceiver receiver, BufferBudget budget) {
        this.connection = connection;
        this.sender = sender;
        this.receiver = receiver;
        this.budget = budget;
    }

    void stream(HostStream end) {
        stream = end;
    }

    // ---- to the host

    /** The guest takes bytes from now on. */
    void startReading() {
        stream.read(true);
    }

    /** What the guest has sent in order goes to the host, when it has taken all before. */
    void feed() {
        while (!gone && receiver.hostIsReady()) {
            receiver.handOver(stream);
            stream.flush();
        }
        if (!gone && receiver.finished() && receiver.drained() && !outputShut) {
            outputShut = true;
            stream.shutdownOutput();
        }
    }

    /** The guest has acknowledged bytes: there may be room for more. */
    void readAgain() {
        if (!reads && !gone && sender.queue().bytes() <= budget.share() / 2) {
            reads = true;
            stream.read(true);
        }
    }

    /** Both directions are done: what the host has not taken yet goes with the close. */
    void finish() {
        if (!gone) {
            gone = true;
            receiver.handOver(stream);
            connection.closeHost(stream, receiver.leaveAtHost());
        }
    }

    void reset() {
        if (!gone) {
            gone = true;
            stream.reset();
        }
    }

    /** There is nothing to end: the host hears of it in another way. */
    void leave() {
        gone = true;
    }

    // ---- from the host

    @Override
    public void connected() {
        connection.hostConnected();
    }

    @Override
    public void failed(Throwable cause) {
        if (connection.state() == TcpState.CONNECTING) {
            gone = true;
            connection.hostUnreachable(cause);
        }
    }

    private boolean isOver() {
        return connection.state() == TcpState.CLOSED || gone;
    }

    @Override
    public void received(ByteBuf bytes) {
        if (isOver()) {
            bytes.release();
            return;
        }
        sender.queue().append(bytes);
        if (reads && sender.queue().bytes() >= budget.share()) {
            reads = false;
            stream.read(false);
        }
        sender.expectMore(true);
        connection.transmit();
    }

    @Override
    public void receivedAll() {
        sender.expectMore(false);
        if (!isOver()) {
            connection.transmit();
        }
    }

    @Override
    public void ended() {
        if (!isOver()) {
            sender.finish();
            connection.transmit();
        }
    }

    @Override
    public void broken() {
        if (!isOver()) {
            gone = true;
            connection.reset();
        }
    }

    @Override
    public void written() {
        if (connection.state() == TcpState.CLOSED) {
            return;
        }
        receiver.hostHasTaken();
        feed();
        connection.hostHasTaken();
    }
}

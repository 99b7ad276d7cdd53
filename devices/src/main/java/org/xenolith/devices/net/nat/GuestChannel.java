package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBuf;
import io.netty.channel.AbstractChannel;
import io.netty.channel.ChannelConfig;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelMetadata;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.ChannelPromise;
import io.netty.channel.DefaultChannelConfig;
import io.netty.channel.EventLoop;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.DuplexChannel;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.channels.ClosedChannelException;
import java.util.ArrayDeque;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * A TCP connection to a guest as a channel of Netty, without a socket in between: what is written
 * to it goes out in segments, what the guest sends is read from it. Half-closed as sockets are, if
 * {@link ChannelOption#ALLOW_HALF_CLOSURE} says so.
 */
final class GuestChannel extends AbstractChannel implements DuplexChannel {
    /** How long a guest may take to end its side after the channel was closed. */
    private static final long ORPHAN_SECONDS = 60;

    private static final ChannelMetadata METADATA = new ChannelMetadata(false);

    private final NatStack stack;
    private final Config config = new Config(this);
    private final End end = new End();
    private final ArrayDeque<ByteBuf> inbound = new ArrayDeque<>();
    private GuestOpener opener; // null before connect
    private TcpConnection connection; // null before the guest's address is known
    private ChannelPromise connecting; // null when nobody waits
    private InetSocketAddress remote;
    private boolean readPending;
    private boolean guestReads; // the connection takes bytes
    private boolean guestEnded; // no bytes follow those in inbound
    private boolean guestClosed; // both directions are done
    private Runnable emptied; // hears once that inbound is empty; null when nobody does
    private volatile boolean open = true;
    private volatile boolean active;
    private volatile boolean inputShut;
    private volatile boolean outputShut;

    GuestChannel(NatStack stack) {
        super(null);
        this.stack = stack;
    }

    /** The connection's view of the channel. */
    private final class End implements HostStream, GuestOpener.End, TcpHandshake.Opener {
        @Override
        public HostStream stream() {
            return this;
        }

        @Override
        public void opening(TcpConnection connection) {
            GuestChannel.this.connection = connection;
        }

        @Override
        public void opened() {
            active = true;
            ChannelPromise waiting = connecting;
            connecting = null;
            if (waiting != null && waiting.trySuccess()) {
                pipeline().fireChannelActive();
                readIfWanted();
            }
        }

        @Override
        public void failed(ConnectException cause) {
            connection = null;
            ChannelPromise waiting = connecting;
            connecting = null;
            if (waiting != null) {
                waiting.tryFailure(cause);
            }
            unsafe().close(voidPromise());
        }

        @Override
        public void write(ByteBuf bytes) {
            if (open && !inputShut) {
                inbound.add(bytes);
            } else {
                bytes.release();
            }
        }

        @Override
        public void flush() {
            if (!open) {
                connection.host().broken(); // it still sends, and nobody is here to take it
            } else {
                deliverIfRead();
            }
        }

        @Override
        public void read(boolean wanted) {
            guestReads = wanted;
            if (wanted && open) {
                unsafe().flush();
            }
        }

        @Override
        public void shutdownOutput() {
            guestEnded = true;
            deliverIfRead();
        }

        @Override
        public void close(Runnable gone) {
            emptied = gone;
            guestEnded = true;
            guestClosed = true;
            deliverIfRead();
            tellIfEmptied();
        }

        @Override
        public void reset() {
            guestClosed = true;
            if (open) {
                pipeline().fireExceptionCaught(new IOException("Connection reset by the guest"));
                unsafe().close(voidPromise());
            }
        }
    }

    private void readIfWanted() {
        if (config.isAutoRead()) {
            read();
        }
    }

    @Override
    protected void doBeginRead() {
        readPending = true;
        if (!inbound.isEmpty() || guestEnded) {
            eventLoop().execute(this::deliverIfRead);
        }
    }

    private void deliverIfRead() {
        if (!readPending || !active || inbound.isEmpty() && !guestEnded) {
            return;
        }
        readPending = false;
        boolean any = !inbound.isEmpty();
        for (ByteBuf next = inbound.poll(); next != null; next = inbound.poll()) {
            pipeline().fireChannelRead(next);
        }
        if (any) {
            tellIfEmptied();
            pipeline().fireChannelReadComplete();
            if (!guestClosed) {
                connection.host().written();
            }
        }
        if (guestEnded && inbound.isEmpty()) {
            endInput();
        }
    }

    private void tellIfEmptied() {
        Runnable gone = emptied;
        if (gone != null && inbound.isEmpty()) {
            emptied = null;
            gone.run();
        }
    }

    private void endInput() {
        if (!open || inputShut) {
            return;
        }
        inputShut = true;
        if (config.halfClosure && !outputShut) {
            pipeline().fireUserEventTriggered(ChannelInputShutdownEvent.INSTANCE);
        } else {
            unsafe().close(voidPromise());
        }
    }

    @Override
    protected void doWrite(ChannelOutboundBuffer queue) throws ClosedChannelException {
        if (outputShut) {
            throw new ClosedChannelException();
        }
        while (guestReads && queue.current() instanceof ByteBuf bytes) {
            connection.host().received(bytes.retainedSlice());
            connection.host().receivedAll();
            queue.remove();
        }
    }

    @Override
    protected Object filterOutboundMessage(Object message) {
        if (message instanceof ByteBuf) {
            return message;
        }
        throw new UnsupportedOperationException("only buffers go to a guest: " + message);
    }

    @Override
    protected void doShutdownOutput() {
        if (!outputShut) {
            outputShut = true;
            connection.host().ended();
        }
    }

    @Override
    protected void doClose() {
        open = false;
        active = false;
        inbound.forEach(ByteBuf::release);
        boolean unread = !inbound.isEmpty();
        inbound.clear();
        tellIfEmptied();
        if (opener != null) {
            opener.cancel();
        }
        if (connecting != null) {
            connecting.tryFailure(new ClosedChannelException());
        }
        if (connection == null || guestClosed) {
            return;
        }
        if (unread || connecting != null) {
            connection.host().broken();
            return;
        }
        connection.host().ended();
        TcpHostSide orphan = connection.host();
        orphan.written();
        eventLoop().schedule(orphan::broken, ORPHAN_SECONDS, TimeUnit.SECONDS);
    }

    private void connect(InetSocketAddress to, ChannelPromise promise) {
        remote = to;
        connecting = promise;
        opener = GuestOpener.open(stack, to.getHostString(), to.getPort(), end, end);
    }

    @Override
    protected AbstractUnsafe newUnsafe() {
        return new AbstractUnsafe() {
            @Override
            public void connect(SocketAddress to, SocketAddress from, ChannelPromise promise) {
                if (!promise.setUncancellable() || !ensureOpen(promise)) {
                    return;
                }
                if (opener != null) {
                    promise.setFailure(new IllegalStateException("already connected"));
                } else if (to instanceof InetSocketAddress guest) {
                    GuestChannel.this.connect(guest, promise);
                } else {
                    promise.setFailure(new IllegalArgumentException("no guest: " + to));
                }
            }
        };
    }

    @Override
    protected void doRegister(ChannelPromise promise) {
        promise.setSuccess();
    }

    @Override
    protected boolean isCompatible(EventLoop loop) {
        return true;
    }

    @Override
    protected SocketAddress localAddress0() {
        return connection == null
                ? null
                : new InetSocketAddress(connection.path().remoteAddress(), connection.remotePort());
    }

    @Override
    protected SocketAddress remoteAddress0() {
        return remote;
    }

    @Override
    protected void doBind(SocketAddress address) {
        throw new UnsupportedOperationException("the NAT chooses the port");
    }

    @Override
    protected void doDisconnect() {
        doClose();
    }

    @Override
    public ChannelConfig config() {
        return config;
    }

    @Override
    public ChannelMetadata metadata() {
        return METADATA;
    }

    @Override
    public boolean isOpen() {
        return open;
    }

    @Override
    public boolean isActive() {
        return active;
    }

    @Override
    public boolean isInputShutdown() {
        return inputShut;
    }

    @Override
    public boolean isOutputShutdown() {
        return outputShut;
    }

    @Override
    public boolean isShutdown() {
        return inputShut && outputShut;
    }

    @Override
    public ChannelFuture shutdownInput() {
        return shutdownInput(newPromise());
    }

    @Override
    public ChannelFuture shutdownInput(ChannelPromise promise) {
        inputShut = true;
        return promise.setSuccess();
    }

    @Override
    public ChannelFuture shutdownOutput() {
        return shutdownOutput(newPromise());
    }

    @Override
    public ChannelFuture shutdownOutput(ChannelPromise promise) {
        if (eventLoop().inEventLoop()) {
            ((AbstractUnsafe) unsafe()).shutdownOutput(promise);
        } else {
            eventLoop().execute(() -> ((AbstractUnsafe) unsafe()).shutdownOutput(promise));
        }
        return promise;
    }

    @Override
    public ChannelFuture shutdown() {
        return shutdown(newPromise());
    }

    @Override
    public ChannelFuture shutdown(ChannelPromise promise) {
        inputShut = true;
        return shutdownOutput(promise);
    }

    /** Netty's settings, and whether the end of one direction leaves the other open. */
    private static final class Config extends DefaultChannelConfig {
        private volatile boolean halfClosure;

        Config(GuestChannel channel) {
            super(channel);
        }

        @Override
        public Map<ChannelOption<?>, Object> getOptions() {
            return getOptions(super.getOptions(), ChannelOption.ALLOW_HALF_CLOSURE);
        }

        @Override
        @SuppressWarnings("unchecked") // the option's type is that of its value
        public <T> T getOption(ChannelOption<T> option) {
            return option == ChannelOption.ALLOW_HALF_CLOSURE
                    ? (T) Boolean.valueOf(halfClosure)
                    : super.getOption(option);
        }

        @Override
        public <T> boolean setOption(ChannelOption<T> option, T value) {
            if (option != ChannelOption.ALLOW_HALF_CLOSURE) {
                return super.setOption(option, value);
            }
            halfClosure = (Boolean) value;
            return true;
        }
    }
}

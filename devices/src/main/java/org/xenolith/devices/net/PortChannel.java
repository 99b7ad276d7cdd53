package org.xenolith.devices.net;

import io.netty.channel.AbstractChannel;
import io.netty.channel.ChannelConfig;
import io.netty.channel.ChannelMetadata;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.ChannelPromise;
import io.netty.channel.DefaultChannelConfig;
import io.netty.channel.EventLoop;
import io.netty.channel.local.LocalAddress;
import io.netty.util.internal.logging.InternalLogger;
import io.netty.util.internal.logging.InternalLoggerFactory;

import java.net.SocketAddress;

/**
 * A port as a channel of Netty, whose other end is an endpoint instead of a socket: reading takes
 * what the endpoint sent, writing delivers to it. Netty's outbound buffer is the port's queue, its
 * water marks are the back-pressure, and what happens on the way are handlers in the pipeline.
 */
final class PortChannel extends AbstractChannel {
    /** Frames of one port before others have their turn. */
    private static final int FRAMES_PER_READ = 64;

    private static final ChannelMetadata METADATA = new ChannelMetadata(false);
    private static final InternalLogger LOG = InternalLoggerFactory.getInstance(PortChannel.class);

    private final Port port;
    private final ChannelConfig config = new DefaultChannelConfig(this);
    private boolean open = true;

    PortChannel(Port port) {
        super(null);
        this.port = port;
        QueueLimits.applyTo(config);
    }

    /** Sends waiting frames through the pipeline, as long as nobody at its end asks to stop. */
    void readFrom(Ingress ingress) {
        int left = FRAMES_PER_READ;
        while (left-- > 0 && config.isAutoRead()) {
            EthernetFrame frame = ingress.poll();
            if (frame == null) {
                break;
            }
            pipeline().fireChannelRead(frame);
        }
        // Reads on, through doBeginRead, unless asked to stop.
        pipeline().fireChannelReadComplete();
    }

    @Override
    protected void doBeginRead() {
        if (port.hasIngress()) {
            port.scheduleRead();
        }
    }

    @Override
    protected void doWrite(ChannelOutboundBuffer queue) {
        for (Object head = queue.current(); head != null; head = queue.current()) {
            if (!delivered((EthernetFrame) head)) {
                return;
            }
            queue.remove();
        }
    }

    private boolean delivered(EthernetFrame frame) {
        frame.retain(); // the endpoint's; the queue has a reference of its own
        try {
            if (port.deliver(frame)) {
                return true;
            }
        } catch (RuntimeException e) {
            LOG.error("Port {} is unplugged: its endpoint failed", port.name, e);
            port.close();
        }
        frame.release();
        return false;
    }

    @Override
    protected Object filterOutboundMessage(Object message) {
        if (message instanceof EthernetFrame) {
            return message;
        }
        throw new IllegalArgumentException("not a frame: " + message);
    }

    @Override
    protected void doRegister(ChannelPromise promise) {
        promise.setSuccess();
    }

    @Override
    protected void doClose() {
        open = false;
        port.unplugged();
    }

    @Override
    public boolean isOpen() {
        return open;
    }

    @Override
    public boolean isActive() {
        return open && isRegistered();
    }

    @Override
    protected boolean isCompatible(EventLoop loop) {
        return true;
    }

    @Override
    protected AbstractUnsafe newUnsafe() {
        return new AbstractUnsafe() {
            @Override
            public void connect(SocketAddress remote, SocketAddress local, ChannelPromise promise) {
                promise.setFailure(new UnsupportedOperationException());
            }
        };
    }

    @Override
    protected SocketAddress localAddress0() {
        return new LocalAddress(port.name);
    }

    @Override
    protected SocketAddress remoteAddress0() {
        return null;
    }

    @Override
    protected void doBind(SocketAddress localAddress) {
        throw new UnsupportedOperationException();
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
}

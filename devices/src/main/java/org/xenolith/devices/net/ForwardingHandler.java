package org.xenolith.devices.net;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.util.internal.logging.InternalLogger;
import io.netty.util.internal.logging.InternalLoggerFactory;

/** The end of each port's pipeline: where frames leave it for other ports. */
final class ForwardingHandler extends ChannelInboundHandlerAdapter {
    private static final InternalLogger LOG =
            InternalLoggerFactory.getInstance(ForwardingHandler.class);

    private final Bridge bridge;
    private final Port port;

    ForwardingHandler(Bridge bridge, Port port) {
        this.bridge = bridge;
        this.port = port;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        bridge.forward(port, (EthernetFrame) message);
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
        bridge.flush();
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
        port.writabilityChanged();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        if (context.channel().isOpen()) { // a frame for a port that has just closed is no news
            LOG.error("Port {} failed and is unplugged", port.name, cause);
            port.close();
        }
    }
}

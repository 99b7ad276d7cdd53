package org.xenolith.devices.net.proxy;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.flow.FlowControlHandler;

/** Two connections that speak something that is not HTTP from here on. RFC 9110, 7.8. */
final class Tunnel {
    private Tunnel() {}

    /**
     * Passes the guest's consent on and makes both connections relays of bytes.
     *
     * @param frontend the handler that {@code client} is the context of; it goes
     * @param clientEnded whether the client has ended its direction already
     */
    static void open(
            Frontend frontend,
            ChannelHandlerContext client,
            Channel guest,
            HttpResponse consent,
            boolean clientEnded) {
        String protocol = Headers.upgrade(consent);
        Headers.removeHopByHop(consent.headers());
        Headers.setUpgrade(consent.headers(), protocol == null ? "unknown" : protocol);
        client.writeAndFlush(consent);
        client.writeAndFlush(LastHttpContent.EMPTY_LAST_CONTENT);
        Channel channel = client.channel();
        guest.config().setOption(ChannelOption.ALLOW_HALF_CLOSURE, true);
        Relay fromClient = new Relay(guest);
        Relay fromGuest = new Relay(channel);
        fromClient.isOppositeOf(fromGuest);
        // What the codecs have read beyond the upgrade comes out when they go.
        ChannelPipeline clients = channel.pipeline().addLast(fromClient);
        clients.remove(FlowControlHandler.class);
        clients.remove(ReadAhead.class);
        clients.remove(HttpServerCodec.class);
        clients.remove(frontend);
        guest.pipeline().addLast(fromGuest);
        guest.pipeline().remove(Backend.class);
        guest.pipeline().remove(HttpClientCodec.class);
        if (clientEnded) {
            fromClient.end();
        } else {
            channel.read();
        }
        guest.read();
    }
}

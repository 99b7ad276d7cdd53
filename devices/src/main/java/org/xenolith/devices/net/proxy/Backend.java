package org.xenolith.devices.net.proxy;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;

/** The connection to a guest, as long as it speaks HTTP. What it says goes to its frontend. */
final class Backend extends ChannelInboundHandlerAdapter {
    private final Frontend frontend;
    private boolean interim;
    private boolean keepAlive;

    Backend(Frontend frontend) {
        this.frontend = frontend;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        if (!frontend.isGuest(context.channel())) {
            ReferenceCountUtil.release(message); // closing
            return;
        }
        if (!(message instanceof HttpObject part) || part.decoderResult().isFailure()) {
            ReferenceCountUtil.release(message);
            context.close(); // a guest that does not speak HTTP
            return;
        }
        if (part instanceof HttpResponse response) {
            interim = Frontend.isInterim(response);
            keepAlive = HttpUtil.isKeepAlive(response);
            frontend.responseHead(response);
        } else if (part instanceof LastHttpContent last && !interim) {
            frontend.responseEnd(last, keepAlive);
        } else if (part instanceof HttpContent content) {
            frontend.responseBody(content);
        }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
        if (frontend.isGuest(context.channel())) {
            frontend.responseFlush();
        }
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
        if (context.channel().isWritable() && frontend.isGuest(context.channel())) {
            frontend.guestWritable();
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        frontend.guestGone(context.channel());
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        context.close(); // reset by the guest: channelInactive tells the client
    }
}

package org.xenolith.devices.net.proxy;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;

import java.util.concurrent.TimeUnit;

/** What the proxy says itself: a status and a sentence, and then the connection ends. */
final class Refusal {
    private static final long LINGER_SECONDS = 2;

    private Refusal() {}

    /** Nothing may follow on the connection; what still comes has to be read and thrown away. */
    static void send(ChannelHandlerContext client, HttpResponseStatus status, String sentence) {
        ByteBuf text = ByteBufUtil.writeUtf8(client.alloc(), sentence + "\n");
        DefaultFullHttpResponse response =
                new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, status, text);
        response.headers()
                .set(HttpHeaderNames.CONTENT_TYPE, "text/plain; charset=utf-8")
                .set("X-Content-Type-Options", "nosniff")
                .set(HttpHeaderNames.CONTENT_LENGTH, text.readableBytes())
                .set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
        client.writeAndFlush(response).addListener(written -> linger(client));
    }

    /**
     * Goes on reading for a while what nobody wants: a connection closed with bytes unread is
     * reset, and the answer may be lost with it. RFC 9112, 9.6.
     */
    static void linger(ChannelHandlerContext client) {
        if (client.channel() instanceof DuplexChannel socket && socket.isActive()) {
            socket.shutdownOutput();
            socket.config().setAutoRead(true);
            client.executor().schedule(() -> client.close(), LINGER_SECONDS, TimeUnit.SECONDS);
        } else {
            client.close();
        }
    }
}

package org.xenolith.devices.net.proxy;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOption;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;

import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * What the proxy says itself: a status and a sentence, and then the connection ends.
 *
 * @param sentence of one or more lines, the last without its end
 */
record Refusal(HttpResponseStatus status, String sentence) {
    static final Refusal NO_HOST =
            new Refusal(
                    HttpResponseStatus.BAD_REQUEST, "A request needs one Host, and a valid one.");

    static final Refusal NO_TUNNELS =
            new Refusal(HttpResponseStatus.METHOD_NOT_ALLOWED, "This proxy opens no tunnels.");

    static final Refusal BROKEN_OFF =
            new Refusal(HttpResponseStatus.BAD_REQUEST, "The request ended before its body did.");

    private static final long LINGER_SECONDS = 2;

    /** For a request that is no HTTP, or more of it than the proxy takes. */
    static Refusal unreadable(Throwable cause) {
        if (cause instanceof TooLongHttpLineException) {
            return new Refusal(HttpResponseStatus.REQUEST_URI_TOO_LONG, "The address is too long.");
        }
        return cause instanceof TooLongHttpHeaderException
                ? new Refusal(
                        HttpResponseStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                        "The header is too long.")
                : new Refusal(HttpResponseStatus.BAD_REQUEST, "This is not HTTP as it should be.");
    }

    /**
     * @param port where the proxy listens, for the addresses of those that there are
     */
    static Refusal unknown(String name, List<String> names, int port) {
        StringBuilder text = new StringBuilder("There is no guest called " + name + ".");
        text.append(names.isEmpty() ? " No guest has a web server now." : " There are:");
        for (String known : names) {
            text.append("\nhttp://").append(known).append(".localhost:").append(port).append('/');
        }
        return new Refusal(HttpResponseStatus.NOT_FOUND, text.toString());
    }

    static Refusal silent(String name, long seconds) {
        return new Refusal(
                HttpResponseStatus.GATEWAY_TIMEOUT,
                name + " did not answer within " + seconds + " seconds.");
    }

    static Refusal noConnection(String name, Throwable cause) {
        return new Refusal(
                HttpResponseStatus.BAD_GATEWAY,
                name + " does not answer: " + cause.getMessage() + ".");
    }

    static Refusal hungUp(String name) {
        return new Refusal(
                HttpResponseStatus.BAD_GATEWAY, name + " closed the connection without an answer.");
    }

    /** Nothing may follow on the connection; what still comes has to be read and thrown away. */
    void send(ChannelHandlerContext client) {
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
        if (client.channel() instanceof DuplexChannel socket
                && socket.isActive()
                && !socket.isInputShutdown()) {
            socket.config().setOption(ChannelOption.ALLOW_HALF_CLOSURE, false); // its end closes
            socket.shutdownOutput();
            socket.config().setAutoRead(true);
            client.executor().schedule(() -> client.close(), LINGER_SECONDS, TimeUnit.SECONDS);
        } else {
            client.close();
        }
    }
}

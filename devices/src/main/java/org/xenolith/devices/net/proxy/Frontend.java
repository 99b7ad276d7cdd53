package org.xenolith.devices.net.proxy;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import io.netty.handler.flow.FlowControlHandler;
import io.netty.handler.timeout.IdleStateEvent;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.Future;

import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * A client's connection: reads one request after the other, sends each to its guest and the answer
 * back. Either side is read only when the other has room, so a connection holds no more than a few
 * buffers however large a body is.
 */
final class Frontend extends ChannelInboundHandlerAdapter {
    /** Longer than the NAT waits for a guest that is booting, whose reason is the better answer. */
    static final long CONNECT_SECONDS = 40;

    /**
     * So many times in a row may a connection be idle while an answer is due: five minutes, since a
     * guest may keep a client waiting until it has news.
     */
    private static final int IDLE_TIMES = 4;

    private final GuestDirectory guests;
    private final HttpDecoderConfig limits;
    private final int port;
    private ChannelHandlerContext client;
    private Exchange exchange; // null between requests
    private boolean awaitsPart;
    private int idle; // times in a row while an answer is due
    private boolean ended; // what still comes from the client is thrown away
    private Channel guest; // null without a connection
    private String guestName;

    /**
     * @param port where the proxy listens, for the addresses in its answers
     */
    Frontend(GuestDirectory guests, HttpDecoderConfig limits, int port) {
        this.guests = guests;
        this.limits = limits;
        this.port = port;
    }

    @Override
    public void handlerAdded(ChannelHandlerContext context) {
        client = context;
    }

    @Override
    public void channelActive(ChannelHandlerContext context) {
        readClient();
    }

    /** Asks for one more part of a request. */
    private void readClient() {
        awaitsPart = true;
        client.read();
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
        if (awaitsPart) {
            readClient(); // what came was too little for a part
        }
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        awaitsPart = false;
        HttpObject part = (HttpObject) message;
        if (ended) {
            ReferenceCountUtil.release(message);
        } else if (part.decoderResult().isFailure()) {
            ReferenceCountUtil.release(message);
            refuse(part.decoderResult().cause());
        } else if (part instanceof HttpRequest request) {
            begin(request);
        } else if (part instanceof HttpContent content) {
            passBody(content);
        }
    }

    private void refuse(Throwable cause) {
        if (cause instanceof TooLongHttpLineException) {
            fail(HttpResponseStatus.REQUEST_URI_TOO_LONG, "The address is too long.");
        } else if (cause instanceof TooLongHttpHeaderException) {
            fail(HttpResponseStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The header is too long.");
        } else {
            fail(HttpResponseStatus.BAD_REQUEST, "This is not HTTP as it should be.");
        }
    }

    private void begin(HttpRequest request) {
        Authority authority = Authority.of(request);
        if (authority == null) {
            fail(HttpResponseStatus.BAD_REQUEST, "A request needs one Host, and a valid one.");
        } else if (request.method().equals(HttpMethod.CONNECT)) {
            fail(HttpResponseStatus.METHOD_NOT_ALLOWED, "This proxy opens no tunnels.");
        } else {
            exchange = Exchange.of(request, authority, clientAddress());
            connect();
        }
    }

    private String clientAddress() {
        SocketAddress address = client.channel().remoteAddress();
        return address instanceof InetSocketAddress inet
                ? inet.getAddress().getHostAddress()
                : "unknown";
    }

    private void connect() {
        String name = exchange.authority.name();
        if (guest != null
                && guest.isActive()
                && guestName.equals(name)
                && exchange.isRepeatable()) {
            exchange.reusesConnection = true;
            sendHead();
            return;
        }
        leaveGuest();
        Optional<ChannelFuture> connecting = guests.connect(name, new Initializer());
        if (connecting.isEmpty()) {
            fail(HttpResponseStatus.NOT_FOUND, unknown(name));
            return;
        }
        Exchange waiting = exchange;
        ChannelFuture future = connecting.get();
        Future<?> timeout =
                client.executor()
                        .schedule(() -> giveUp(waiting), CONNECT_SECONDS, TimeUnit.SECONDS);
        future.addListener(
                done -> {
                    timeout.cancel(false);
                    connected(waiting, future);
                });
    }

    private void giveUp(Exchange waiting) {
        if (waiting == exchange && guest == null) {
            fail(
                    HttpResponseStatus.GATEWAY_TIMEOUT,
                    waiting.authority.name()
                            + " did not answer within "
                            + CONNECT_SECONDS
                            + " seconds.");
        }
    }

    private void connected(Exchange waiting, ChannelFuture future) {
        boolean wanted = waiting == exchange && client.channel().isActive();
        if (!future.isSuccess()) {
            if (wanted) {
                fail(HttpResponseStatus.BAD_GATEWAY, doesNotAnswer(waiting, future.cause()));
            }
        } else if (!wanted) {
            future.channel().close(); // the client has gone, or the time was up
        } else {
            guest = future.channel();
            guestName = waiting.authority.name();
            sendHead();
        }
    }

    /** Of a connection to a guest. It is read when the client has room, so never by itself. */
    private final class Initializer extends ChannelInitializer<Channel> {
        @Override
        protected void initChannel(Channel channel) {
            channel.config().setAutoRead(false);
            channel.pipeline()
                    .addLast(new HttpClientCodec(limits, false, false), new Backend(Frontend.this));
        }
    }

    private static String doesNotAnswer(Exchange exchange, Throwable cause) {
        return exchange.authority.name() + " does not answer: " + cause.getMessage() + ".";
    }

    private String unknown(String name) {
        List<String> names = guests.names();
        StringBuilder text = new StringBuilder("There is no guest called " + name + ".");
        text.append(names.isEmpty() ? " No guest has a web server now." : " There are:");
        for (String known : names) {
            text.append("\nhttp://").append(known).append(".localhost:").append(port).append('/');
        }
        return text.toString();
    }

    private void sendHead() {
        guest.writeAndFlush(exchange.request);
        guest.read();
        if (exchange.requestDone) { // sent before, on a connection that had gone
            guest.writeAndFlush(LastHttpContent.EMPTY_LAST_CONTENT);
        } else {
            readClient();
        }
    }

    private void passBody(HttpContent content) {
        if (exchange == null) {
            content.release(); // of a request that has been refused
            return;
        }
        if (content instanceof LastHttpContent) {
            exchange.requestDone = true;
        }
        if (guest == null) {
            content.release(); // empty: only a request without a body is sent a second time
            return;
        }
        guest.writeAndFlush(content);
        if (!exchange.requestDone && guest.isWritable()) {
            readClient();
        }
    }

    /** Whether a channel is the connection that answers count from, and not one that was left. */
    boolean isGuest(Channel channel) {
        return channel == guest;
    }

    /** The guest takes more of the request's body. */
    void guestWritable() {
        if (exchange != null && !exchange.requestDone) {
            readClient();
        }
    }

    void responseHead(HttpResponse response) {
        if (exchange == null) {
            leaveGuest(); // an answer that nobody asked for
            return;
        }
        if (response.status().code() == HttpResponseStatus.SWITCHING_PROTOCOLS.code()) {
            switchProtocols(response);
            return;
        }
        Headers.removeHopByHop(response.headers());
        if (!isInterim(response)) {
            exchange.responseStarted = true;
            frame(response);
        }
        client.write(response);
    }

    static boolean isInterim(HttpResponse response) {
        return response.status().code() < HttpResponseStatus.OK.code();
    }

    /** Says how the client finds the end of the body, which may have been the end of the stream. */
    private void frame(HttpResponse response) {
        boolean hasEnd =
                HttpUtil.isContentLengthSet(response)
                        || HttpUtil.isTransferEncodingChunked(response)
                        || exchange.request.method().equals(HttpMethod.HEAD)
                        || response.status().equals(HttpResponseStatus.NO_CONTENT)
                        || response.status().equals(HttpResponseStatus.NOT_MODIFIED);
        boolean chunks = exchange.request.protocolVersion().equals(HttpVersion.HTTP_1_1);
        if (!hasEnd && chunks) {
            HttpUtil.setTransferEncodingChunked(response, true);
        }
        exchange.keepAlive &= (hasEnd || chunks) && exchange.requestDone;
        response.setProtocolVersion(HttpVersion.HTTP_1_1);
        HttpUtil.setKeepAlive(
                response.headers(), exchange.request.protocolVersion(), exchange.keepAlive);
    }

    void responseBody(HttpContent content) {
        if (exchange == null) {
            content.release();
            return;
        }
        client.write(content);
    }

    void responseEnd(HttpContent last, boolean guestKeepsAlive) {
        if (exchange == null) {
            last.release();
            return;
        }
        boolean keepAlive = exchange.keepAlive;
        boolean early = !exchange.requestDone;
        exchange = null;
        if (!guestKeepsAlive || early) {
            leaveGuest();
        }
        if (keepAlive) {
            client.writeAndFlush(last);
            readClient();
        } else if (early) {
            ended = true; // the client is still sending
            client.writeAndFlush(last).addListener(written -> Refusal.linger(client));
        } else {
            client.writeAndFlush(last).addListener(ChannelFutureListener.CLOSE);
        }
    }

    /** What came together from the guest has been written. */
    void responseFlush() {
        client.flush();
        readGuestIfRoom();
    }

    private void readGuestIfRoom() {
        if (guest != null && client.channel().isWritable()) {
            guest.read();
        }
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
        readGuestIfRoom();
    }

    /** The connection to the guest ended, with or without an error. */
    void guestGone(Channel channel) {
        if (channel != guest) {
            return;
        }
        guest = null;
        if (exchange == null) {
            return;
        }
        if (exchange.responseStarted) {
            client.close(); // the client must not take half an answer for a whole one
        } else if (exchange.reusesConnection) {
            exchange.reusesConnection = false;
            connect();
        } else {
            fail(
                    HttpResponseStatus.BAD_GATEWAY,
                    exchange.authority.name() + " closed the connection without an answer.");
        }
    }

    /** An answer of our own, after which the connection closes: a body may be on its way still. */
    private void fail(HttpResponseStatus status, String sentence) {
        if (exchange != null && exchange.responseStarted) {
            client.close();
            return;
        }
        exchange = null;
        ended = true;
        leaveGuest();
        Refusal.send(client, status, sentence);
    }

    private void leaveGuest() {
        Channel left = guest;
        guest = null;
        if (left != null) {
            left.close();
        }
    }

    /** From here on the two ends speak something that is not HTTP. RFC 9110, 7.8. */
    private void switchProtocols(HttpResponse response) {
        String protocol = Headers.upgrade(response);
        Headers.removeHopByHop(response.headers());
        Headers.setUpgrade(response.headers(), protocol == null ? "unknown" : protocol);
        Channel tunnel = guest;
        Channel channel = client.channel();
        guest = null;
        exchange = null;
        client.writeAndFlush(response);
        client.writeAndFlush(LastHttpContent.EMPTY_LAST_CONTENT);
        // What the codecs have read beyond the upgrade comes out when they go.
        channel.pipeline().addLast(new Relay(tunnel));
        channel.pipeline().remove(FlowControlHandler.class);
        channel.pipeline().remove(ReadAhead.class);
        channel.pipeline().remove(HttpServerCodec.class);
        channel.pipeline().remove(this);
        tunnel.pipeline().addLast(new Relay(channel));
        tunnel.pipeline().remove(Backend.class);
        tunnel.pipeline().remove(HttpClientCodec.class);
        channel.read();
        tunnel.read();
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
        if (!(event instanceof IdleStateEvent now)) {
            return;
        }
        idle = now.isFirst() ? 1 : idle + 1;
        if (exchange == null) {
            context.close();
        } else if (idle >= IDLE_TIMES && !exchange.responseStarted) {
            fail(
                    HttpResponseStatus.GATEWAY_TIMEOUT,
                    "%s did not answer within %d seconds."
                            .formatted(
                                    exchange.authority.name(),
                                    IDLE_TIMES * ReverseProxy.IDLE_SECONDS));
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        exchange = null;
        leaveGuest();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        context.close(); // the client reset the connection: nobody is left to be told
    }
}

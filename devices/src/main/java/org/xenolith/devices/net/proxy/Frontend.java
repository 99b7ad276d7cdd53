package org.xenolith.devices.net.proxy;

import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.timeout.IdleStateEvent;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.Future;

import java.net.InetSocketAddress;
import java.net.SocketAddress;
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
    static final int IDLE_TIMES = 4;

    private final GuestDirectory guests;
    private final HttpDecoderConfig limits;
    private final int port;
    private ChannelHandlerContext client;
    private Exchange exchange; // null between requests
    private boolean awaitsPart;
    private int idle; // times in a row while an answer is due
    private boolean sendsNoMore; // the client, that may still read
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
            fail(Refusal.unreadable(part.decoderResult().cause()));
        } else if (part instanceof HttpRequest request) {
            begin(request);
        } else if (part instanceof HttpContent content) {
            passBody(content);
        }
    }

    private void begin(HttpRequest request) {
        Authority authority = Authority.of(request);
        if (authority == null) {
            fail(Refusal.NO_HOST);
        } else if (request.method().equals(HttpMethod.CONNECT)) {
            fail(Refusal.NO_TUNNELS);
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
            fail(Refusal.unknown(name, guests.names(), port));
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
            fail(Refusal.silent(waiting.authority.name(), CONNECT_SECONDS));
        }
    }

    private void connected(Exchange waiting, ChannelFuture future) {
        boolean wanted = waiting == exchange && client.channel().isActive();
        if (!future.isSuccess()) {
            if (wanted) {
                fail(Refusal.noConnection(waiting.authority.name(), future.cause()));
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
            exchange.frame(response);
        }
        client.write(response);
    }

    static boolean isInterim(HttpResponse response) {
        return response.status().code() < HttpResponseStatus.OK.code();
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
            fail(Refusal.hungUp(exchange.authority.name()));
        }
    }

    /** An answer of our own, after which the connection closes: a body may be on its way still. */
    private void fail(Refusal refusal) {
        if (exchange != null && exchange.responseStarted) {
            client.close();
            return;
        }
        exchange = null;
        ended = true;
        leaveGuest();
        refusal.send(client);
    }

    private void leaveGuest() {
        Channel left = guest;
        guest = null;
        if (left != null) {
            left.close();
        }
    }

    private void switchProtocols(HttpResponse response) {
        Channel tunnel = guest;
        guest = null;
        exchange = null;
        Tunnel.open(this, client, tunnel, response, sendsNoMore);
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
        if (event == ChannelInputShutdownEvent.INSTANCE) {
            sendsNoMore = true; // after parts that have not been asked for, perhaps
        } else if (event == ReadAhead.END) {
            requestsEnded();
        } else if (event instanceof IdleStateEvent now) {
            idle = now.isFirst() ? 1 : idle + 1;
            idle();
        }
    }

    /**
     * The client sends no more, and waits for what it has asked for, as far as anybody can tell.
     * One that has gone looks the same until it is sent something.
     */
    private void requestsEnded() {
        awaitsPart = false;
        if (ended) {
            return; // the refusal closes
        }
        if (exchange == null) {
            client.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
        } else if (!exchange.requestDone && !exchange.responseStarted) {
            fail(Refusal.BROKEN_OFF);
        }
    }

    private void idle() {
        if (exchange == null) {
            client.close();
        } else if (idle < IDLE_TIMES) {
            return;
        } else if (!exchange.responseStarted) {
            long seconds = (long) IDLE_TIMES * ReverseProxy.IDLE_SECONDS;
            fail(Refusal.silent(exchange.authority.name(), seconds));
        } else if (sendsNoMore) {
            client.close(); // an open connection would tell that the client is there
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

package org.xenolith.devices.net.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.flow.FlowControlHandler;
import io.netty.handler.timeout.IdleStateHandler;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** A guest that takes a request and says nothing for long, with time that passes at once. */
final class SilentGuestTest {
    private final EmbeddedChannel guest = new EmbeddedChannel();
    private final EmbeddedChannel client = new EmbeddedChannel();

    private final GuestDirectory directory =
            new GuestDirectory() {
                @Override
                public List<String> names() {
                    return List.of("web1");
                }

                @Override
                public Optional<ChannelFuture> connect(String name, ChannelHandler handler) {
                    guest.pipeline().addLast(handler);
                    return Optional.of(guest.newSucceededFuture());
                }
            };

    @BeforeEach
    void ask() {
        client.freezeTime();
        client.pipeline()
                .addLast(
                        new IdleStateHandler(0, 0, ReverseProxy.IDLE_SECONDS),
                        new HttpServerCodec(),
                        new ReadAhead(),
                        new FlowControlHandler(),
                        new Frontend(directory, new HttpDecoderConfig(), 80));
        client.pipeline().fireChannelActive();
        say(client, "GET / HTTP/1.1\r\nHost: web1\r\n\r\n");
        assertThat(heard(guest)).startsWith("GET / HTTP/1.1");
    }

    @AfterEach
    void close() {
        client.finishAndReleaseAll();
        guest.finishAndReleaseAll();
    }

    private static void say(EmbeddedChannel to, String text) {
        to.writeInbound(Unpooled.copiedBuffer(text, StandardCharsets.US_ASCII));
    }

    private static String heard(EmbeddedChannel by) {
        StringBuilder text = new StringBuilder();
        for (ByteBuf part = by.readOutbound(); part != null; part = by.readOutbound()) {
            text.append(part.toString(StandardCharsets.US_ASCII));
            part.release();
        }
        return text.toString();
    }

    private void pass(long seconds) {
        for (long i = 0; i < seconds; i++) {
            client.advanceTimeBy(1, TimeUnit.SECONDS);
            client.runPendingTasks();
        }
    }

    @Test
    void answerThatDoesNotBeginIsNotWaitedForWithoutEnd() {
        pass(299);
        assertThat(heard(client)).isEmpty();
        pass(2);
        assertThat(heard(client))
                .startsWith("HTTP/1.1 504 ")
                .endsWith("web1 did not answer within 300 seconds.\n");
        assertThat(guest.isOpen()).isFalse();
    }

    @Test
    void answerThatHasBegunMayTakeItsTime() {
        pass(299);
        say(guest, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
        pass(3_600);
        say(guest, "ok");
        assertThat(heard(client)).startsWith("HTTP/1.1 200 ").endsWith("\r\n\r\nok");
    }

    @Test
    void clientThatSendsNoMoreGetsTheAnswer() {
        end(client);
        pass(299);
        say(guest, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
        pass(299);
        say(guest, "ok");
        assertThat(heard(client)).startsWith("HTTP/1.1 200 ").endsWith("\r\n\r\nok");
        assertThat(client.isOpen()).as("nothing can follow").isFalse();
    }

    /** It may have gone: the end of its connection looks the same. */
    @Test
    void clientThatSendsNoMoreIsNotKeptForAGuestThatBreaksOff() {
        end(client);
        say(guest, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
        pass(299);
        assertThat(client.isOpen()).isTrue();
        pass(2);
        assertThat(client.isOpen()).isFalse();
        assertThat(guest.isOpen()).isFalse();
    }

    @Test
    void clientThatSendsNoMoreToASilentGuestIsToldSo() {
        end(client);
        pass(301);
        assertThat(heard(client)).startsWith("HTTP/1.1 504 ");
        assertThat(client.isOpen()).isFalse();
        assertThat(guest.isOpen()).isFalse();
    }

    private static void end(EmbeddedChannel sender) {
        sender.pipeline().fireUserEventTriggered(ChannelInputShutdownEvent.INSTANCE);
    }
}

package org.xenolith.devices.net.nat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.DuplexChannel;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Isolated;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.devices.net.NetworkLoop;

import java.io.IOException;
import java.net.BindException;
import java.net.ConnectException;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Ways from the host to a guest. */
@Timeout(60)
@Isolated("a program that another test starts holds this process's sockets until it runs")
class ForwardTest {
    private final NatLab lab = new NatLab();
    private final EmbeddedChannel loop = new EmbeddedChannel();
    private final List<String> events = new ArrayList<>();

    @Test
    void aChannelWritesToTheGuestAndReadsFromIt() {
        GuestTcp guest = listeningGuest();
        ChannelFuture connected = connect("10.0.2.15");
        settle();
        assertThat(connected.isSuccess()).isTrue();
        connected.channel().writeAndFlush(bytes("question"));
        guest.send("answer".getBytes(StandardCharsets.US_ASCII));
        settle();
        assertThat(guest.in).hasToString("question");
        assertThat(events).containsExactly("active", "answer");
    }

    @Test
    void aChannelIsHalfClosedBothWays() {
        GuestTcp guest = listeningGuest();
        Channel channel = connect("10.0.2.15").channel();
        channel.config().setOption(ChannelOption.ALLOW_HALF_CLOSURE, true);
        settle();
        ((DuplexChannel) channel).shutdownOutput();
        settle();
        assertThat(guest.remoteFinished).isTrue();
        guest.send("late".getBytes(StandardCharsets.US_ASCII));
        guest.finish();
        settle();
        assertThat(events).startsWith("active", "late").endsWith("inactive");
        assertThat(guest.allAcked()).isTrue();
    }

    @Test
    void theGuestsEndIsAnEventAndTheOtherDirectionGoesOn() {
        GuestTcp guest = listeningGuest();
        Channel channel = connect("10.0.2.15").channel();
        channel.config().setOption(ChannelOption.ALLOW_HALF_CLOSURE, true);
        settle();
        guest.finish();
        settle();
        assertThat(events).containsExactly("active", "end of input");
        channel.writeAndFlush(bytes("still here"));
        settle();
        assertThat(guest.in).hasToString("still here");
        channel.close();
        settle();
        assertThat(guest.remoteFinished).isTrue();
        assertThat(lab.stack.tcp().size()).isZero();
    }

    @Test
    void aChannelThatDoesNotReadMakesTheGuestWait() {
        GuestTcp guest = listeningGuest();
        Channel channel = connect("10.0.2.15").channel();
        settle();
        channel.config().setAutoRead(false);
        guest.send(new byte[5_000_000]);
        settle();
        assertThat(guest.allAcked()).isFalse();
        assertThat(lab.stack.budget().usedBytes()).isLessThanOrEqualTo(1 << 20);
        channel.config().setAutoRead(true);
        for (int i = 0; i < 400; i++) {
            settle();
        }
        assertThat(guest.allAcked()).isTrue();
    }

    @Test
    void aResetOfTheGuestClosesTheChannel() {
        GuestTcp guest = listeningGuest();
        Channel channel = connect("10.0.2.15").channel();
        settle();
        guest.abort();
        settle();
        assertThat(events).containsExactly("active", "Connection reset by the guest", "inactive");
        assertThat(channel.isOpen()).isFalse();
    }

    @Test
    void aGuestThatBootsLateIsStillReached() {
        ChannelFuture connected = connect("10.0.2.15");
        run(10);
        assertThat(connected.isDone()).isFalse();
        listeningGuest();
        run(3);
        assertThat(connected.isSuccess()).isTrue();
    }

    @Test
    void aGuestThatNeverAnswersIsGivenUpWithASentence() {
        ChannelFuture connected = connect("10.0.2.15");
        run(40);
        assertThat(connected.cause())
                .hasMessage("Cannot connect to 10.0.2.15:80: the guest does not answer");
        assertThat(lab.stack.tcp().size()).isZero();
    }

    @Test
    void anUnknownNameIsGivenUpWithASentence() {
        ChannelFuture connected = connect("web9");
        run(40);
        assertThat(connected.cause()).hasMessage("Cannot connect to web9: no guest has that name");
    }

    @Test
    void closingWhileTheGuestBootsEndsTheAttempt() {
        ChannelFuture connected = connect("10.0.2.15");
        settle();
        connected.channel().close();
        settle();
        assertThat(connected.isSuccess()).isFalse();
        assertThat(lab.stack.tcp().size()).isZero();
    }

    @Test
    void aPortThatIsTakenGetsOneSentence() throws IOException {
        try (NetworkLoop network = NetworkLoop.create();
                UserModeNat nat = UserModeNat.create(NatConfig.builder().build(), network);
                ServerSocket taken = new ServerSocket(0)) {
            PortForward forward =
                    new PortForward(
                            PortForward.Protocol.TCP, "127.0.0.1", taken.getLocalPort(), 80);
            assertThatThrownBy(() -> nat.forward(forward, "10.0.2.15"))
                    .hasMessage(
                            "Cannot forward 127.0.0.1:"
                                    + taken.getLocalPort()
                                    + " to a guest: the port is in use");
        }
    }

    @Test
    void anyPortIsOneThatIsFreeAndSaysItsNumber() throws IOException {
        try (NetworkLoop network = NetworkLoop.create();
                UserModeNat nat = UserModeNat.create(NatConfig.builder().build(), network);
                ForwardedPort port = nat.forward(PortForward.parse("0:80"), "10.0.2.15");
                Socket client = new Socket("127.0.0.1", port.forward().hostPort())) {
            assertThat(port.forward().hostAddress()).isEqualTo("127.0.0.1");
            assertThat(client.isConnected()).isTrue();
        }
    }

    @Test
    void aPortOfAnIpv6AddressIsListenedOnThereAlone() throws IOException {
        LinuxInteropTest.requireIpv6();
        try (NetworkLoop network = NetworkLoop.create();
                UserModeNat nat = UserModeNat.create(NatConfig.builder().build(), network);
                ForwardedPort port = nat.forward(PortForward.parse("[0::1]:0:80"), "10.0.2.15")) {
            int number = port.forward().hostPort();
            assertThat(port.forward()).hasToString("[::1]:" + number + ":80/tcp");
            new Socket("::1", number).close();
            assertThatThrownBy(() -> new Socket("127.0.0.1", number))
                    .isInstanceOf(ConnectException.class);
            assertThatThrownBy(() -> nat.forward(port.forward(), "10.0.2.15"))
                    .hasMessage(
                            "Cannot forward [::1]:%d to a guest: the port is in use"
                                    .formatted(number));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"[::1]:0:53/udp", "[::]:0:53/udp", "[::1]:0:80/tcp", "[::]:0:80/tcp"})
    void portsOfBothProtocolsAreListenedOnOverIpv6(String text) throws IOException {
        LinuxInteropTest.requireIpv6();
        PortForward asked = PortForward.parse(text);
        try (NetworkLoop network = NetworkLoop.create();
                UserModeNat nat = UserModeNat.create(NatConfig.builder().build(), network);
                ForwardedPort port = nat.forward(asked, "10.0.2.15")) {
            InetSocketAddress taken = new InetSocketAddress("::1", port.forward().hostPort());
            assertThatThrownBy(() -> listen(asked.protocol(), taken))
                    .isInstanceOf(BindException.class);
        }
    }

    private static void listen(PortForward.Protocol protocol, InetSocketAddress address)
            throws IOException {
        switch (protocol) {
            case TCP -> new ServerSocket(address.getPort(), 1, address.getAddress()).close();
            case UDP -> new DatagramSocket(address).close();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"0:80/tcp", "0:80/udp"})
    void aPortThatIsTakenBackIsFreeAtOnce(String forward) throws IOException {
        try (NetworkLoop network = NetworkLoop.create();
                UserModeNat nat = UserModeNat.create(NatConfig.builder().build(), network)) {
            ForwardedPort port = nat.forward(PortForward.parse(forward), "10.0.2.15");
            PortForward same = PortForward.parse(port.forward().toString());
            assertThatThrownBy(() -> nat.forward(same, "10.0.2.15")).hasMessageContaining("in use");
            port.close();
            assertThatThrownBy(() -> new Socket("127.0.0.1", same.hostPort()))
                    .isInstanceOf(ConnectException.class);
            nat.forward(same, "10.0.2.16").close();
        }
    }

    @Test
    void aClosedNatListensOnNoPortForEver() {
        try (NetworkLoop network = NetworkLoop.create()) {
            UserModeNat nat = UserModeNat.create(NatConfig.builder().build(), network);
            nat.close();
            assertThatThrownBy(() -> nat.forward(PortForward.parse("0:80"), "10.0.2.15"))
                    .isInstanceOf(IOException.class)
                    .hasMessage("Cannot forward 127.0.0.1:0 to a guest: the network is closed");
        }
    }

    @ParameterizedTest
    @EnumSource(PortForward.Protocol.class)
    void aPortThatIsTakenLeavesNoSocketBehind(PortForward.Protocol protocol) throws Exception {
        InetSocketAddress any = new InetSocketAddress("127.0.0.1", 0);
        try (NetworkLoop network = NetworkLoop.create()) {
            Channel first = bind(protocol, network, any).sync().channel();
            ChannelFuture second = bind(protocol, network, first.localAddress());
            assertThat(second.await().isSuccess()).isFalse();
            network.awaitClosed(); // whoever hears of the failure has heard of it
            assertThat(second.channel().isOpen()).isFalse();
        }
    }

    private ChannelFuture bind(
            PortForward.Protocol protocol, NetworkLoop network, SocketAddress address) {
        EventLoop events = network.eventLoop();
        return switch (protocol) {
            case TCP -> TcpForward.listen(lab.stack, "10.0.2.15", 80, events, address);
            case UDP -> UdpForward.listen(lab.stack, "10.0.2.15", 80, events, address);
        };
    }

    // ---- a loop and a clock that the test moves together

    private ChannelFuture connect(String guest) {
        GuestChannel channel = new GuestChannel(lab.stack);
        channel.pipeline().addLast(new Recorder());
        loop.eventLoop().register(channel);
        return channel.connect(InetSocketAddress.createUnresolved(guest, 80));
    }

    private GuestTcp listeningGuest() {
        GuestTcp guest = new GuestTcp(lab, 80, NatLab.GATEWAY, 0);
        guest.listen();
        lab.fromGuest(Packets.arp(ArpResponder.REQUEST, NatLab.MAC, NatLab.GUEST, NatLab.GATEWAY));
        settle();
        return guest;
    }

    private void settle() {
        for (int i = 0; i < 20; i++) {
            lab.settle();
            loop.runPendingTasks();
        }
    }

    private void run(int seconds) {
        lab.run(TimeUnit.SECONDS.toNanos(seconds));
        settle();
    }

    private static ByteBuf bytes(String text) {
        return Unpooled.copiedBuffer(text, StandardCharsets.US_ASCII);
    }

    private final class Recorder extends ChannelInboundHandlerAdapter {
        @Override
        public void channelActive(ChannelHandlerContext context) {
            events.add("active");
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            ByteBuf bytes = (ByteBuf) message;
            if (bytes.readableBytes() < 100) {
                events.add(bytes.toString(StandardCharsets.US_ASCII));
            }
            bytes.release();
        }

        @Override
        public void userEventTriggered(ChannelHandlerContext context, Object event) {
            if (event == ChannelInputShutdownEvent.INSTANCE) {
                events.add("end of input");
            }
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            events.add(cause.getMessage());
        }

        @Override
        public void channelInactive(ChannelHandlerContext context) {
            events.add("inactive");
        }
    }
}

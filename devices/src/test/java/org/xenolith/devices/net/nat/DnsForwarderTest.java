package org.xenolith.devices.net.nat;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;

import org.junit.jupiter.api.Test;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;

class DnsForwarderTest {
    private static final InetSocketAddress FIRST =
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 1053);
    private static final InetSocketAddress SECOND =
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 1054);
    private static final int TYPE_AAAA = 28;
    private static final int ID = 0x1234;
    private static final long NEIGHBOUR_MAC = NatLab.MAC + 7;
    private static final int NEIGHBOUR = Ipv4.parse("10.0.2.22");

    private NatLab lab =
            new NatLab(
                    NatConfig.builder().guest("00:16:3e:00:00:02", "10.0.2.20", "web1").build(), 1);

    @Test
    void aGuestIsFoundByItsNameAndBelowLocalhost() {
        for (String name : List.of("web1", "WEB1", "web1.localhost")) {
            ByteBuf answer = ask(name, DnsMessage.TYPE_A);
            assertThat(answer.getUnsignedShort(DnsMessage.ID)).isEqualTo(ID);
            assertThat(code(answer)).isEqualTo(DnsMessage.NO_ERROR);
            assertThat(answer.getUnsignedShort(DnsMessage.ANCOUNT)).isEqualTo(1);
            assertThat(Ipv4.format(answer.getInt(answer.writerIndex() - 4))).isEqualTo("10.0.2.20");
        }
    }

    @Test
    void aGuestHasNoIpv6AddressButItsNameExists() {
        ByteBuf answer = ask("web1", TYPE_AAAA);
        assertThat(code(answer)).isEqualTo(DnsMessage.NO_ERROR);
        assertThat(answer.getUnsignedShort(DnsMessage.ANCOUNT)).isZero();
    }

    @Test
    void anUnknownNameBelowLocalhostDoesNotExist() {
        assertThat(code(ask("web9.localhost", DnsMessage.TYPE_A))).isEqualTo(DnsMessage.NXDOMAIN);
    }

    @Test
    void withoutAResolverTheAnswerIsServfail() {
        assertThat(code(ask("example.org", DnsMessage.TYPE_A))).isEqualTo(DnsMessage.SERVFAIL);
    }

    @Test
    void aRestrictedGuestIsRefused() {
        lab = new NatLab(NatConfig.builder().restrict(true).build(), 1);
        lab.resolvers.add(FIRST);
        assertThat(code(ask("example.org", DnsMessage.TYPE_A))).isEqualTo(DnsMessage.REFUSED);
        assertThat(lab.host.datagrams).isEmpty();
    }

    @Test
    void otherNamesAreAskedOfTheHostsServerUnderANumberOfOurOwn() {
        lab.resolvers.add(FIRST);
        send("example.org", DnsMessage.TYPE_A);
        FakeHost.Datagrams server = lab.host.datagrams.getFirst();
        assertThat(server.to).isEqualTo(FIRST);
        byte[] query = server.sent.getFirst();
        assertThat(Packets.view(query).getUnsignedShort(0)).isNotEqualTo(ID);
        byte[] response = query.clone();
        response[2] |= (byte) 0x80;
        byte[] forged = response.clone();
        forged[0]++;
        server.answer(forged);
        assertThat(lab.take()).as("an answer with another number").isEmpty();
        server.answer(response);
        assertThat(answer(lab.takeOne()).getUnsignedShort(DnsMessage.ID)).isEqualTo(ID);
        assertThat(server.closed).isTrue();
        assertThat(lab.stack.dns().pending()).isZero();
    }

    @Test
    void aSilentServerIsFollowedByTheNextAndThenByServfail() {
        lab.resolvers.addAll(List.of(FIRST, SECOND));
        send("example.org", DnsMessage.TYPE_A);
        lab.run(DnsForwarder.ATTEMPT_NANOS);
        assertThat(lab.host.datagrams.get(1).to).isEqualTo(SECOND);
        lab.run(TimeUnit.SECONDS.toNanos(10));
        assertThat(code(answer(lab.takeOne()))).isEqualTo(DnsMessage.SERVFAIL);
    }

    @Test
    void aFloodOfQueriesOpensABoundedNumberOfSockets() {
        lab.resolvers.add(FIRST);
        for (int i = 0; i < 5000; i++) {
            send("n" + i + ".example", DnsMessage.TYPE_A);
        }
        assertThat(lab.host.datagrams.stream().filter(socket -> !socket.closed))
                .hasSizeLessThanOrEqualTo(DnsForwarder.MAX_PENDING);
        assertThat(lab.stack.dns().pending()).isLessThanOrEqualTo(DnsForwarder.MAX_PENDING);
    }

    @Test
    void aGuestThatAsksForTooMuchLosesItsOwnOldestQueryAndItsNeighbourNone() {
        lab.resolvers.add(FIRST);
        for (int i = 0; i < 300; i++) {
            send("n" + i + ".example", DnsMessage.TYPE_A);
        }
        assertThat(lab.host.datagrams.get(43).closed).isTrue();
        assertThat(lab.host.datagrams.get(44).closed).isFalse();
        assertThat(lab.host.datagrams).as("each was asked").hasSize(300);

        byte[] query = query("example.org", DnsMessage.TYPE_A);
        byte[] datagram = Packets.udpDatagram(NEIGHBOUR, 5353, NatLab.DNS, 53, query);
        lab.deliver(Packets.ip(NEIGHBOUR_MAC, NEIGHBOUR, NatLab.DNS, Ipv4.UDP, datagram), false);
        FakeHost.Datagrams neighbours = lab.host.datagrams.getLast();
        for (int i = 300; i < 600; i++) {
            send("n" + i + ".example", DnsMessage.TYPE_A);
        }
        byte[] response = neighbours.sent.getFirst().clone();
        response[2] |= (byte) 0x80;
        neighbours.answer(response);
        assertThat(Ethernet.getMac(Packets.view(lab.takeOne()), Ethernet.DESTINATION))
                .isEqualTo(NEIGHBOUR_MAC);
        assertThat(lab.stack.dns().pending()).isEqualTo(DnsForwarder.MAX_PENDING - 1);
        lab.stack.dns().close();
        assertThat(lab.stack.dns().pending()).isZero();
    }

    @Test
    void overTcpAGuestsNameIsAnsweredHere() {
        GuestTcp guest = connectTcp();
        guest.send(framed("web1"));
        lab.settle();
        byte[] in = guest.in.toByteArray();
        assertThat(in[in.length - 1]).isEqualTo((byte) 20);
        assertThat(lab.host.streams).isEmpty();
    }

    @Test
    void overTcpOtherNamesGoToTheHostsServer() {
        lab.resolvers.add(FIRST);
        GuestTcp guest = connectTcp();
        guest.send(framed("example.org"));
        lab.settle();
        FakeHost.Stream server = lab.host.last();
        assertThat(server.to).isEqualTo(FIRST);
        lab.host.answerAll();
        assertThat(server.taken.toByteArray()).isEqualTo(framed("example.org"));
        server.send("answer".getBytes(StandardCharsets.US_ASCII));
        lab.settle();
        assertThat(guest.in).hasToString("answer");
    }

    @Test
    void nonsenseOverTcpResetsTheConnection() {
        GuestTcp guest = connectTcp();
        guest.send(new byte[100]);
        lab.settle();
        assertThat(guest.reset).isTrue();
        assertThat(lab.stack.tcp().size()).isZero();
    }

    @Test
    void nameServersThatGoWhileAQueryIsReadEndItsConnectionAndNothingElse() {
        Iterator<List<InetSocketAddress>> files =
                List.of(List.of(FIRST), List.<InetSocketAddress>of()).iterator();
        NatConfig config = NatConfig.builder().build();
        DnsForwarder dns =
                new DnsForwarder(
                        config,
                        () -> 0,
                        new Timers(() -> {}),
                        new Leases(config, () -> 0),
                        lab.host,
                        UnpooledByteBufAllocator.DEFAULT,
                        new Random(1),
                        files::next);
        Broken guest = new Broken();
        HostStream stream = dns.openStream(guest);
        stream.read(true);
        stream.write(Unpooled.wrappedBuffer(framed("example.org")));
        stream.flush();
        assertThat(guest.times).isEqualTo(1);
        assertThat(lab.host.streams).isEmpty();
    }

    /** A guest's connection that counts how often the host's end broke. */
    private static final class Broken implements HostStream.Events {
        int times;

        @Override
        public void connected() {}

        @Override
        public void failed(Throwable cause) {}

        @Override
        public void received(ByteBuf bytes) {
            bytes.release();
        }

        @Override
        public void receivedAll() {}

        @Override
        public void ended() {}

        @Override
        public void broken() {
            times++;
        }

        @Override
        public void written() {}
    }

    @Test
    void nameServersComeFromResolvConf() throws UnknownHostException {
        List<String> lines =
                List.of(
                        "# comment",
                        "search example.org",
                        "nameserver 127.0.0.53",
                        "nameserver  ::1",
                        "nameserver nonsense",
                        "options edns0");
        assertThat(ResolvConf.parse(lines))
                .extracting(server -> server.getAddress().getHostAddress())
                .containsExactly("127.0.0.53", "0:0:0:0:0:0:0:1");
    }

    private GuestTcp connectTcp() {
        GuestTcp guest = new GuestTcp(lab, 40000, NatLab.DNS, DnsMessage.PORT);
        guest.connect();
        lab.settle();
        assertThat(guest.synchronizedUp).isTrue();
        return guest;
    }

    private static byte[] framed(String name) {
        byte[] query = query(name, DnsMessage.TYPE_A);
        byte[] framed = new byte[query.length + 2];
        framed[1] = (byte) query.length;
        System.arraycopy(query, 0, framed, 2, query.length);
        return framed;
    }

    private ByteBuf ask(String name, int type) {
        send(name, type);
        return answer(lab.takeOne());
    }

    private void send(String name, int type) {
        lab.deliver(Packets.udp(NatLab.GUEST, 5353, NatLab.DNS, 53, query(name, type)), false);
    }

    private static byte[] query(String name, int type) {
        ByteBuf query = Unpooled.buffer();
        query.writeShort(ID).writeShort(DnsMessage.RECURSION_DESIRED).writeShort(1).writeZero(6);
        for (String label : name.split("\\.")) {
            query.writeByte(label.length());
            query.writeCharSequence(label, StandardCharsets.US_ASCII);
        }
        query.writeByte(0).writeShort(type).writeShort(DnsMessage.CLASS_IN);
        byte[] bytes = new byte[query.readableBytes()];
        query.readBytes(bytes);
        return bytes;
    }

    private static ByteBuf answer(byte[] frame) {
        assertThat(Packets.source(frame)).isEqualTo(NatLab.DNS);
        int at = Packets.PAYLOAD + UdpFlows.HEADER_BYTES;
        return Packets.view(frame).slice(at, frame.length - at);
    }

    private static int code(ByteBuf answer) {
        return answer.getUnsignedShort(DnsMessage.FLAGS) & 0xf;
    }
}

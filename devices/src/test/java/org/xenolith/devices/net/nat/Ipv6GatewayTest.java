package org.xenolith.devices.net.nat;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.net.ConnectException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Router, neighbours, ping and UDP over IPv6. */
class Ipv6GatewayTest {
    private static final long STRANGER = 0x00_16_3e_00_00_02L;
    private static final int FLAGS = 4, TARGET = 8, FIRST_OPTION = 16;

    private NatLab lab = new NatLab();

    // ---- the router

    @Test
    void aSolicitedRouterTellsPrefixMtuAndNameServer() {
        lab.fromGuest(Packets6.routerSolicitation(Packets6.LINK_LOCAL));
        byte[] frame = lab.takeOne();
        Ipv6Packet packet = Packets6.read(frame);
        assertThat(packet.source).hasToString("fe80::2");
        assertThat(packet.destination).hasToString("ff02::1");
        assertThat(packet.hopLimit).isEqualTo(255);
        assertThat(Ethernet.getMac(packet.bytes, Ethernet.DESTINATION)).isEqualTo(NatLab.MAC);
        ByteBuf message = packet.bytes.slice(Packets6.PAYLOAD, packet.payloadBytes);
        assertThat(message.getUnsignedByte(0)).isEqualTo((short) 134);
        assertThat(message.getUnsignedShort(6)).as("seconds a router").isEqualTo(1800);
        assertThat(Ethernet.getMac(message, option(message, 1) + 2)).isEqualTo(Ipv4Output.OWN_MAC);
        assertThat(message.getInt(option(message, 5) + 4)).isEqualTo(1500);
        int prefix = option(message, 3);
        assertThat(message.getUnsignedByte(prefix + 2)).isEqualTo((short) 64);
        assertThat(message.getUnsignedByte(prefix + 3))
                .as("on the link, autonomous")
                .isEqualTo((short) 0xc0);
        assertThat(Ipv6Address.readFrom(message, prefix + 16)).hasToString("fd00::");
        assertThat(Ipv6Address.readFrom(message, option(message, 25) + 8)).hasToString("fd00::3");
    }

    private static int option(ByteBuf message, int type) {
        int at = FIRST_OPTION;
        while (message.getUnsignedByte(at) != type) {
            at += message.getUnsignedByte(at + 1) * 8;
        }
        return at;
    }

    @Test
    void aGuestWithoutAnAddressIsToldToo() {
        lab.fromGuest(Packets6.routerSolicitation(Ipv6Address.ANY));
        assertThat(Packets6.icmpType(lab.takeOne())).isEqualTo(134);
    }

    @Test
    void theRouterIsAdvertisedAgainBeforeItExpires() {
        lab.run(TimeUnit.HOURS.toNanos(1));
        assertThat(lab.take()).as("nobody speaks IPv6").isEmpty();
        lab.fromGuest(Packets6.routerSolicitation(Packets6.LINK_LOCAL));
        lab.take();
        lab.run(TimeUnit.HOURS.toNanos(1));
        assertThat(lab.take()).hasSize(6).allMatch(frame -> Packets6.icmpType(frame) == 134);
        lab.stack.forget(NatLab.MAC);
        lab.run(TimeUnit.HOURS.toNanos(1));
        assertThat(lab.take()).as("the guest is gone").isEmpty();
    }

    @Test
    void aGuestThatWasRestoredHearsOfItsRouterWithoutAskingAgain() {
        lab.fromGuest(Packets6.neighbourSolicitation(NatLab.MAC, Packets6.GUEST, Ipv6.ROUTER));
        lab.take();
        lab.run(NeighbourDiscovery.ADVERTISEMENT_NANOS);
        assertThat(Packets6.icmpType(lab.takeOne())).isEqualTo(134);
    }

    // ---- neighbours

    @ParameterizedTest
    @CsvSource({"fd00::2, true", "fd00::3, true", "fe80::2, true", "fd00::4, false"})
    void neighbourSolicitationsForTheNatsOwnAddressesAreAnswered(String target, boolean own) {
        Ipv6Address wanted = Ipv6Address.parse(target);
        lab.fromGuest(Packets6.neighbourSolicitation(NatLab.MAC, Packets6.LINK_LOCAL, wanted));
        List<byte[]> answers = lab.take();
        assertThat(answers).hasSize(own ? 1 : 0);
        for (byte[] answer : answers) {
            Ipv6Packet packet = Packets6.read(answer);
            assertThat(packet.destination).isEqualTo(Packets6.LINK_LOCAL);
            assertThat(packet.source).isEqualTo(wanted);
            ByteBuf message = packet.bytes.slice(Packets6.PAYLOAD, packet.payloadBytes);
            assertThat(message.getUnsignedByte(0)).isEqualTo((short) 136);
            assertThat(message.getInt(FLAGS)).as("router, solicited, override").isEqualTo(7 << 29);
            assertThat(Ipv6Address.readFrom(message, TARGET)).isEqualTo(wanted);
            assertThat(Ethernet.getMac(message, 26)).isEqualTo(Ipv4Output.OWN_MAC);
        }
    }

    @Test
    void whoeverProbesForTheGatewaysAddressHearsThatItIsTaken() {
        lab.fromGuest(Packets6.neighbourSolicitation(NatLab.MAC, Ipv6Address.ANY, Ipv6.GATEWAY));
        Ipv6Packet answer = Packets6.read(lab.takeOne());
        assertThat(answer.destination).isEqualTo(Ipv6Address.ALL_NODES);
        assertThat(answer.bytes.getInt(Packets6.PAYLOAD + FLAGS) & 0x4000_0000)
                .as("solicited")
                .isZero();
    }

    @Test
    void aMessageThatARouterPassedOnIsNone() {
        byte[] frame = Packets6.routerSolicitation(Packets6.LINK_LOCAL);
        frame[Packets.IP + Ipv6.HOP_LIMIT] = (byte) 254;
        lab.fromGuest(frame);
        assertThat(lab.take()).isEmpty();
    }

    @Test
    void anAddressMadeOfAMacAddressIsUsableByThatOneOnly() {
        lab.fromGuest(udp(STRANGER, Packets6.GUEST));
        lab.settle();
        assertThat(lab.host.datagrams).isEmpty();
        lab.fromGuest(udp(NatLab.MAC, Packets6.GUEST));
        lab.settle();
        assertThat(lab.host.datagrams).hasSize(1);
    }

    @Test
    void anAddressBelongsToTheFirstWhoUsedIt() {
        Ipv6Address random = Ipv6Address.parse("fd00::1234:5678:9abc:def0");
        lab.fromGuest(udp(NatLab.MAC, random));
        lab.fromGuest(udp(STRANGER, random));
        lab.settle();
        lab.host.datagrams.getFirst().answer(new byte[1]);
        assertThat(Ethernet.getMac(Packets.view(lab.takeOne()), Ethernet.DESTINATION))
                .isEqualTo(NatLab.MAC);
        lab.stack.forget(NatLab.MAC);
        lab.fromGuest(udp(STRANGER, random));
        lab.settle();
        assertThat(lab.stack.ipv6Neighbours().mac(random)).isEqualTo(STRANGER);
    }

    @Test
    void aGuestHasAFewAddressesAndTheOldestMakesRoom() {
        for (int i = 0; i < 1000; i++) {
            lab.fromGuest(udp(NatLab.MAC, new Ipv6Address(Ipv6.PREFIX, 0x100 + i)));
        }
        lab.settle();
        Ipv6Neighbours neighbours = lab.stack.ipv6Neighbours();
        assertThat(neighbours.size()).isEqualTo(Ipv6Neighbours.MAX_PER_MAC);
        assertThat(neighbours.mac(new Ipv6Address(Ipv6.PREFIX, 0x100 + 999))).isEqualTo(NatLab.MAC);
        for (int i = 0; i < 1000; i++) {
            lab.fromGuest(udp(STRANGER + i, new Ipv6Address(Ipv6.PREFIX, 0x10000 + i)));
        }
        lab.settle();
        assertThat(neighbours.size()).isEqualTo(Ipv6Neighbours.MAX_PER_MAC + 1000);
    }

    @ParameterizedTest
    @ValueSource(strings = {"fd01::1", "::1", "::", "fd00::2", "2001:db8::1", "ff02::1", "fe80::2"})
    void sourcesOutsideThePrefixAreDropped(String source) {
        lab.fromGuest(udp(NatLab.MAC, Ipv6Address.parse(source)));
        assertThat(lab.take()).isEmpty();
        assertThat(lab.host.datagrams).isEmpty();
    }

    // ---- ping and UDP

    @ParameterizedTest
    @ValueSource(strings = {"fd00::2", "fd00::3", "fe80::2"})
    void pingOfTheNatComesBackWithItsPayload(String own) {
        byte[] request =
                Packets6.echo(Packets6.LINK_LOCAL, Ipv6Address.parse(own), "payload".getBytes());
        lab.fromGuest(request);
        byte[] reply = lab.takeOne();
        assertThat(Packets6.icmpType(reply)).isEqualTo(129);
        assertThat(Packets6.read(reply).source).isEqualTo(Ipv6Address.parse(own));
        int behind = Packets6.PAYLOAD + 4;
        assertThat(Arrays.copyOfRange(reply, behind, reply.length))
                .isEqualTo(Arrays.copyOfRange(request, behind, request.length));
    }

    @Test
    void pingOfTheOutsideIsReportedAsNotPermitted() {
        byte[] request = Packets6.echo(Packets6.GUEST, Packets6.OUTSIDE, new byte[10]);
        lab.fromGuest(request);
        byte[] error = lab.takeOne();
        assertUnreachable(error, IcmpErrors.V6_PROHIBITED);
        assertThat(Arrays.copyOfRange(error, Packets6.PAYLOAD + 8, error.length))
                .as("what could not be delivered")
                .isEqualTo(Arrays.copyOfRange(request, Packets.IP, Packets6.PAYLOAD + 8));
    }

    @Test
    void aDatagramGoesToTheHostsLoopbackAndTheAnswerComesBack() {
        lab.fromGuest(udp(NatLab.MAC, Packets6.GUEST));
        lab.settle();
        FakeHost.Datagrams socket = lab.host.datagrams.getFirst();
        assertThat(socket.to.getAddress().getHostAddress()).isEqualTo("0:0:0:0:0:0:0:1");
        assertThat(socket.to.getPort()).isEqualTo(7);
        socket.answer("pong".getBytes());
        byte[] answer = lab.takeOne();
        assertThat(Packets6.read(answer).source).isEqualTo(Ipv6.GATEWAY);
        assertThat(Arrays.copyOfRange(answer, Packets6.PAYLOAD + 8, answer.length))
                .asString()
                .isEqualTo("pong");
        socket.events.refused();
        assertUnreachable(lab.takeOne(), IcmpErrors.V6_PORT);
    }

    @Test
    void fromItsAddressOfTheLinkAGuestReachesTheGatewayAndNothingBehindIt() {
        lab.fromGuest(udp(NatLab.MAC, Packets6.LINK_LOCAL));
        lab.fromGuest(udp(NatLab.MAC, Packets6.GUEST));
        lab.settle();
        assertThat(lab.host.datagrams).as("two flows").hasSize(2);
        lab.host.datagrams.getFirst().answer(new byte[1]);
        assertThat(Packets6.read(lab.takeOne()).destination).isEqualTo(Packets6.LINK_LOCAL);
        lab.fromGuest(datagram(Packets6.LINK_LOCAL, Packets6.OUTSIDE));
        assertUnreachable(lab.takeOne(), IcmpErrors.V6_PROHIBITED);
    }

    @Test
    void aDatagramToTheOutsideGoesThereAndOneToNoHostNowhere() {
        lab.fromGuest(datagram(Packets6.GUEST, Packets6.OUTSIDE));
        for (String none : new String[] {"::1", "::ffff:127.0.0.1", "ff02::fb", "fe80::7"}) {
            lab.fromGuest(datagram(Packets6.GUEST, Ipv6Address.parse(none)));
        }
        lab.settle();
        assertThat(lab.host.datagrams)
                .extracting(socket -> socket.to.getAddress().getHostAddress())
                .containsExactly("2001:db8:0:0:0:0:0:1");
    }

    @Test
    void aDatagramWithoutAChecksumIsDropped() {
        byte[] frame = udp(NatLab.MAC, Packets6.GUEST);
        Packets.view(frame).setShort(Packets6.PAYLOAD + UdpFlows.CHECKSUM, 0);
        lab.fromGuest(frame);
        lab.settle();
        assertThat(lab.host.datagrams).isEmpty();
    }

    @Test
    void theNameServerAnswersOverIpv6() {
        ByteBuf query = Unpooled.buffer().writeShort(0x1234).writeShort(0x100).writeShort(1);
        query.writeZero(6).writeByte(4).writeBytes("none".getBytes(StandardCharsets.US_ASCII));
        query.writeByte(9).writeBytes("localhost".getBytes(StandardCharsets.US_ASCII));
        query.writeByte(0).writeShort(28).writeShort(1);
        byte[] bytes = new byte[query.readableBytes()];
        query.readBytes(bytes);
        lab.fromGuest(Packets6.udp(NatLab.MAC, Packets6.GUEST, 5000, Ipv6.DNS, 53, bytes));
        byte[] answer = lab.takeOne();
        assertThat(Packets6.read(answer).source).isEqualTo(Ipv6.DNS);
        assertThat(answer[Packets6.PAYLOAD + 8 + 3] & 0xf).isEqualTo(DnsMessage.NXDOMAIN);
    }

    // ---- TCP; the rest is the same as over IPv4

    @Test
    void aConnectionThatTheHostCannotMakeIsReported() {
        GuestTcp guest = GuestTcp.overIpv6(lab, 1000, Packets6.OUTSIDE, 80);
        guest.connect();
        lab.settle();
        lab.host.last().refuse(new ConnectException("Connection refused"));
        lab.settle();
        assertThat(guest.reset).isTrue();

        guest = GuestTcp.overIpv6(lab, 1001, Packets6.OUTSIDE, 80);
        lab.guest = lab.received::add;
        guest.connect();
        lab.settle();
        lab.host.last().refuse(new ConnectException("Network is unreachable"));
        assertUnreachable(lab.takeOne(), IcmpErrors.V6_ADDRESS);
        assertThat(lab.stack.tcp().size()).isZero();
    }

    @Test
    void aGuestThatIsGoneLosesItsConnectionsOverIpv6() {
        GuestTcp guest = GuestTcp.overIpv6(lab, 1000, Ipv6.GATEWAY, 80);
        guest.connect();
        lab.settle();
        lab.host.answerAll();
        lab.settle();
        assertThat(lab.stack.tcp().size()).isEqualTo(1);
        lab.stack.forget(NatLab.MAC);
        assertThat(lab.stack.tcp().size()).isZero();
        assertThat(lab.host.last().reset).isTrue();
    }

    // ---- settings

    @Test
    void withoutIpv6NothingIsAnswered() {
        lab = new NatLab(NatConfig.builder().ipv6(false).build(), 1);
        assertThatIpv6IsSilent();
    }

    @Test
    void aGuestThatShallHaveNoIpv6HearsNothing() {
        lab.stack.withoutIpv6(NatLab.MAC);
        assertThatIpv6IsSilent();
        lab.fromGuest(Packets6.neighbourSolicitation(STRANGER, Ipv6Address.ANY, Ipv6.GATEWAY));
        assertThat(Packets6.icmpType(lab.takeOne())).as("others hear").isEqualTo(136);
    }

    @Test
    void aGuestThatShallHaveNoIpv6MayHaveItInItsNextLife() {
        lab.stack.withoutIpv6(NatLab.MAC);
        lab.stack.forget(NatLab.MAC);
        lab.fromGuest(Packets6.neighbourSolicitation(NatLab.MAC, Ipv6Address.ANY, Ipv6.GATEWAY));
        assertThat(Packets6.icmpType(lab.takeOne())).isEqualTo(136);
    }

    private void assertThatIpv6IsSilent() {
        lab.fromGuest(Packets6.routerSolicitation(Packets6.LINK_LOCAL));
        lab.fromGuest(Packets6.neighbourSolicitation(NatLab.MAC, Ipv6Address.ANY, Ipv6.GATEWAY));
        lab.fromGuest(Packets6.echo(Packets6.GUEST, Ipv6.GATEWAY, new byte[1]));
        lab.fromGuest(udp(NatLab.MAC, Packets6.GUEST));
        lab.run(TimeUnit.HOURS.toNanos(1));
        assertThat(lab.take()).isEmpty();
        assertThat(lab.host.datagrams).isEmpty();
    }

    @Test
    void aRestrictedGuestReachesNothingButTheGateway() {
        lab = new NatLab(NatConfig.builder().restrict(true).build(), 1);
        lab.fromGuest(datagram(Packets6.GUEST, Packets6.OUTSIDE));
        assertUnreachable(lab.takeOne(), IcmpErrors.V6_PROHIBITED);
        lab.fromGuest(udp(NatLab.MAC, Packets6.GUEST));
        assertUnreachable(lab.takeOne(), IcmpErrors.V6_PORT);
        assertThat(lab.host.datagrams).isEmpty();
    }

    private static byte[] udp(long mac, Ipv6Address source) {
        return Packets6.udp(mac, source, 5000, Ipv6.GATEWAY, 7, new byte[1]);
    }

    private static byte[] datagram(Ipv6Address source, Ipv6Address destination) {
        return Packets6.udp(NatLab.MAC, source, 5000, destination, 7, new byte[1]);
    }

    private static void assertUnreachable(byte[] frame, int code) {
        assertThat(Packets6.icmpType(frame)).isEqualTo(1);
        assertThat(frame[Packets6.PAYLOAD + 1]).isEqualTo((byte) code);
    }
}

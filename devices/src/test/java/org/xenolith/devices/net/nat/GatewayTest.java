package org.xenolith.devices.net.nat;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** ARP, ping, UDP and fragments. */
class GatewayTest {
    private static final byte[] DATA = new byte[6000];

    static {
        new Random(1).nextBytes(DATA);
    }

    private NatLab lab = new NatLab();

    @Test
    void arpForGatewayAndNameServerIsAnsweredAndForOthersNot() {
        for (int own : new int[] {NatLab.GATEWAY, NatLab.DNS}) {
            lab.fromGuest(Packets.arp(ArpResponder.REQUEST, NatLab.MAC, NatLab.GUEST, own));
            byte[] reply = lab.takeOne();
            int at = Packets.IP;
            assertThat(Ethernet.getMac(Packets.view(reply), at + ArpResponder.SENDER_MAC))
                    .isEqualTo(Ipv4Output.OWN_MAC);
            assertThat(Packets.view(reply).getInt(at + ArpResponder.SENDER_IP)).isEqualTo(own);
        }
        lab.fromGuest(
                Packets.arp(ArpResponder.REQUEST, NatLab.MAC, NatLab.GUEST, NatLab.GUEST + 1));
        assertThat(lab.take()).isEmpty();
    }

    @Test
    void pingOfTheGatewayComesBackWithItsPayload() {
        byte[] request = Packets.icmpEcho(NatLab.GUEST, NatLab.GATEWAY, "payload".getBytes());
        lab.fromGuest(request);
        byte[] reply = lab.takeOne();
        assertThat(reply[Packets.PAYLOAD]).isEqualTo((byte) IcmpEcho.ECHO_REPLY);
        assertThat(Arrays.copyOfRange(reply, Packets.PAYLOAD + 4, reply.length))
                .isEqualTo(Arrays.copyOfRange(request, Packets.PAYLOAD + 4, request.length));
        assertThat(Packets.source(reply)).isEqualTo(NatLab.GATEWAY);
    }

    @Test
    void pingOfTheOutsideIsReportedAsNotPermitted() {
        lab.fromGuest(Packets.icmpEcho(NatLab.GUEST, Ipv4.parse("192.0.2.1"), new byte[10]));
        assertUnreachable(lab.takeOne(), IcmpErrors.PROHIBITED);
    }

    @Test
    void aDatagramGoesToTheHostsLoopbackAndTheAnswerComesBack() {
        sendUdp("ping".getBytes());
        FakeHost.Datagrams socket = lab.host.datagrams.getFirst();
        assertThat(socket.to.getAddress().isLoopbackAddress()).isTrue();
        assertThat(socket.to.getPort()).isEqualTo(7);
        assertThat(socket.sent.getFirst()).asString().isEqualTo("ping");
        socket.answer("pong".getBytes());
        assertThat(payload(lab.takeOne())).asString().isEqualTo("pong");
        sendUdp("again".getBytes());
        assertThat(lab.host.datagrams).as("one flow, one socket").hasSize(1);
    }

    @Test
    void anIdleFlowIsClosedAndABusyOneIsNot() {
        sendUdp(new byte[1]);
        lab.run(UdpFlows.IDLE_NANOS / 2);
        sendUdp(new byte[1]);
        lab.run(UdpFlows.IDLE_NANOS * 3 / 4);
        assertThat(lab.host.datagrams.getFirst().closed).isFalse();
        lab.run(UdpFlows.IDLE_NANOS / 2);
        assertThat(lab.host.datagrams.getFirst().closed).isTrue();
        assertThat(lab.stack.udp().size()).isZero();
    }

    @Test
    void aGuestThatIsGoneLosesItsFlows() {
        sendUdp(new byte[1]);
        lab.stack.forget(NatLab.MAC);
        assertThat(lab.host.datagrams.getFirst().closed).isTrue();
        assertThat(lab.stack.udp().size()).isZero();
    }

    @Test
    void theLongestIdleFlowMakesRoomForANewOne() {
        lab = new NatLab(NatConfig.builder().maxUdpFlows(3).build(), 1);
        for (int port : new int[] {1, 2, 3, 1, 4}) {
            lab.fromGuest(Packets.udp(NatLab.GUEST, port, NatLab.GATEWAY, 7, new byte[1]));
            lab.settle();
        }
        assertThat(lab.host.datagrams)
                .extracting(socket -> socket.closed)
                .containsExactly(false, true, false, false);
    }

    @Test
    void anAnswerWaitsWhileTheSwitchIsFullUnlessManyDoAlready() {
        sendUdp(new byte[1]);
        lab.full = true;
        FakeHost.Datagrams socket = lab.host.datagrams.getFirst();
        for (int i = 0; i < 2 * Egress.MAX_WAITING; i++) {
            socket.answer(new byte[] {(byte) i});
        }
        lab.room();
        List<byte[]> answers = lab.take();
        assertThat(answers).hasSize(Egress.MAX_WAITING / 2);
        assertThat(payload(answers.get(1))).containsExactly(1);
    }

    @Test
    void aRefusedDatagramIsPortUnreachable() {
        sendUdp(new byte[1]);
        lab.host.datagrams.getFirst().events.refused();
        assertUnreachable(lab.takeOne(), IcmpErrors.PORT);
    }

    @Test
    void aLargeAnswerComesInFragmentsOfTheMtu() {
        sendUdp(new byte[1]);
        lab.host.datagrams.getFirst().answer(DATA);
        List<byte[]> fragments = lab.take();
        assertThat(fragments).hasSize(5);
        byte[] whole = new byte[UdpFlows.HEADER_BYTES + DATA.length];
        for (byte[] each : fragments) {
            assertThat(each.length).isLessThanOrEqualTo(14 + 1500);
            int offset = (Packets.view(each).getShort(Packets.IP + Ipv4.FRAGMENT) & 0x1fff) * 8;
            System.arraycopy(each, Packets.PAYLOAD, whole, offset, each.length - Packets.PAYLOAD);
        }
        assertThat(Arrays.copyOfRange(whole, 8, whole.length)).isEqualTo(DATA);
    }

    @Test
    void fragmentsOfAGuestAreJoinedInAnyOrder() {
        List<byte[]> fragments = fragments();
        for (int i : new int[] {3, 0, 4, 2, 1}) {
            lab.fromGuest(fragments.get(i));
            lab.settle();
        }
        assertThat(lab.host.datagrams.getFirst().sent.getFirst()).isEqualTo(DATA);
        assertThat(lab.stack.reassembly().size()).isZero();
    }

    @Test
    void overlappingFragmentsEndTheirPacket() {
        List<byte[]> fragments = fragments();
        lab.fromGuest(fragments.get(0));
        lab.fromGuest(fragments.get(0));
        fragments.subList(1, 5).forEach(lab::fromGuest);
        lab.settle();
        assertThat(lab.host.datagrams).isEmpty();
        fragments.forEach(lab::fromGuest);
        lab.settle();
        assertThat(lab.host.datagrams).as("and what still comes of it").isEmpty();
        lab.run(Reassembly.TIMEOUT_NANOS);
        fragments.forEach(lab::fromGuest);
        lab.settle();
        assertThat(lab.host.datagrams).as("another packet of that number").hasSize(1);
    }

    @Test
    void unfinishedPacketsAreFewAndShortLived() {
        for (int id = 0; id < 1000; id++) {
            lab.fromGuest(
                    Packets.ip(
                            NatLab.MAC,
                            NatLab.GUEST,
                            NatLab.GATEWAY,
                            Ipv4.UDP,
                            new byte[800],
                            id,
                            Ipv4.MORE_FRAGMENTS));
        }
        lab.settle();
        assertThat(lab.stack.reassembly().size()).isEqualTo(Reassembly.MAX_PACKETS);
    }

    @Test
    void aLeasedAddressIsUsableByItsOwnerOnly() {
        lab =
                new NatLab(
                        NatConfig.builder().guest("00:16:3e:00:00:02", "10.0.2.15", null).build(),
                        1);
        sendUdp(new byte[1]);
        assertThat(lab.host.datagrams).isEmpty();
    }

    @Test
    void sourcesOutsideTheSubnetAreDropped() {
        for (String source : new String[] {"10.0.3.1", "127.0.0.1", "10.0.2.2", "10.0.2.255"}) {
            lab.fromGuest(Packets.udp(Ipv4.parse(source), 1, NatLab.GATEWAY, 7, new byte[1]));
        }
        assertThat(lab.take()).isEmpty();
        assertThat(lab.host.datagrams).isEmpty();
    }

    @Test
    void theHostsLoopbackIsNoDestinationByItsOwnAddress() {
        lab.fromGuest(Packets.udp(NatLab.GUEST, 1, Ipv4.LOOPBACK, 7, new byte[1]));
        lab.fromGuest(Packets.udp(NatLab.GUEST, 1, Ipv4.parse("224.0.0.251"), 7, new byte[1]));
        lab.settle();
        assertThat(lab.host.datagrams).isEmpty();
    }

    @Test
    void theHostsLoopbackCanBeClosed() {
        lab = new NatLab(NatConfig.builder().hostLoopback(false).build(), 1);
        sendUdp(new byte[1]);
        assertUnreachable(lab.takeOne(), IcmpErrors.PORT);
    }

    @Test
    void aRestrictedGuestReachesNothingButTheGateway() {
        lab = new NatLab(NatConfig.builder().restrict(true).build(), 1);
        lab.fromGuest(Packets.udp(NatLab.GUEST, 1, Ipv4.parse("192.0.2.1"), 7, new byte[1]));
        assertUnreachable(lab.takeOne(), IcmpErrors.PROHIBITED);
        sendUdp(new byte[1]);
        assertUnreachable(lab.takeOne(), IcmpErrors.PORT);
        lab.fromGuest(Packets.icmpEcho(NatLab.GUEST, NatLab.GATEWAY, new byte[1]));
        assertThat(lab.takeOne()[Packets.PAYLOAD]).isEqualTo((byte) IcmpEcho.ECHO_REPLY);
        assertThat(lab.host.datagrams).isEmpty();
    }

    @Test
    void framesForOthersThatTheSwitchFloodsAreIgnored() {
        byte[] frame = Packets.udp(NatLab.GUEST, 1, NatLab.GATEWAY, 7, new byte[1]);
        Ethernet.setMac(Packets.view(frame), Ethernet.DESTINATION, 0x00_16_3e_00_00_09L);
        lab.fromGuest(frame);
        lab.settle();
        assertThat(lab.host.datagrams).isEmpty();
    }

    private void sendUdp(byte[] payload) {
        lab.fromGuest(Packets.udp(NatLab.GUEST, 5000, NatLab.GATEWAY, 7, payload));
        lab.settle();
    }

    private static List<byte[]> fragments() {
        byte[] datagram = Packets.udpDatagram(NatLab.GUEST, 5000, NatLab.GATEWAY, 7, DATA);
        List<byte[]> fragments = new ArrayList<>();
        for (int at = 0; at < datagram.length; at += 1480) {
            int end = Math.min(at + 1480, datagram.length);
            int more = end < datagram.length ? Ipv4.MORE_FRAGMENTS : 0;
            fragments.add(
                    Packets.ip(
                            NatLab.MAC,
                            NatLab.GUEST,
                            NatLab.GATEWAY,
                            Ipv4.UDP,
                            Arrays.copyOfRange(datagram, at, end),
                            9,
                            more | at / 8));
        }
        return fragments;
    }

    private static byte[] payload(byte[] frame) {
        return Arrays.copyOfRange(frame, Packets.PAYLOAD + UdpFlows.HEADER_BYTES, frame.length);
    }

    private static void assertUnreachable(byte[] frame, int code) {
        assertThat(Packets.protocol(frame)).isEqualTo(Ipv4.ICMP);
        assertThat(frame[Packets.PAYLOAD]).isEqualTo((byte) IcmpErrors.DESTINATION_UNREACHABLE);
        assertThat(frame[Packets.PAYLOAD + 1]).isEqualTo((byte) code);
    }
}

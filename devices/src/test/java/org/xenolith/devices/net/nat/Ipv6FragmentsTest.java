package org.xenolith.devices.net.nat;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** Packets larger than the MTU over IPv6, in both directions; and what guests do with fragments. */
class Ipv6FragmentsTest {
    private static final long STRANGER = 0x00_16_3e_00_00_02L;
    private static final int MTU = 1500, STEP = 1448;
    private static final byte[] DATA = new byte[6000];

    static {
        new Random(6).nextBytes(DATA);
    }

    private final NatLab lab = new NatLab();

    private static byte[] udp(byte[] payload) {
        return Packets6.udp(NatLab.MAC, Packets6.GUEST, 5000, Ipv6.GATEWAY, 7, payload);
    }

    private static List<byte[]> fragments(int id) {
        return Packets6.fragments(udp(DATA), id, STEP);
    }

    private void fromGuest(List<byte[]> frames) {
        frames.forEach(lab::fromGuest);
        lab.settle();
    }

    private byte[] onlyDatagram() {
        assertThat(lab.host.datagrams).hasSize(1);
        return lab.host.datagrams.getFirst().sent.getFirst();
    }

    // ---- to the guest

    @Test
    void aLargeAnswerComesInFragmentsOfTheMtu() {
        lab.fromGuest(udp(new byte[1]));
        lab.settle();
        lab.host.datagrams.getFirst().answer(DATA);
        List<byte[]> fragments = lab.take();
        assertThat(fragments).hasSize(5);
        byte[] packet = Packets6.joined(fragments, MTU);
        assertThat(Packets6.read(packet).source).isEqualTo(Ipv6.GATEWAY);
        assertThat(Arrays.copyOfRange(packet, Packets6.PAYLOAD + 8, packet.length)).isEqualTo(DATA);
        lab.host.datagrams.getFirst().answer(DATA);
        int id = Packets.view(fragments.getFirst()).getInt(Packets6.PAYLOAD + Ipv6.FRAGMENT_ID);
        assertThat(Packets.view(lab.take().getFirst()).getInt(Packets6.PAYLOAD + Ipv6.FRAGMENT_ID))
                .as("identification of the next packet")
                .isEqualTo(id + 1);
    }

    @Test
    void theLargestDatagramOfUdpComesToo() {
        lab.fromGuest(udp(new byte[1]));
        lab.settle();
        byte[] largest = new byte[0xffff - UdpFlows.HEADER_BYTES];
        lab.host.datagrams.getFirst().answer(largest);
        byte[] packet = Packets6.joined(lab.take(), MTU);
        assertThat(packet.length).isEqualTo(Packets6.PAYLOAD + 0xffff);
        Packets6.read(packet);
    }

    // ---- from the guest

    @Test
    void fragmentsOfAGuestAreJoinedInAnyOrder() {
        List<byte[]> fragments = fragments(9);
        for (int i : new int[] {3, 0, 4, 2, 1}) {
            fromGuest(List.of(fragments.get(i)));
        }
        assertThat(onlyDatagram()).isEqualTo(DATA);
        assertThat(lab.stack.reassembly().size()).isZero();
    }

    @Test
    void theFirstFragmentSaysWhatThePacketIs() {
        List<byte[]> fragments = fragments(9);
        fragments.get(2)[Packets6.PAYLOAD] = Ipv4.TCP;
        fromGuest(fragments);
        assertThat(onlyDatagram()).isEqualTo(DATA);
    }

    @Test
    void aFragmentThatIsAllOfItsPacketIsThatPacket() {
        List<byte[]> unfinished = fragments(9).subList(0, 1);
        fromGuest(unfinished);
        fromGuest(Packets6.fragments(udp(new byte[5]), 9, STEP));
        assertThat(onlyDatagram()).as("whatever others have its number").isEqualTo(new byte[5]);
    }

    @Test
    void pingInFragmentsComesBackInFragments() {
        byte[] request = Packets6.echo(Packets6.GUEST, Ipv6.GATEWAY, DATA);
        fromGuest(Packets6.fragments(request, 9, STEP));
        byte[] reply = Packets6.joined(lab.take(), MTU);
        assertThat(Packets6.icmpType(reply)).isEqualTo(Icmpv6.ECHO_REPLY);
        int behind = Packets6.PAYLOAD + 4;
        assertThat(Arrays.copyOfRange(reply, behind, reply.length))
                .isEqualTo(Arrays.copyOfRange(request, behind, request.length));
    }

    // ---- what is none of that

    @ParameterizedTest
    @ValueSource(ints = {0, 8, 16, STEP - 8})
    void overlappingFragmentsEndTheirPacketAndAllThatStillComesOfIt(int overlap) {
        List<byte[]> fragments = fragments(9);
        lab.fromGuest(fragments.get(0));
        lab.fromGuest(Packets6.fragment(udp(DATA), 9, STEP - 8 - overlap, STEP));
        fromGuest(fragments.subList(1, 5));
        fromGuest(fragments);
        assertThat(lab.host.datagrams).isEmpty();
        fromGuest(fragments(10));
        assertThat(onlyDatagram()).as("another packet").isEqualTo(DATA);
        lab.run(Reassembly.TIMEOUT_NANOS);
        fromGuest(fragments(9));
        assertThat(lab.host.datagrams.getFirst().sent).as("much later").hasSize(2);
    }

    @Test
    void fragmentsThatLeaveThePacketsLimitOrTheGridAreDropped() {
        byte[] packet = udp(DATA);
        byte[] beyond = Packets6.fragment(packet, 9, 0, STEP);
        Packets.view(beyond).setShort(Packets6.PAYLOAD + Ipv6.FRAGMENT_OFFSET, 0xfff8);
        byte[] crooked = Packets6.fragment(packet, 9, 0, 100);
        byte[] nothing = Packets6.fragment(packet, 9, 0, 0);
        byte[] tooShort = Arrays.copyOf(nothing, nothing.length - 4);
        Packets.view(tooShort).setShort(Packets6.IP + Ipv6.PAYLOAD_LENGTH, 4);
        fromGuest(List.of(beyond, crooked, nothing, tooShort));
        assertThat(lab.stack.reassembly().size()).isZero();
        assertThat(lab.take()).isEmpty();
    }

    @Test
    void neighboursAreNotAskedForInFragments() {
        byte[] asking =
                Packets6.neighbourSolicitation(NatLab.MAC, Packets6.LINK_LOCAL, Ipv6.GATEWAY);
        int whole = asking.length - Packets6.PAYLOAD;
        fromGuest(List.of(Packets6.fragment(asking, 9, 0, whole)));
        fromGuest(Packets6.fragments(asking, 9, 16));
        assertThat(lab.take()).as("answers").isEmpty();
    }

    @Test
    void aGuestThatFloodsWithFragmentsLeavesRoomForItsNeighbour() {
        lab.fromGuest(fragments(0).getFirst());
        byte[] packet =
                Packets6.udp(
                        STRANGER,
                        new Ipv6Address(Ipv6.PREFIX, Ipv6Address.interfaceOf(STRANGER)),
                        5000,
                        Ipv6.GATEWAY,
                        7,
                        DATA);
        List<byte[]> neighbours = Packets6.fragments(packet, 9, STEP);
        for (int id = 0; id < 1000; id++) {
            fromGuest(fragments(1000 + id).subList(0, 2));
            if (id % 200 == 0) {
                fromGuest(List.of(neighbours.get(id / 200)));
            }
            assertThat(lab.stack.reassembly().size()).isLessThanOrEqualTo(Reassembly.MAX_PACKETS);
        }
        assertThat(onlyDatagram()).isEqualTo(DATA);
        lab.run(Reassembly.TIMEOUT_NANOS);
        fromGuest(fragments(9).subList(0, 1));
        assertThat(lab.stack.reassembly().size()).as("the others are forgotten").isEqualTo(1);
        lab.stack.close();
        assertThat(lab.bytesAllocated()).isZero();
    }
}

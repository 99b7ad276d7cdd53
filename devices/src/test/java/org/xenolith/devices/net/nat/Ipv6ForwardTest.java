package org.xenolith.devices.net.nat;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.net.ConnectException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Connections that came over IPv6, on their way to a guest. */
class Ipv6ForwardTest {
    private static final int PORT = 80;
    private static final long STRANGER = 0x00_16_3e_00_00_02L;

    private final NatLab lab = new NatLab();
    private final List<String> events = new ArrayList<>();
    private final List<byte[]> syns = new ArrayList<>();
    private TcpConnection connection; // that the host's end belongs to
    private int solicitations;

    /** What the guest does. */
    private boolean answersSolicitations = true;

    private GuestTcp server; // over IPv6, or null
    private boolean refuses; // over IPv6
    private GuestTcp server4 = new GuestTcp(lab, PORT, NatLab.GATEWAY, 0);

    @BeforeEach
    void guestIsOnTheLink() {
        lab.guest = this::receive;
        server4.listen();
        lab.fromGuest(Packets.arp(ArpResponder.REQUEST, NatLab.MAC, NatLab.GUEST, NatLab.GATEWAY));
        lab.settle();
    }

    private void receive(byte[] frame) {
        if (Packets.view(frame).getUnsignedShort(Ethernet.ETHERTYPE) != Ipv6.ETHERTYPE) {
            server4.receive(frame);
            return;
        }
        int type = Packets6.icmpType(frame);
        if (type == NeighbourDiscovery.NEIGHBOUR_SOLICITATION) {
            solicitations++;
            if (answersSolicitations) {
                lab.fromGuest(Packets6.neighbourAdvertisement(NatLab.MAC, Packets6.GUEST));
            }
        } else if (type < 0) {
            receiveTcp(frame);
        }
    }

    private void receiveTcp(byte[] frame) {
        TcpSegment segment = Packets.tcp(frame);
        if (segment.has(TcpSegment.SYN)) {
            syns.add(frame);
        }
        if (server != null) {
            server.receive(frame);
        } else if (refuses) {
            ByteBuf reset =
                    Packets.segment(
                            PORT,
                            segment.sourcePort,
                            0,
                            segment.sequence + 1,
                            TcpSegment.RST | TcpSegment.ACK,
                            0,
                            new byte[0],
                            new byte[0]);
            lab.fromGuest(Packets6.tcp(Packets6.GUEST, Ipv6.GATEWAY, reset));
        }
    }

    private void listensOverIpv6() {
        server = GuestTcp.overIpv6(lab, PORT, Ipv6.GATEWAY, 0);
        server.listen();
        lab.guest = this::receive;
    }

    /** The guest makes an address and asks whether another has it. */
    private void announces(Ipv6Address address) {
        lab.fromGuest(Packets6.neighbourSolicitation(NatLab.MAC, Ipv6Address.ANY, address));
        lab.settle();
    }

    private void connect() {
        connect("10.0.2.15");
    }

    private void connect(String guest) {
        End end = new End();
        GuestOpener.openOverIpv6(lab.stack, guest, PORT, end, end);
        lab.settle();
    }

    /** The host's end of a connection that sends nothing. */
    private final class End implements HostStream, GuestOpener.End, TcpHandshake.Opener {
        @Override
        public HostStream stream() {
            return this;
        }

        @Override
        public void opening(TcpConnection opening) {
            connection = opening;
        }

        @Override
        public void opened() {
            events.add(connection.path() instanceof Ipv6Path ? "over IPv6" : "over IPv4");
        }

        @Override
        public void failed(ConnectException cause) {
            events.add(cause.getMessage());
        }

        @Override
        public void write(ByteBuf bytes) {
            bytes.release();
        }

        @Override
        public void flush() {}

        @Override
        public void read(boolean wanted) {}

        @Override
        public void shutdownOutput() {}

        @Override
        public void close(Runnable gone) {
            gone.run();
        }

        @Override
        public void reset() {
            events.add("reset");
        }
    }

    @Test
    void guestThatHasAnnouncedAnAddressIsAskedForItAndReachedThere() {
        listensOverIpv6();
        announces(Packets6.GUEST);
        connect();
        lab.run(TimeUnit.MILLISECONDS.toNanos(110));
        assertThat(events).containsExactly("over IPv6");
        assertThat(solicitations).isEqualTo(1);
        Ipv6Packet syn = Packets6.read(syns.getFirst());
        assertThat(syn.source).isEqualTo(Ipv6.GATEWAY);
        assertThat(syn.destination).isEqualTo(Packets6.GUEST);

        connect();
        assertThat(events).as("known now, no wait").containsExactly("over IPv6", "over IPv6");
        assertThat(solicitations).isEqualTo(1);
    }

    @Test
    void guestThatWasHeardOverIpv6IsReachedThere() {
        listensOverIpv6();
        lab.fromGuest(Packets6.echo(Packets6.GUEST, Ipv6.GATEWAY, new byte[1]));
        lab.settle();
        connect();
        assertThat(events).containsExactly("over IPv6");
        assertThat(solicitations).isZero();
    }

    @Test
    void guestOfWhichNothingIsKnownIsReachedOverIpv4AtOnce() {
        lab.fromGuest(Packets6.routerSolicitation(Packets6.LINK_LOCAL));
        lab.settle();
        connect();
        assertThat(events).as("an address of the link leads nowhere").containsExactly("over IPv4");
        assertThat(syns).isEmpty();
    }

    @Test
    void serverThatListensOnIpv4AloneIsReachedThere() {
        refuses = true;
        announces(Packets6.GUEST);
        connect();
        lab.run(TimeUnit.MILLISECONDS.toNanos(110));
        assertThat(syns).hasSize(1);
        assertThat(events).containsExactly("over IPv4");
        assertThat(lab.stack.tcp().size()).isEqualTo(1);
    }

    @Test
    void guestThatDoesNotAnswerSolicitationsIsReachedOverIpv4AndNotWaitedForAgain() {
        answersSolicitations = false;
        announces(Packets6.GUEST);
        connect();
        assertThat(events).isEmpty();
        lab.run(GuestOpener.IPV6_PATIENCE_NANOS);
        assertThat(events).containsExactly("over IPv4");
        connect();
        assertThat(events).containsExactly("over IPv4", "over IPv4");
    }

    @Test
    void guestThatIsSilentToConnectionsIsReachedOverIpv4AndNotWaitedForAgain() {
        announces(Packets6.GUEST);
        lab.fromGuest(Packets6.echo(Packets6.GUEST, Ipv6.GATEWAY, new byte[1]));
        lab.settle();
        connect();
        assertThat(events).isEmpty();
        lab.run(GuestOpener.IPV6_PATIENCE_NANOS);
        assertThat(events).containsExactly("over IPv4");
        assertThat(syns).hasSizeGreaterThan(1);
        connect();
        assertThat(events).containsExactly("over IPv4", "over IPv4");

        listensOverIpv6();
        lab.fromGuest(Packets6.echo(Packets6.GUEST, Ipv6.GATEWAY, new byte[1]));
        lab.settle();
        connect();
        assertThat(events).as("heard again").endsWith("over IPv6");
    }

    @Test
    void addressOfAnotherGuestIsNotReachedUnderThisOnesName() {
        announces(Packets6.GUEST);
        Ipv6Address others = Ipv6Address.parse("fd00::1234:5678:9abc:def0");
        lab.fromGuest(Packets6.udp(STRANGER, others, 5000, Ipv6.GATEWAY, 7, new byte[1]));
        announces(others);
        connect();
        assertThat(events).as("the announcement was a lie").containsExactly("over IPv4");
    }

    @Test
    void addressThatAnotherGuestAnswersForIsNotReachedUnderThisOnesName() {
        Ipv6Address others = Ipv6Address.parse("fd00::1234:5678:9abc:def0");
        answersSolicitations = false;
        announces(others);
        connect();
        lab.fromGuest(Packets6.neighbourAdvertisement(STRANGER, others));
        lab.run(GuestOpener.IPV6_PATIENCE_NANOS);
        assertThat(events).containsExactly("over IPv4");
        assertThat(syns).isEmpty();
    }

    @Test
    void guestThatIsGoneIsForgottenAndThatMayNotSpeakIpv6IsNotReachedThere() {
        announces(Packets6.GUEST);
        lab.stack.forget(NatLab.MAC);
        assertThat(lab.stack.ipv6Neighbours().addressOf(NatLab.MAC)).isNull();
        lab.stack.withoutIpv6(NatLab.MAC);
        announces(Packets6.GUEST);
        assertThat(lab.stack.ipv6Neighbours().addressOf(NatLab.MAC)).isNull();
    }

    @Test
    void connectionThatTheHostGivesUpMeanwhileIsNotTriedOverIpv4() {
        announces(Packets6.GUEST);
        lab.fromGuest(Packets6.echo(Packets6.GUEST, Ipv6.GATEWAY, new byte[1]));
        lab.settle();
        connect();
        connection.host().broken();
        lab.run(TimeUnit.SECONDS.toNanos(40));
        assertThat(events).isEmpty();
        assertThat(lab.stack.tcp().size()).isZero();
    }

    @Test
    void guestThatIsReachedNeitherWayIsGivenUpOnce() {
        refuses = true;
        server4 = new GuestTcp(lab, PORT + 1, NatLab.GATEWAY, 0);
        lab.guest = this::receive;
        announces(Packets6.GUEST);
        connect();
        lab.run(TimeUnit.SECONDS.toNanos(40));
        assertThat(events)
                .containsExactly("Cannot connect to 10.0.2.15:80: the guest does not answer");
        assertThat(lab.stack.tcp().size()).isZero();
    }

    @Test
    @Timeout(value = 10, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void guestWhoseNameAppearsJustBeforeTheEndIsGivenUpInTimeToo() {
        answersSolicitations = false;
        announces(Packets6.GUEST);
        connect("web1");
        lab.run(GuestOpener.PATIENCE_NANOS - TimeUnit.MILLISECONDS.toNanos(500));
        lab.stack.leases().reserve(NatLab.MAC, "web1");
        lab.run(TimeUnit.SECONDS.toNanos(2));
        assertThat(events)
                .containsExactly("Cannot connect to 10.0.2.15:80: the guest does not answer");
    }

    @Test
    void announcementsOfManyAreBounded() {
        for (int i = 0; i < 2 * Ipv6Neighbours.MAX_ADDRESSES; i++) {
            lab.stack
                    .ipv6Neighbours()
                    .announce(new Ipv6Address(Ipv6.PREFIX, 0x100 + i), 0x100L + i * 2);
        }
        assertThat(lab.stack.ipv6Neighbours().announcements())
                .isEqualTo(Ipv6Neighbours.MAX_ADDRESSES);
    }
}

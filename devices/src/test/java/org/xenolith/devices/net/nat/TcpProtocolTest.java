package org.xenolith.devices.net.nat;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.xenolith.devices.net.EthernetFrame;

import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The NAT's TCP segment by segment, on a clock that the test moves. */
class TcpProtocolTest {
    private static final byte[] NOTHING = {};
    private static final byte[] OPTIONS = {2, 4, 0x05, (byte) 0xb4, 1, 3, 3, 7};
    private static final int PORT = 40000;
    private static final int ISS = 1000;
    private static final int WINDOW = 512; // << 7
    private static final long SETTLING_NANOS = 2_000_000;

    private final NatLab lab = new NatLab();
    private int natSequence; // what the NAT sends next

    @Test
    void theGuestIsAnsweredOnlyWhenTheHostIsConnected() {
        syn(OPTIONS);
        assertThat(lab.take()).isEmpty();
        lab.host.answerAll();
        TcpSegment answer = Packets.tcp(lab.takeOne());
        assertThat(answer.flags).isEqualTo(TcpSegment.SYN | TcpSegment.ACK);
        assertThat(answer.acknowledgement).isEqualTo(ISS + 1);
        assertThat(answer.mss).isEqualTo(1460);
        assertThat(answer.windowScale).isEqualTo(TcpReceiver.WINDOW_SCALE);
        assertThat(lab.host.last().to.getAddress().isLoopbackAddress()).isTrue();
    }

    @Test
    void aGuestWithoutWindowScalingGetsNone() {
        syn(new byte[] {2, 4, 0x02, 0x18});
        lab.settle();
        lab.host.answerAll();
        assertThat(Packets.tcp(lab.takeOne()).windowScale).isEqualTo(-1);
    }

    @Test
    void aRefusalByTheHostIsAReset() {
        syn(OPTIONS);
        lab.settle();
        lab.host.last().refuse(new ConnectException("Connection refused"));
        TcpSegment answer = Packets.tcp(lab.takeOne());
        assertThat(answer.flags).isEqualTo(TcpSegment.RST | TcpSegment.ACK);
        assertThat(answer.acknowledgement).isEqualTo(ISS + 1);
        assertThat(lab.stack.tcp().size()).isZero();
    }

    @Test
    void anUnreachableHostIsAnIcmpErrorThatQuotesTheSyn() {
        syn(OPTIONS);
        lab.settle();
        lab.host.last().refuse(new NoRouteToHostException("No route to host"));
        byte[] error = lab.takeOne();
        assertThat(Packets.protocol(error)).isEqualTo(Ipv4.ICMP);
        assertThat(error[Packets.PAYLOAD]).isEqualTo((byte) IcmpErrors.DESTINATION_UNREACHABLE);
        int quoted = Packets.PAYLOAD + IcmpErrors.HEADER_BYTES + Ipv4.HEADER_BYTES;
        assertThat(Packets.view(error).getUnsignedShort(quoted)).isEqualTo(PORT);
        assertThat(Packets.view(error).getInt(quoted + 4)).isEqualTo(ISS);
    }

    @Test
    void aSynThatIsRepeatedConnectsTheHostOnce() {
        syn(OPTIONS);
        syn(OPTIONS);
        lab.settle();
        assertThat(lab.host.streams).hasSize(1);
    }

    @Test
    void aSynThatComesAgainIsAnsweredAgainAtOnce() {
        syn(OPTIONS);
        lab.settle();
        lab.host.answerAll();
        TcpSegment first = Packets.tcp(lab.takeOne());
        syn(OPTIONS);
        TcpSegment second = Packets.tcp(lab.takeOne());
        assertThat(second.flags).isEqualTo(TcpSegment.SYN | TcpSegment.ACK);
        assertThat(second.sequence).isEqualTo(first.sequence);
    }

    @Test
    void aLostSynAckIsRepeatedWithDoublingPauses() {
        syn(OPTIONS);
        lab.settle();
        lab.host.answerAll();
        lab.settle();
        assertThat(sendTimes(60)).containsExactly(1000L, 3000L, 7000L, 15_000L);
        assertThat(lab.stack.tcp().size()).as("then it is given up").isZero();
        assertThat(lab.host.last().reset).isTrue();
    }

    @Test
    void lostDataIsRepeatedWithDoublingPausesAndThenGivenUp() {
        connect();
        lab.host.last().send(new byte[100]);
        lab.settle();
        List<Long> times = sendTimes(600);
        assertThat(times).startsWith(200L, 600L, 1400L, 3000L, 6200L, 12_600L, 25_400L);
        assertThat(times).as("ten times again, and the reset").hasSize(11);
        assertThat(lab.host.last().reset).isTrue();
        assertThat(lab.stack.tcp().size()).isZero();
    }

    /** When the NAT sends each frame, in milliseconds after the first, which was sent before. */
    private List<Long> sendTimes(int seconds) {
        List<Long> times = new ArrayList<>();
        long start = lab.now() - SETTLING_NANOS;
        lab.guest = frame -> times.add((lab.now() - start - lab.delayNanos) / 1_000_000);
        lab.run(TimeUnit.SECONDS.toNanos(seconds));
        return times;
    }

    @Test
    void threeDuplicateAcknowledgementsBringTheMissingSegmentAtOnce() {
        connect();
        lab.host.last().send(new byte[10 * 1460]);
        lab.take();
        long before = lab.now();
        for (int i = 0; i < 3; i++) {
            ack(natSequence, WINDOW);
        }
        TcpSegment again = Packets.tcp(lab.takeOne());
        assertThat(again.sequence).isEqualTo(natSequence);
        assertThat(again.payloadBytes).isEqualTo(1460);
        assertThat(lab.now() - before).isLessThan(RttEstimator.MIN_RTO_NANOS);
    }

    @Test
    void aResetWithTheExactSequenceNumberResetsTheHost() {
        connect();
        segment(ISS + 1, natSequence, TcpSegment.RST, NOTHING);
        lab.settle();
        assertThat(lab.host.last().reset).isTrue();
        assertThat(lab.stack.tcp().size()).isZero();
    }

    @Test
    void aResetElsewhereInTheWindowIsOnlyChallenged() {
        connect();
        segment(ISS + 5, natSequence, TcpSegment.RST, NOTHING);
        assertThat(Packets.tcp(lab.takeOne()).acknowledgement).isEqualTo(ISS + 1);
        assertThat(lab.host.last().reset).isFalse();
    }

    @Test
    void aSynWithinAConnectionIsOnlyChallenged() {
        connect();
        segment(ISS + 1, 0, TcpSegment.SYN, NOTHING);
        assertThat(Packets.tcp(lab.takeOne()).flags).isEqualTo(TcpSegment.ACK);
        assertThat(lab.stack.tcp().size()).isEqualTo(1);
    }

    @Test
    void anAcknowledgementOfBytesNeverSentIsChallengedAndItsDataDropped() {
        connect();
        segment(ISS + 1, natSequence + 1000, TcpSegment.ACK, new byte[10]);
        assertThat(Packets.tcp(lab.takeOne()).acknowledgement).isEqualTo(ISS + 1);
        assertThat(lab.host.last().taken.size()).isZero();
    }

    @Test
    void challengesAreLimitedPerSecond() {
        connect();
        for (int i = 0; i < 1000; i++) {
            segment(ISS + 5, natSequence, TcpSegment.RST, NOTHING);
        }
        assertThat(lab.take()).hasSizeBetween(1, 200);
    }

    @Test
    void aKeepAliveIsAnswered() {
        connect();
        segment(ISS, natSequence, TcpSegment.ACK, NOTHING);
        assertThat(Packets.tcp(lab.takeOne()).acknowledgement).isEqualTo(ISS + 1);
    }

    @Test
    void aFrameOfManySegmentsWithAPendingChecksumIsTakenWhole() {
        connect();
        byte[] frame =
                frame(ISS + 1, natSequence, TcpSegment.ACK, WINDOW, NOTHING, new byte[40000]);
        frame[Packets.PAYLOAD + TcpSegment.CHECKSUM] ^= 0x55;
        lab.deliver(frame, true);
        assertThat(lab.host.last().taken.size()).isEqualTo(40000);
        assertThat(Packets.tcp(lab.takeOne()).acknowledgement).isEqualTo(ISS + 40001);
    }

    @Test
    void aWrongChecksumIsDroppedUnlessItIsPending() {
        connect();
        byte[] frame = frame(ISS + 1, natSequence, TcpSegment.ACK, WINDOW, NOTHING, new byte[100]);
        frame[Packets.PAYLOAD + TcpSegment.CHECKSUM] ^= 0x55;
        lab.deliver(frame, false);
        assertThat(lab.host.last().taken.size()).isZero();
    }

    @Test
    void largeSegmentsGoToTheGuestUncut() {
        connect();
        growWindow();
        lab.largest = 0;
        lab.host.last().send(new byte[60_000]);
        lab.settle();
        assertThat(lab.largest).isGreaterThan(20_000);
    }

    @Test
    void withoutOffloadNothingLargerThanTheMtuIsSent() {
        NatLab plain = new NatLab(NatConfig.builder().offload(false).build(), 1);
        GuestTcp guest = new GuestTcp(plain, PORT, NatLab.GATEWAY, 80);
        guest.connect();
        plain.settle();
        plain.host.answerAll();
        plain.settle();
        plain.host.last().send(new byte[100_000]);
        plain.run(TimeUnit.SECONDS.toNanos(1));
        assertThat(guest.in.size()).isEqualTo(100_000);
        assertThat(plain.largest).isEqualTo(EthernetFrame.HEADER_BYTES + 1500);
    }

    @Test
    void theWindowClosesWhileTheHostTakesNothingAndOpensAgain() {
        GuestTcp guest = guest();
        FakeHost.Stream host = lab.host.last();
        host.takes = false;
        guest.send(new byte[5_000_000]);
        lab.run(TimeUnit.SECONDS.toNanos(20));
        long held = lab.stack.budget().usedBytes();
        assertThat(held).isBetween(100_000L, 1L << 20);
        host.takeAgain();
        lab.run(TimeUnit.SECONDS.toNanos(20));
        assertThat(host.taken.size()).isEqualTo(5_000_000);
        assertThat(lab.stack.budget().usedBytes()).isZero();
    }

    @Test
    void theHostIsNotReadWhileTheGuestTakesNothing() {
        connect();
        FakeHost.Stream host = lab.host.last();
        int sent = 0;
        while (host.reads) {
            host.send(new byte[10_000]);
            sent += 10_000;
            assertThat(sent).isLessThanOrEqualTo(2 << 20);
        }
        assertThat(lab.stack.budget().usedBytes()).isGreaterThan(1_000_000);
    }

    @Test
    void aClosedWindowOfTheGuestIsProbedUntilItOpens() {
        connect();
        ack(natSequence, 0);
        lab.settle();
        lab.host.last().send(new byte[5000]);
        List<Integer> lengths = new ArrayList<>();
        lab.guest =
                frame -> {
                    lengths.add(Packets.tcp(frame).payloadBytes);
                    ack(natSequence, 0);
                };
        lab.run(TimeUnit.MINUTES.toNanos(10));
        assertThat(lengths).hasSizeGreaterThan(8).containsOnly(0);
        lab.guest = lab.received::add;
        ack(natSequence, WINDOW);
        assertThat(lab.take().stream().mapToInt(each -> Packets.tcp(each).payloadBytes).sum())
                .isEqualTo(5000);
    }

    @Test
    void aGuestThatAnswersNoProbeIsGivenUp() {
        connect();
        ack(natSequence, 0);
        lab.settle();
        lab.host.last().send(new byte[5000]);
        lab.run(TimeUnit.HOURS.toNanos(1));
        assertThat(lab.host.last().reset).isTrue();
        assertThat(lab.stack.tcp().size()).isZero();
    }

    @Test
    void aWindowThatStaysSmallerThanASegmentIsFilledAfterAPauseAndTheGuestIsNotGivenUp() {
        connect();
        takeInSmallWindows();
        lab.host.last().send(new byte[256_000]);
        lab.run(TimeUnit.MILLISECONDS.toNanos(600));
        assertThat(lab.host.last().reset).isFalse();
        assertThat(takenInSmallWindows).as("there may soon be more room").isBetween(1, 2048);
        lab.run(TimeUnit.MINUTES.toNanos(10));
        assertThat(lab.host.last().reset).isFalse();
        assertThat(takenInSmallWindows).isEqualTo(256_000);
        assertThat(lab.stack.budget().usedBytes()).isZero();
    }

    @Test
    void aWindowThatOpensALittleAfterManyProbesIsFilledAtOnce() {
        connect();
        ack(natSequence, 0);
        lab.settle();
        lab.host.last().send(new byte[5000]);
        lab.guest = frame -> ack(natSequence, 0);
        lab.run(TimeUnit.MINUTES.toNanos(10));
        takeInSmallWindows();
        ack(natSequence, 4);
        lab.run(TimeUnit.SECONDS.toNanos(1));
        assertThat(takenInSmallWindows).isPositive();
    }

    @Test
    void whatWasLostIsSentAgainInPiecesThatFitAWindowThatShrank() {
        connect();
        lab.host.last().send(new byte[5000]);
        lab.settle();
        ack(natSequence, 4);
        lab.settle();
        takeInSmallWindows();
        lab.run(TimeUnit.MINUTES.toNanos(10));
        assertThat(takenInSmallWindows).isEqualTo(5000);
        assertThat(lab.host.last().reset).isFalse();
    }

    private int takenInSmallWindows;

    /** The guest takes what comes, and has never more room than 512 bytes. */
    private void takeInSmallWindows() {
        ack(natSequence, 4);
        lab.settle();
        lab.guest =
                frame -> {
                    TcpSegment segment = Packets.tcp(frame);
                    assertThat(segment.payloadBytes).isLessThanOrEqualTo(512);
                    if (segment.sequence == natSequence + takenInSmallWindows) {
                        takenInSmallWindows += segment.payloadBytes;
                    }
                    ack(natSequence + takenInSmallWindows, 4);
                };
    }

    @Test
    void theGuestMayEndItsSideAndStillReceive() {
        GuestTcp guest = guest();
        guest.send("question".getBytes());
        guest.finish();
        lab.settle();
        FakeHost.Stream host = lab.host.last();
        assertThat(host.taken).hasToString("question");
        assertThat(host.ended).isTrue();
        assertThat(host.closed).isFalse();
        host.send("answer".getBytes());
        host.events.ended();
        lab.settle();
        assertThat(guest.in).hasToString("answer");
        assertThat(guest.remoteFinished).isTrue();
        assertThat(host.closed).isTrue();
        assertThat(lab.stack.tcp().size()).isZero();
    }

    @Test
    void theHostMayEndItsSideAndStillReceive() {
        GuestTcp guest = guest();
        FakeHost.Stream host = lab.host.last();
        host.send("greeting".getBytes());
        host.events.ended();
        lab.settle();
        assertThat(guest.remoteFinished).isTrue();
        guest.send("thanks".getBytes());
        guest.finish();
        lab.settle();
        assertThat(host.taken).hasToString("thanks");
        assertThat(lab.stack.tcp().size()).as("we closed first").isEqualTo(1);
        lab.run(TcpConnection.TIME_WAIT_NANOS);
        assertThat(lab.stack.tcp().size()).isZero();
    }

    @Test
    void aBrokenHostConnectionResetsTheGuest() {
        GuestTcp guest = guest();
        lab.host.last().events.broken();
        lab.settle();
        assertThat(guest.reset).isTrue();
        assertThat(lab.stack.tcp().size()).isZero();
    }

    @Test
    void aGuestThatIsGoneIsNotTold() {
        connect();
        lab.stack.forget(NatLab.MAC);
        assertThat(lab.host.last().reset).isTrue();
        assertThat(lab.stack.tcp().size()).isZero();
        assertThat(lab.take()).as("the switch would tell everyone").isEmpty();
    }

    @Test
    void aPortPairInTimeWaitServesANewConnection() {
        GuestTcp guest = guest();
        lab.host.last().events.ended();
        lab.settle();
        guest.finish();
        lab.settle();
        lab.guest = lab.received::add;
        lab.fromGuest(
                Packets.tcp(
                        NatLab.GUEST,
                        PORT,
                        NatLab.GATEWAY,
                        80,
                        0x7fff_ff00 + 100_000,
                        0,
                        TcpSegment.SYN,
                        WINDOW,
                        OPTIONS,
                        NOTHING));
        lab.settle();
        assertThat(lab.host.streams).hasSize(2);
    }

    @Test
    void aSegmentOfNoConnectionIsAnsweredWithAReset() {
        segment(ISS, 4711, TcpSegment.ACK, NOTHING);
        TcpSegment answer = Packets.tcp(lab.takeOne());
        assertThat(answer.flags).isEqualTo(TcpSegment.RST);
        assertThat(answer.sequence).isEqualTo(4711);
    }

    @Test
    void aSynFloodOccupiesHalfOfTheHalfOpenLimitAndItsNeighbourStillConnects() {
        for (int port = 1; port < 20_000; port++) {
            lab.deliver(synOf(NatLab.MAC, NatLab.GUEST, port), false);
        }
        assertThat(lab.stack.tcp().size()).isEqualTo(TcpStack.MAX_HALF_OPEN / 2);
        assertThat(lab.host.streams).hasSize(TcpStack.MAX_HALF_OPEN / 2);
        lab.deliver(synOf(NatLab.MAC + 1, NatLab.GUEST + 1, 1), false);
        assertThat(lab.host.streams).hasSize(TcpStack.MAX_HALF_OPEN / 2 + 1);
    }

    private static byte[] synOf(long mac, int source, int port) {
        byte[] frame =
                Packets.tcp(
                        source,
                        port,
                        NatLab.GATEWAY,
                        80,
                        port,
                        0,
                        TcpSegment.SYN,
                        WINDOW,
                        OPTIONS,
                        NOTHING);
        Ethernet.setMac(Packets.view(frame), Ethernet.SOURCE, mac);
        return frame;
    }

    @Test
    void aFullSwitchStopsTheSenderAndRoomLetsItGoOn() {
        GuestTcp guest = guest();
        lab.full = true;
        lab.host.last().send(new byte[200_000]);
        lab.run(TimeUnit.SECONDS.toNanos(10));
        assertThat(guest.in.size()).isZero();
        lab.room();
        lab.run(TimeUnit.SECONDS.toNanos(10));
        assertThat(guest.in.size()).isEqualTo(200_000);
    }

    @Test
    void oneByteSegmentsDoNotHoldAPacketEach() {
        connect();
        FakeHost.Stream host = lab.host.last();
        host.takes = false;
        for (int i = 0; i < 10_000; i++) {
            segment(ISS + 1 + i, natSequence, TcpSegment.ACK, new byte[] {(byte) i});
        }
        lab.settle();
        host.takeAgain();
        assertThat(host.buffers).as("buffers for 10,000 bytes").isLessThan(10);
        assertThat(host.taken.size()).isEqualTo(10_000);
        assertThat(host.taken.toByteArray()[9999]).isEqualTo((byte) 9999);
    }

    @Test
    void oneByteSegmentsThatComeEarlyCountAsWhatTheyOccupy() {
        connect();
        for (int i = 1; i < OutOfOrder.MAX_SEGMENTS; i++) {
            segment(ISS + 1 + 2 * i, natSequence, TcpSegment.ACK, new byte[1]);
        }
        lab.settle();
        assertThat(lab.stack.budget().usedBytes()).isGreaterThan(50_000).isLessThan(1 << 20);
    }

    @Test
    void oneByteSegmentsThatCameEarlyDoNotHoldABufferEach() {
        connect();
        FakeHost.Stream host = lab.host.last();
        host.takes = false;
        int bytes = 100;
        for (int i = bytes - 1; i >= 0; i--) {
            segment(ISS + 1 + i, natSequence, TcpSegment.ACK, new byte[] {(byte) i});
        }
        lab.settle();
        host.takeAgain();
        assertThat(host.taken.size()).isEqualTo(bytes);
        assertThat(host.taken.toByteArray()[99]).isEqualTo((byte) 99);
        assertThat(host.buffers).as("buffers for %d bytes", bytes).isLessThan(5);
        assertThat(lab.stack.budget().usedBytes()).isZero();
    }

    @Test
    void aThousandConnectionsStayOpenAndCostLittle() {
        List<GuestTcp> guests = new ArrayList<>();
        for (int i = 0; i < 1000; i++) {
            guests.add(new GuestTcp(lab, 10_000 + i, NatLab.GATEWAY, 80));
        }
        lab.guest = frame -> guestOf(guests, frame).receive(frame);
        for (GuestTcp each : guests) {
            each.connect();
            lab.settle();
            lab.host.answerAll();
        }
        lab.run(TimeUnit.MINUTES.toNanos(10));
        for (int i = 0; i < 1000; i++) {
            guests.get(i).send(("from " + i).getBytes());
            lab.host.streams.get(i).send(("to " + i).getBytes());
        }
        lab.run(TimeUnit.SECONDS.toNanos(1));
        for (int i = 0; i < 1000; i++) {
            assertThat(lab.host.streams.get(i).taken).hasToString("from " + i);
            assertThat(guests.get(i).in).hasToString("to " + i);
        }
        assertThat(lab.stack.tcp().size()).isEqualTo(1000);
        assertThat(lab.stack.budget().usedBytes()).isZero();
    }

    private static GuestTcp guestOf(List<GuestTcp> guests, byte[] frame) {
        boolean tcp = Packets.view(frame).getShort(12) == Ipv4.ETHERTYPE;
        return guests.get(tcp ? Packets.tcp(frame).destinationPort - 10_000 : 0);
    }

    // ---- the guest, by hand

    private GuestTcp guest() {
        GuestTcp guest = new GuestTcp(lab, PORT, NatLab.GATEWAY, 80);
        guest.connect();
        lab.settle();
        lab.host.answerAll();
        lab.settle();
        assertThat(guest.synchronizedUp).isTrue();
        return guest;
    }

    private void connect() {
        syn(OPTIONS);
        lab.settle();
        lab.host.answerAll();
        natSequence = Packets.tcp(lab.takeOne()).sequence + 1;
        ack(natSequence, WINDOW);
        lab.settle();
        assertThat(lab.host.last().reads).isTrue();
    }

    /** Lets the congestion window grow, by taking some data. */
    private void growWindow() {
        for (int i = 0; i < 4; i++) {
            lab.host.last().send(new byte[14_600]);
            lab.settle();
            natSequence += 14_600;
            ack(natSequence, WINDOW);
            lab.settle();
        }
    }

    private void syn(byte[] options) {
        lab.fromGuest(frame(ISS, 0, TcpSegment.SYN, WINDOW, options, NOTHING));
    }

    private void ack(int ack, int window) {
        lab.fromGuest(frame(ISS + 1, ack, TcpSegment.ACK, window, NOTHING, NOTHING));
    }

    private void segment(int sequence, int ack, int flags, byte[] payload) {
        lab.fromGuest(frame(sequence, ack, flags, WINDOW, NOTHING, payload));
    }

    private static byte[] frame(
            int sequence, int ack, int flags, int window, byte[] options, byte[] payload) {
        return Packets.tcp(
                NatLab.GUEST,
                PORT,
                NatLab.GATEWAY,
                80,
                sequence,
                ack,
                flags,
                window,
                options,
                payload);
    }
}

package org.xenolith.pv.netback;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.pv.netback.NetLab.frame;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.devices.net.EthernetFrame;
import org.xenolith.devices.net.EthernetFrame.Segmentation;
import org.xenolith.pv.ring.FrontRing;
import org.xenolith.pv.ring.SharedRing;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;

/** The network backend against frontends written by hand, honest and not. */
class NetBackendTest {
    /** 01:00:5e:00:00:01, all hosts of the link. */
    private static final long GROUP = 0x01005e000001L;

    private final NetLab lab = new NetLab();

    private static byte[] bytes(EthernetFrame frame) {
        byte[] bytes = new byte[frame.length()];
        frame.bytes().get(bytes);
        return bytes;
    }

    private byte[] memory(int ref) {
        return lab.pages.get(ref).memory.toArray(ValueLayout.JAVA_BYTE);
    }

    private void expectDisconnected(String why) {
        assertThat(lab.back("state")).isEqualTo("5");
        assertThat(lab.log).singleElement().asString().contains("vif/1/0", why);
        assertThat(lab.domain.usesUnderWay()).as("uses of grants").isZero();
        assertThat(lab.domain.isBound(NetLab.TX_PORT)).isFalse();
        assertThat(lab.domain.isBound(NetLab.RX_PORT)).isFalse();
    }

    // ---- the handshake

    @Test
    void featuresAreThoseOfLinuxWithoutAControlRing() {
        for (String feature :
                List.of(
                        "feature-rx-copy",
                        "feature-sg",
                        "feature-gso-tcpv4",
                        "feature-gso-tcpv6",
                        "feature-ipv6-csum-offload",
                        "feature-split-event-channels",
                        "feature-multicast-control")) {
            assertThat(lab.back(feature)).as(feature).isEqualTo("1");
        }
        assertThat(lab.back("feature-ctrl-ring")).isEqualTo("0");
        assertThat(lab.back("multi-queue-max-queues")).isEqualTo("2");
        lab.connect();
        assertThat(lab.back("state")).isEqualTo("4");
    }

    @ParameterizedTest
    @CsvSource({
        "request-rx-copy, 0, copies",
        "tx-ring-ref, 77, tx-ring-ref",
        "rx-ring-ref, 77, rx-ring-ref",
        "rx-ring-ref, '', no number",
        "event-channel-rx, 77, event-channel-rx",
        "multi-queue-num-queues, 3, multi-queue",
        "multi-queue-num-queues, 0, multi-queue",
        "multi-queue-num-queues, 2, no key"
    })
    void keysThatMakeNoSenseAreRefusedAndNothingIsHeld(String key, String value, String why) {
        lab.keys();
        lab.front(key, value);
        lab.state(4);
        expectDisconnected(why);
    }

    @Test
    void oneEventChannelServesBothDirections() {
        lab.keys();
        lab.store.remove(lab.device.frontend() + "/event-channel-tx");
        lab.store.remove(lab.device.frontend() + "/event-channel-rx");
        lab.front("event-channel", NetLab.TX_PORT);
        lab.state(4);
        lab.put(lab.page(3), 0, 0, 1, 60);
        lab.send();
        assertThat(lab.port.frames).hasSize(1);
        lab.rx.put(new NetifRxRequest(1, lab.page(0))::writeTo);
        lab.rx.publish();
        lab.domain.send(NetLab.TX_PORT);
        assertThat(lab.deliver(frame(60, 1))).isTrue();
        assertThat(lab.received()).hasSize(1);
    }

    @Test
    void framesForTheGuestAreDroppedWhileItIsNotConnected() {
        EthernetFrame early = frame(60, 1);
        assertThat(lab.deliver(early)).isTrue();
        assertThat(early.refCnt()).isZero();
        lab.connect();
        lab.state(6);
        EthernetFrame late = frame(60, 1);
        assertThat(lab.deliver(late)).isTrue();
        assertThat(late.refCnt()).isZero();
        lab.netback.close();
        assertThat(lab.port.closed).isTrue();
    }

    // ---- sending

    @Test
    void packetInOneSlotReachesTheSwitch() {
        lab.connect();
        lab.put(lab.page(0x42), 100, Netif.TX_DATA_VALIDATED, 5, 1514);
        lab.send();
        EthernetFrame frame = lab.port.frames.getFirst();
        assertThat(bytes(frame)).hasSize(1514).containsOnly(0x42);
        assertThat(frame.checksumPending()).isFalse();
        assertThat(frame.segmentation()).isEqualTo(Segmentation.NONE);
        assertThat(lab.sent()).containsExactly(0);
        assertThat(lab.domain.notifications(NetLab.TX_PORT)).isEqualTo(1);
        assertThat(lab.domain.usesUnderWay()).as("only the rings").isEqualTo(2);
    }

    @Test
    void packetInManySlotsIsGatheredInOrder() {
        lab.connect();
        lab.put(lab.page(1), 4000, Netif.TX_MORE_DATA, 1, 96 + 4096 + 10);
        lab.put(lab.page(2), 0, Netif.TX_MORE_DATA, 2, 4096);
        lab.put(lab.page(3), 7, 0, 3, 10);
        lab.send();
        byte[] bytes = bytes(lab.port.frames.getFirst());
        assertThat(bytes).hasSize(4202);
        assertThat(Arrays.copyOfRange(bytes, 0, 96)).containsOnly(1);
        assertThat(Arrays.copyOfRange(bytes, 96, 4192)).containsOnly(2);
        assertThat(Arrays.copyOfRange(bytes, 4192, 4202)).containsOnly(3);
        assertThat(lab.sent()).containsExactly(0, 0, 0);
    }

    @ParameterizedTest
    @CsvSource({"1,TCP_V4", "2,TCP_V6"})
    void payloadToBeCutKeepsItsSegmentSize(int type, Segmentation segmentation) {
        lab.connect();
        lab.put(lab.page(1), 0, Netif.TX_EXTRA_INFO | Netif.TX_MORE_DATA, 1, 8000);
        lab.putExtra(NetifExtraInfo.gso(type, 1448));
        lab.put(lab.page(2), 0, 0, 2, 4000);
        lab.send();
        EthernetFrame frame = lab.port.frames.getFirst();
        assertThat(frame.segmentation()).isEqualTo(segmentation);
        assertThat(frame.segmentBytes()).isEqualTo(1448);
        assertThat(frame.checksumPending()).isTrue();
        assertThat(frame.length()).isEqualTo(8000);
        assertThat(lab.sent()).containsExactly(0, Netif.RSP_NULL, 0);
    }

    @Test
    void checksumLeftBlankIsPending() {
        lab.connect();
        lab.put(lab.page(1), 0, Netif.TX_CSUM_BLANK | Netif.TX_DATA_VALIDATED, 1, 60);
        lab.send();
        assertThat(lab.port.frames.getFirst().checksumPending()).isTrue();
    }

    @Test
    void runtIsAnErrorAndNothingElse() {
        lab.connect();
        lab.put(lab.page(1), 0, 0, 1, 13);
        lab.put(lab.page(1), 0, 0, 2, 14);
        lab.send();
        assertThat(lab.sent()).containsExactly(Netif.RSP_ERROR, Netif.RSP_OKAY);
        assertThat(lab.port.frames).hasSize(1);
    }

    @Test
    void whileTheSwitchIsFullTheGuestWaitsAndNothingIsLost() {
        lab.connect();
        lab.port.room = 2;
        for (int i = 0; i < 10; i++) {
            lab.put(lab.page(i), 0, 0, i, 60);
        }
        lab.send();
        assertThat(lab.sent()).as("two sent, one waits").hasSize(3);
        lab.port.room = 7;
        lab.netback.writable();
        lab.domain.run();
        lab.port.room = 100;
        lab.netback.writable();
        lab.domain.run();
        assertThat(lab.sent()).hasSize(7);
        assertThat(lab.port.frames).hasSize(10);
        for (int i = 0; i < 10; i++) {
            assertThat(bytes(lab.port.frames.get(i))).containsOnly(i);
        }
    }

    @Test
    void frameThatWaitsIsReleasedWhenTheFrontendCloses() {
        lab.connect();
        lab.port.room = 0;
        lab.put(lab.page(1), 0, 0, 1, 60);
        lab.send();
        lab.state(6);
        assertThat(lab.back("state")).isEqualTo("6");
        lab.port.room = 10;
        lab.netback.writable();
        lab.domain.run();
        assertThat(lab.port.frames).isEmpty();
    }

    // ---- receiving

    @Test
    void frameIsPutIntoThePageThatTheGuestOffered() {
        lab.connect();
        List<Integer> refs = lab.offer(2);
        EthernetFrame frame = frame(1514, 0x33);
        assertThat(lab.deliver(frame)).isTrue();
        assertThat(lab.received())
                .containsExactly(new NetifRxResponse(refs.getFirst() & 0xff, 0, 0, 1514));
        assertThat(Arrays.copyOf(memory(refs.getFirst()), 1514)).containsOnly(0x33);
        assertThat(memory(refs.getFirst())[1514]).isZero();
        assertThat(frame.refCnt()).isZero();
        assertThat(lab.domain.notifications(NetLab.RX_PORT)).isEqualTo(1);
        assertThat(lab.domain.usesUnderWay()).isEqualTo(2);
    }

    @Test
    void frontendThatDoesNotTellWhenItHasRoomIsLookedAtWhileFramesWait() {
        lab.keys();
        lab.store.remove(lab.device.frontend() + "/feature-rx-notify");
        lab.state(4);
        assertThat(lab.back("state")).isEqualTo("4");
        assertThat(lab.later).as("nothing waits").isEmpty();
        lab.deliver(frame(60, 1));
        lab.deliver(frame(60, 2));
        assertThat(lab.later).as("one look for all frames").hasSize(1);
        lab.passTime();
        assertThat(lab.received()).isEmpty();
        assertThat(lab.later).as("there is no room yet").hasSize(1);

        for (int i = 0; i < 2; i++) {
            lab.rx.put(new NetifRxRequest(i, lab.page(0))::writeTo);
        }
        lab.rx.publish();
        lab.passTime();
        assertThat(lab.received()).hasSize(2);
        assertThat(lab.later).as("nothing waits any more").isEmpty();
    }

    @Test
    void ringThatIsClosedIsNotLookedAtAgain() {
        lab.keys();
        lab.front("feature-rx-notify", 0);
        lab.state(4);
        EthernetFrame frame = frame(60, 1);
        lab.deliver(frame);
        lab.state(6);
        assertThat(frame.refCnt()).isZero();
        lab.passTime();
        assertThat(lab.later).isEmpty();
        assertThat(lab.domain.usesUnderWay()).isZero();
    }

    @Test
    void frontendThatTellsWhenItHasRoomIsNotLookedAt() {
        lab.connect();
        lab.deliver(frame(60, 1));
        assertThat(lab.later).isEmpty();
        lab.offer(1);
        assertThat(lab.received()).hasSize(1);
    }

    @Test
    void largeFrameTakesASlotAPageAndOneForItsSegmentSize() {
        lab.connect();
        List<Integer> refs = lab.offer(4);
        lab.deliver(frame(10_000, 5, true, Segmentation.TCP_V4, 1448));
        List<MemorySegment> raw = lab.rx.responses();
        assertThat(raw).hasSize(4);
        NetifRxResponse first = NetifRxResponse.readFrom(raw.get(0));
        assertThat(first.status()).isEqualTo(4096);
        assertThat(first.flags())
                .isEqualTo(
                        Netif.RX_CSUM_BLANK
                                | Netif.RX_DATA_VALIDATED
                                | Netif.RX_EXTRA_INFO
                                | Netif.RX_MORE_DATA);
        NetifExtraInfo extra = NetifExtraInfo.readFrom(raw.get(1));
        assertThat(extra.gsoSize()).isEqualTo(1448);
        assertThat(extra.gsoType()).isEqualTo(Netif.GSO_TYPE_TCPV4);
        assertThat(NetifRxResponse.readFrom(raw.get(2)).flags()).isEqualTo(Netif.RX_MORE_DATA);
        assertThat(NetifRxResponse.readFrom(raw.get(3)))
                .isEqualTo(new NetifRxResponse(refs.get(3) & 0xff, 0, 0, 10_000 - 8192));
        assertThat(memory(refs.get(1))).as("under the extra info").containsOnly(0);
        assertThat(memory(refs.get(2))).containsOnly(5);
    }

    @Test
    void frameWaitsUntilTheGuestHasRoomForAllOfIt() {
        lab.connect();
        lab.offer(2);
        assertThat(lab.deliver(frame(10_000, 5))).isTrue();
        assertThat(lab.received()).isEmpty();
        assertThat(lab.rx.get(SharedRing.REQ_EVENT)).as("asks for the next").isEqualTo(3);
        lab.offer(1);
        assertThat(lab.received()).hasSize(3);
    }

    @Test
    void guestWithoutRoomMakesTheSwitchWaitAndHearsItAllAfterwards() {
        lab.connect();
        int delivered = 0;
        while (lab.deliver(frame(1500, delivered))) {
            delivered++;
        }
        assertThat(delivered).isBetween(50, 400);
        assertThat(lab.port.resumed).isZero();
        int received = 0;
        for (int i = 0; i < 5; i++) {
            lab.offer(100);
            received += lab.received().size();
        }
        assertThat(received).isEqualTo(delivered);
        assertThat(lab.port.resumed).isEqualTo(1);
        assertThat(lab.deliver(frame(1500, 1))).isTrue();
    }

    @Test
    void switchThatWaitsIsToldWhenTheFrontendCloses() {
        lab.connect();
        EthernetFrame refused = frame(1500, 1);
        while (lab.deliver(refused)) {
            refused = frame(1500, 1);
        }
        lab.state(6);
        assertThat(lab.port.resumed).isEqualTo(1);
        assertThat(lab.deliver(refused)).isTrue();
        assertThat(refused.refCnt()).isZero();
    }

    /** A TCP segment over IPv4 of so many payload bytes, its checksum left to do. */
    private static EthernetFrame tcp(int payload, Segmentation segmentation) {
        EthernetFrame frame = frame(54 + payload, 0, true, segmentation, 1448);
        frame.bytes()
                .putShort(12, (short) 0x0800)
                .put(14, (byte) 0x45)
                .putShort(16, (short) (40 + payload))
                .put(22, (byte) 64)
                .put(23, (byte) 6)
                .putInt(26, 0x0a000001)
                .putInt(30, 0x0a000002)
                .put(46, (byte) 0x50);
        return frame;
    }

    @Test
    void payloadIsCutForAFrontendThatCannot() {
        lab.keys();
        lab.front("feature-gso-tcpv4", 0);
        lab.state(4);
        lab.offer(10);
        assertThat(lab.deliver(tcp(3000, Segmentation.TCP_V4))).isTrue();
        assertThat(lab.received())
                .extracting(NetifRxResponse::status)
                .containsExactly(54 + 1448, 54 + 1448, 54 + 104);
    }

    @Test
    void checksumIsComputedForAFrontendThatCannot() {
        lab.keys();
        lab.front("feature-no-csum-offload", 1);
        lab.state(4);
        List<Integer> refs = lab.offer(10);
        EthernetFrame frame = tcp(6, Segmentation.NONE);
        assertThat(lab.deliver(frame)).isTrue();
        assertThat(frame.refCnt()).isZero();
        assertThat(lab.received()).singleElement().extracting(NetifRxResponse::flags).isEqualTo(0);
        byte[] bytes = memory(refs.getFirst());
        assertThat(bytes[50] << 8 | bytes[51]).as("TCP checksum").isNotZero();
    }

    @Test
    void frontendOfOneSlotAFrameGetsNoLargerOnes() {
        lab.keys();
        lab.front("feature-sg", 0);
        lab.state(4);
        lab.offer(10);
        EthernetFrame frame = frame(5000, 0);
        assertThat(lab.deliver(frame)).isTrue();
        assertThat(frame.refCnt()).isZero();
        assertThat(lab.deliver(tcp(3500, Segmentation.TCP_V4))).isTrue();
        assertThat(lab.received())
                .extracting(NetifRxResponse::status)
                .containsExactly(54 + 1448, 54 + 1448, 54 + 604);
    }

    @Test
    void groupsThatTheGuestDidNotJoinAreFilteredOut() {
        lab.keys();
        lab.front("request-multicast-control", 1);
        lab.state(4);
        lab.offer(10);
        byte[] joined = {1, 0, 0x5e, 0, 0, 1};
        byte[] other = {1, 0, 0x5e, 0, 0, 2};
        byte[] all = {-1, -1, -1, -1, -1, -1};
        assertThat(changeGroups(Netif.EXTRA_TYPE_MCAST_ADD, GROUP))
                .containsExactly(Netif.RSP_OKAY, Netif.RSP_NULL);
        for (byte[] destination : List.of(joined, other, all, new byte[6])) {
            EthernetFrame frame = frame(60, 0);
            frame.bytes().put(destination);
            assertThat(lab.deliver(frame)).isTrue();
        }
        assertThat(lab.received()).hasSize(3);
        changeGroups(Netif.EXTRA_TYPE_MCAST_DEL, GROUP);
        EthernetFrame frame = frame(60, 0);
        frame.bytes().put(joined);
        lab.deliver(frame);
        assertThat(lab.received()).isEmpty();
        assertThat(lab.port.frames).as("joining is no packet").isEmpty();
    }

    @Test
    void guestIsInNoMoreGroupsThanThereIsRoomFor() {
        lab.connect();
        for (int i = 0; i < 64; i++) {
            assertThat(changeGroups(Netif.EXTRA_TYPE_MCAST_ADD, GROUP + i))
                    .startsWith(Netif.RSP_OKAY);
        }
        assertThat(changeGroups(Netif.EXTRA_TYPE_MCAST_ADD, GROUP + 64))
                .as("one too many")
                .containsExactly(Netif.RSP_ERROR, Netif.RSP_NULL);
        assertThat(changeGroups(Netif.EXTRA_TYPE_MCAST_ADD, GROUP))
                .as("it is in that one")
                .startsWith(Netif.RSP_OKAY);
        assertThat(changeGroups(Netif.EXTRA_TYPE_MCAST_DEL, GROUP)).startsWith(Netif.RSP_OKAY);
        assertThat(changeGroups(Netif.EXTRA_TYPE_MCAST_ADD, GROUP + 64)).startsWith(Netif.RSP_OKAY);
        assertThat(changeGroups(Netif.EXTRA_TYPE_MCAST_ADD, GROUP)).startsWith(Netif.RSP_ERROR);
    }

    /** Joins or leaves a multicast group; returns the statuses of the slots. */
    private List<Integer> changeGroups(int type, long group) {
        lab.put(0, 0, Netif.TX_EXTRA_INFO, 1, 0);
        lab.putExtra(new NetifExtraInfo(type, 0, 0, 0, group));
        lab.send();
        return lab.sent();
    }

    @Test
    void guestThatSendsWhileItsRingIsReadGetsItsAnswersAfterARingsWorth() {
        lab.connect();
        int page = lab.page(7);
        AtomicInteger read = new AtomicInteger();
        AtomicInteger answeredByThen = new AtomicInteger();
        lab.domain.onGrant =
                ref -> {
                    if (read.incrementAndGet() == lab.tx.size() + 8) {
                        answeredByThen.set(lab.tx.get(SharedRing.RSP_PROD));
                    }
                    if (read.get() < 1000) {
                        lab.put(page, 0, 0, 1, 60);
                        lab.tx.publish();
                    }
                };
        lab.put(page, 0, 0, 1, 60);
        lab.send();
        assertThat(answeredByThen.get()).isEqualTo(lab.tx.size());
        assertThat(lab.port.frames).as("comes back for the rest").hasSize(1000);
        assertThat(lab.tx.get(SharedRing.RSP_PROD)).isEqualTo(1000);
    }

    @Test
    void guestSwitchesTheFilterOnAndOffWhileItIsConnected() {
        int watches = lab.store.watches();
        lab.connect();
        lab.offer(10);
        assertThat(groupFrameArrives()).isTrue();
        lab.front("request-multicast-control", 1);
        assertThat(lab.back("feature-dynamic-multicast-control")).isEqualTo("1");
        lab.domain.run();
        assertThat(groupFrameArrives()).isFalse();
        lab.front("request-multicast-control", 0);
        lab.domain.run();
        assertThat(groupFrameArrives()).isTrue();
        lab.state(6);
        assertThat(lab.store.watches()).as("watches that are left").isEqualTo(watches);
    }

    @Test
    void filterOfAGuestThatStandsStillIsLookedAtOnceHoweverOftenItsKeyChanges() {
        lab.connect();
        lab.offer(10);
        for (int i = 0; i < 100; i++) {
            lab.front("request-multicast-control", i & 1);
        }
        assertThat(lab.domain.posted()).isEqualTo(1);
        lab.domain.run();
        assertThat(groupFrameArrives()).isFalse();
    }

    private boolean groupFrameArrives() {
        EthernetFrame frame = frame(60, 0);
        frame.bytes().put(new byte[] {1, 0, 0x5e, 0, 0, 2});
        lab.deliver(frame);
        return !lab.received().isEmpty();
    }

    @Test
    void framesOfOneFlowStayInOneQueueAndFlowsSpread() {
        FrontRing[] rings = new FrontRing[2];
        for (int i = 0; i < 2; i++) {
            String queue = "queue-" + i + "/";
            new FrontRing(List.of(lab.domain.grantNew(50 + i)), NetifTxRequest.SIZE);
            rings[i] = new FrontRing(List.of(lab.domain.grantNew(60 + i)), NetifRxRequest.SIZE);
            lab.front(queue + "tx-ring-ref", 50 + i);
            lab.front(queue + "rx-ring-ref", 60 + i);
            lab.front(queue + "event-channel", 30 + i);
            lab.domain.offerPort(30 + i);
        }
        lab.front("multi-queue-num-queues", 2);
        lab.front("request-rx-copy", 1);
        lab.front("feature-rx-notify", 1);
        lab.state(4);
        assertThat(lab.back("state")).isEqualTo("4");
        for (int i = 0; i < 2; i++) {
            for (int slot = 0; slot < 256; slot++) {
                rings[i].put(new NetifRxRequest(slot, lab.page(0))::writeTo);
            }
            rings[i].publish();
            lab.domain.send(30 + i);
        }
        for (int flow = 0; flow < 40; flow++) {
            for (int copy = 0; copy < 3; copy++) {
                EthernetFrame frame = frame(60, 0);
                frame.bytes()
                        .putShort(12, (short) 0x0800)
                        .put(14, (byte) 0x45)
                        .put(23, (byte) 6)
                        .putInt(26, 0x0a000001)
                        .putInt(30, 0x0a000002)
                        .putInt(34, 40_000 + flow << 16 | 80);
                lab.deliver(frame);
            }
        }
        int first = rings[0].responses().size();
        int second = rings[1].responses().size();
        assertThat(first + second).isEqualTo(120);
        assertThat(first % 3).as("whole flows").isZero();
        assertThat(Math.min(first, second)).isGreaterThan(20);
    }

    // ---- hostile frontends

    @Test
    void packetOfMoreSlotsThanAllowedDisconnects() {
        lab.connect();
        for (int i = 0; i < 30; i++) {
            lab.put(lab.page(1), 0, Netif.TX_MORE_DATA, i, i == 0 ? 60 : 1);
        }
        lab.put(lab.page(1), 0, 0, 31, 1);
        lab.send();
        expectDisconnected("more than 20 slots");
    }

    @Test
    void packetWhoseLastSlotsAreMissingDisconnects() {
        lab.connect();
        lab.put(lab.page(1), 0, Netif.TX_MORE_DATA, 1, 100);
        lab.send();
        expectDisconnected("without its last slots");
    }

    @ParameterizedTest
    @CsvSource({"4000,97", "4096,60", "65535,60", "0,4097"})
    void pieceThatLeavesItsFrameDisconnects(int offset, int size) {
        lab.connect();
        lab.put(lab.page(1), offset, 0, 1, size);
        lab.send();
        expectDisconnected("bytes at " + offset);
    }

    @Test
    void packetThatIsSmallerThanItsPiecesDisconnects() {
        lab.connect();
        lab.put(lab.page(1), 0, Netif.TX_MORE_DATA, 1, 100);
        lab.put(lab.page(1), 0, 0, 2, 101);
        lab.send();
        expectDisconnected("smaller than its pieces");
    }

    @Test
    void grantThatIsNoneDisconnectsAndNoHalfFrameLeaves() {
        lab.connect();
        lab.put(lab.page(1), 0, Netif.TX_MORE_DATA, 1, 100);
        lab.put(99_999, 0, 0, 2, 50);
        lab.send();
        expectDisconnected("99999 is no grant to send from");
        assertThat(lab.port.frames).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"0,1448", "3,1448", "1,0"})
    void segmentationThatMakesNoSenseDisconnects(int type, int size) {
        lab.connect();
        lab.put(lab.page(1), 0, Netif.TX_EXTRA_INFO, 1, 100);
        lab.putExtra(NetifExtraInfo.gso(type, size));
        lab.send();
        expectDisconnected("segmentation");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 4, 5, 255})
    void extraInfoOfAnUnknownKindDisconnects(int type) {
        lab.connect();
        lab.put(lab.page(1), 0, Netif.TX_EXTRA_INFO, 1, 100);
        lab.putExtra(new NetifExtraInfo(type, 0, 0, 0, 0));
        lab.send();
        expectDisconnected("extra info of type " + type);
    }

    @Test
    void endlessExtraInfoDisconnects() {
        lab.connect();
        lab.put(lab.page(1), 0, Netif.TX_EXTRA_INFO, 1, 100);
        for (int i = 0; i < 20; i++) {
            lab.putExtra(
                    new NetifExtraInfo(Netif.EXTRA_TYPE_MCAST_ADD, Netif.EXTRA_FLAG_MORE, 0, 0, 1));
        }
        lab.send();
        expectDisconnected("more extra info");
    }

    @Test
    void producerAheadOfEitherRingDisconnects() {
        lab.connect();
        lab.tx.set(SharedRing.REQ_PROD, 257);
        lab.domain.send(NetLab.TX_PORT);
        expectDisconnected("tx ring 0");
    }

    @Test
    void receiveRingThatLiesDisconnectsWhenItIsUsed() {
        lab.connect();
        lab.rx.set(SharedRing.REQ_PROD, -1);
        EthernetFrame frame = frame(60, 1);
        lab.deliver(frame);
        expectDisconnected("rx ring 0");
        assertThat(frame.refCnt()).isZero();
    }

    @Test
    void offerOfAPageThatIsNotGrantedDisconnects() {
        lab.connect();
        lab.rx.put(new NetifRxRequest(1, 4242)::writeTo);
        lab.rx.publish();
        EthernetFrame frame = frame(60, 1);
        lab.deliver(frame);
        expectDisconnected("4242 is no grant to receive into");
        assertThat(frame.refCnt()).isZero();
    }

    @Test
    void disconnectedFrontendMayComeBack() {
        lab.connect();
        lab.put(lab.page(1), 5000, 0, 1, 60);
        lab.send();
        lab.state(6);
        lab.state(1);
        lab.connect();
        assertThat(lab.back("state")).isEqualTo("4");
        lab.put(lab.page(1), 0, 0, 1, 60);
        lab.send();
        assertThat(lab.port.frames).hasSize(1);
    }

    @Test
    void deadDomainGivesEverythingBackAtOnce() {
        lab.connect();
        while (lab.deliver(frame(1500, 1))) {}
        lab.backend.abandon();
        assertThat(lab.backend.ended()).isCompleted();
        assertThat(lab.domain.usesUnderWay()).isZero();
        assertThat(lab.port.resumed).isEqualTo(1);
    }

    @Test
    void randomSlotsNeverThrowAndKeepNoGrants() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        int[] refs = {lab.page(1), lab.page(2), 7};
        byte[] noise = new byte[NetifTxRequest.SIZE];
        for (int round = 0; round < 3_000; round++) {
            lab.connect();
            int slots = 1 + random.nextInt(40);
            for (int i = 0; i < slots; i++) {
                random.nextBytes(noise);
                int kind = random.nextInt(3);
                NetifTxRequest request =
                        new NetifTxRequest(
                                refs[random.nextInt(refs.length)],
                                random.nextInt(kind == 0 ? 65536 : 100),
                                random.nextInt(16),
                                i,
                                random.nextInt(kind == 1 ? 65536 : 3000));
                lab.tx.put(
                        kind == 2 && random.nextInt(8) == 0
                                ? slot -> slot.copyFrom(MemorySegment.ofArray(noise))
                                : request::writeTo);
                lab.rx.put(new NetifRxRequest(i, refs[random.nextInt(refs.length)])::writeTo);
            }
            lab.rx.publish();
            lab.send();
            lab.deliver(frame(14 + random.nextInt(20_000), 1));
            lab.state(6);
            lab.state(1);
            assertThat(lab.back("state")).as("seed %d", seed).isEqualTo("2");
            assertThat(lab.domain.usesUnderWay()).as("seed %d", seed).isZero();
            lab.port.frames.forEach(EthernetFrame::release);
            lab.port.frames.clear();
        }
    }
}

package org.xenolith.pv.netback;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.pv.netback.NetLab.frame;

import org.junit.jupiter.api.Test;
import org.xenolith.devices.net.EthernetFrame;
import org.xenolith.devices.net.EthernetFrame.Segmentation;
import org.xenolith.pv.ring.FrontRing;
import org.xenolith.pv.ring.SharedRing;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;

/** Frames for a guest, put into the pages that a frontend written by hand offers. */
class NetReceiveTest {
    private final NetLab lab = new NetLab();

    @Test
    void frameIsPutIntoThePageThatTheGuestOffered() {
        lab.connect();
        List<Integer> refs = lab.offer(2);
        EthernetFrame frame = frame(1514, 0x33);
        assertThat(lab.deliver(frame)).isTrue();
        assertThat(lab.received())
                .containsExactly(new NetifRxResponse(refs.getFirst() & 0xff, 0, 0, 1514));
        assertThat(Arrays.copyOf(lab.memory(refs.getFirst()), 1514)).containsOnly(0x33);
        assertThat(lab.memory(refs.getFirst())[1514]).isZero();
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
        assertThat(lab.memory(refs.get(1))).as("under the extra info").containsOnly(0);
        assertThat(lab.memory(refs.get(2))).containsOnly(5);
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
        byte[] bytes = lab.memory(refs.getFirst());
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
}

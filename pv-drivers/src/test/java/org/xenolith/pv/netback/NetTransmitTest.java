package org.xenolith.pv.netback;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.pv.netback.NetLab.frame;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.xenolith.devices.net.EthernetFrame;
import org.xenolith.devices.net.EthernetFrame.Segmentation;

import java.util.Arrays;

/** Frames that a guest sends, by a frontend written by hand. */
class NetTransmitTest {
    private final NetLab lab = new NetLab();

    @Test
    void packetInOneSlotReachesTheSwitch() {
        lab.connect();
        lab.put(lab.page(0x42), 100, Netif.TX_DATA_VALIDATED, 5, 1514);
        lab.send();
        EthernetFrame frame = lab.port.frames.getFirst();
        assertThat(NetLab.bytes(frame)).hasSize(1514).containsOnly(0x42);
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
        byte[] bytes = NetLab.bytes(lab.port.frames.getFirst());
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
            assertThat(NetLab.bytes(lab.port.frames.get(i))).containsOnly(i);
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
}

package org.xenolith.pv.netback;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.pv.netback.NetLab.frame;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.xenolith.devices.net.EthernetFrame;

import java.util.List;

/** How the network backend connects to a frontend written by hand, and how that ends. */
class NetBackendTest {
    private final NetLab lab = new NetLab();

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
        lab.expectDisconnected(why);
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
}

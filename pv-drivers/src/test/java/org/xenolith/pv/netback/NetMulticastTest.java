package org.xenolith.pv.netback;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.pv.netback.NetLab.frame;

import org.junit.jupiter.api.Test;
import org.xenolith.devices.net.EthernetFrame;
import org.xenolith.pv.ring.SharedRing;

import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** The groups of which a guest wants frames, joined and left by extra info of its slots. */
class NetMulticastTest {
    /** 01:00:5e:00:00:01, all hosts of the link. */
    private static final long GROUP = 0x01005e000001L;

    private final NetLab lab = new NetLab();

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
}

package org.xenolith.devices.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.xenolith.devices.net.SwitchLab.ALICE;
import static org.xenolith.devices.net.SwitchLab.BOB;
import static org.xenolith.devices.net.SwitchLab.BROADCAST;
import static org.xenolith.devices.net.SwitchLab.frame;

import org.junit.jupiter.api.Test;
import org.xenolith.devices.net.SwitchLab.Station;

import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;

final class ImpairmentTest {
    private static final long MILLISECOND = 1_000_000L;

    private final SwitchLab lab = new SwitchLab();
    private final Station bob = lab.station("bob");

    private Station alice(Impairment impairment) {
        return lab.station("alice", PortSettings.PLAIN.withImpairment(impairment));
    }

    @Test
    void delayHoldsFramesOfBothDirectionsForExactlyThatLong() {
        Station alice = alice(Impairment.NONE.withDelay(10 * MILLISECOND, 0));
        alice.send(frame(BROADCAST, ALICE, 1));
        bob.send(frame(BROADCAST, BOB, 2));
        lab.run();
        lab.advance(10 * MILLISECOND - 1, TimeUnit.NANOSECONDS);
        assertThat(bob.received).isEmpty();
        assertThat(alice.received).isEmpty();

        lab.advance(1, TimeUnit.NANOSECONDS);
        assertThat(bob.payloads()).containsExactly(1);
        assertThat(alice.payloads()).containsExactly(2);
    }

    @Test
    void jitterVariesTheDelayAndKeepsTheOrder() {
        Station alice = alice(Impairment.NONE.withDelay(10 * MILLISECOND, 5 * MILLISECOND));
        int frames = 100;
        int arrivals = 0;
        for (int i = 0; i < frames; i++) {
            alice.send(frame(BROADCAST, ALICE, i));
            int before = bob.received.size();
            lab.advance(1, TimeUnit.MILLISECONDS);
            arrivals += bob.received.size() > before ? 1 : 0;
            assertThat(i < 5 ? bob.received : List.of()).isEmpty();
        }
        lab.advance(15, TimeUnit.MILLISECONDS);

        assertThat(bob.payloads()).isEqualTo(IntStream.range(0, frames).boxed().toList());
        assertThat(arrivals).as("some arrive together, so they were shifted").isLessThan(80);
    }

    @Test
    void lossTakesItsShareAndCountsIt() {
        Station alice = alice(Impairment.NONE.withLoss(0.25).withSeed(1));
        for (int i = 0; i < 4_000; i++) {
            alice.send(frame(BROADCAST, ALICE, i));
            lab.run();
        }
        assertThat(bob.received).hasSizeBetween(2_900, 3_100);
        assertThat(lab.statistics("alice").sentDropped()).isEqualTo(4_000 - bob.received.size());
    }

    @Test
    void oneSeedLosesTheSameFramesEachTime() {
        assertThat(survivors(7)).isEqualTo(survivors(7)).isNotEqualTo(survivors(8));
    }

    private static List<Integer> survivors(long seed) {
        SwitchLab lab = new SwitchLab();
        Station bob = lab.station("bob");
        Station alice =
                lab.station(
                        "alice",
                        PortSettings.PLAIN.withImpairment(
                                Impairment.NONE.withLoss(0.5).withSeed(seed)));
        for (int i = 0; i < 100; i++) {
            alice.send(frame(BROADCAST, ALICE, i));
            lab.run();
        }
        return bob.payloads();
    }

    @Test
    void duplicatedFramesArriveTwiceAndReorderedOnesOvertake() {
        Station twice = alice(Impairment.NONE.withDuplicate(1));
        twice.send(frame(BROADCAST, ALICE, 1));
        lab.run();
        assertThat(bob.payloads()).containsExactly(1, 1);

        Station carol =
                lab.station(
                        "carol",
                        PortSettings.PLAIN.withImpairment(
                                Impairment.NONE.withDelay(MILLISECOND, 0).withReorder(0.5)));
        for (int i = 0; i < 20; i++) {
            carol.send(frame(BROADCAST, SwitchLab.CAROL, i));
        }
        lab.run();
        lab.advance(1, TimeUnit.MILLISECONDS);
        List<Integer> order = bob.payloads().subList(2, 22);
        assertThat(order).containsExactlyInAnyOrderElementsOf(range(20)).isNotEqualTo(range(20));
    }

    @Test
    void rateLetsThroughItsBitsAndABurst() {
        // 1,250-byte frames at 1 Mbit/s: one takes 10 ms, and 10 ms is what an idle line has saved.
        Station alice = alice(Impairment.NONE.withRate(1_000_000));
        for (int i = 0; i < 10; i++) {
            alice.send(frame(BROADCAST, ALICE, i, 1_250 - EthernetFrame.HEADER_BYTES));
        }
        lab.run();
        assertThat(bob.received).hasSize(1);
        for (int i = 2; i <= 10; i++) {
            lab.advance(10, TimeUnit.MILLISECONDS);
            assertThat(bob.received).hasSize(i);
        }
    }

    @Test
    void frameThatWouldWaitTooLongForItsTurnIsLost() {
        Station alice = alice(Impairment.NONE.withRate(1_000_000));
        for (int i = 0; i < 100; i++) {
            alice.send(frame(BROADCAST, ALICE, i, 1_250 - EthernetFrame.HEADER_BYTES));
        }
        lab.run();
        lab.advance(5, TimeUnit.SECONDS);
        assertThat(bob.payloads())
                .as("10 ms of burst, 200 ms of queue, and one")
                .isEqualTo(range(22));
        assertThat(lab.statistics("alice").sentDropped()).isEqualTo(78);
    }

    @Test
    void lineThatHoldsTooMuchLosesTheRestHoweverLongItIs() {
        Station alice = alice(Impairment.NONE.withDelay(TimeUnit.HOURS.toNanos(1), 0));
        for (int i = 0; i < 200; i++) {
            alice.send(frame(BROADCAST, ALICE, i, 60_000));
            lab.run();
        }
        assertThat(lab.statistics("alice").sentDropped())
                .isEqualTo(200 - Line.MAX_BYTES / (60_000 + EthernetFrame.HEADER_BYTES));
    }

    @Test
    void closingAPortReleasesWhatIsOnItsLine() {
        Station alice = alice(Impairment.NONE.withDelay(MILLISECOND, 0));
        EthernetFrame frame = frame(BROADCAST, ALICE, 1);
        alice.send(frame);
        lab.run();
        alice.port.close();
        lab.run();
        lab.advance(1, TimeUnit.SECONDS);

        assertThat(frame.refCnt()).isZero();
        assertThat(bob.received).isEmpty();
    }

    @Test
    void nonsenseIsRefused() {
        assertThatThrownBy(() -> Impairment.NONE.withLoss(1.5))
                .hasMessage("loss must be between 0 and 100 %: 1.5");
        assertThatThrownBy(() -> Impairment.NONE.withLoss(Double.NaN))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Impairment.NONE.withRate(-1))
                .hasMessage("rate must not be negative: -1");
    }

    private static List<Integer> range(int end) {
        return IntStream.range(0, end).boxed().toList();
    }
}

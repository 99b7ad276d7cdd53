package org.xenolith.core.domain;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.xenolith.core.mm.FramePool;
import org.xenolith.core.mm.FrameTable;
import org.xenolith.core.mm.PageTypes;
import org.xenolith.core.mm.TestMemory;
import org.xenolith.core.sched.Scheduler;
import org.xenolith.core.time.GuestClock;

import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;

/** Two domains of a host, and what one has to do because the other sends. */
class NeighbourEventsTest {
    private static final int SENDER = 7, RECEIVER = 8;

    private final FramePool pool = TestMemory.freshPool(8 << 20);
    private final Map<Integer, Domain> alive = new HashMap<>();
    private final Domain sender = domain(SENDER);
    private final Domain receiver = domain(RECEIVER);
    private final int offered = receiver.events().allocateUnbound(SENDER);
    private final int bound = sender.events().bindInterdomain(RECEIVER, offered);

    private Domain domain(int id) {
        FrameTable frames = TestMemory.freshFrames(pool, 64);
        long sharedInfo = frames.ownFrame(frames.reservation().populate(0));
        Scheduler scheduler = new Scheduler((vcpu, slice) -> VirtualCpu.State.OFFLINE);
        Domain domain =
                new Domain(
                        id,
                        "test",
                        new PageTypes(frames),
                        GuestClock.virtual(),
                        scheduler,
                        sharedInfo,
                        alive::get);
        scheduler.add(domain.addVcpu(new SplittableRandom(id)));
        alive.put(id, domain);
        return domain;
    }

    @Test
    void eventIsPendingOnceTheReceiverHasComeToAPollPoint() {
        assertThat(bound).isPositive();
        sender.events().send(bound);
        assertThat(receiver.events().isPending(offered)).as("its memory is its own").isFalse();
        receiver.applyPosted(receiver.vcpu(0).turn);
        assertThat(receiver.events().isPending(offered)).isTrue();
        assertThat(sender.hasPosted()).isFalse();
    }

    /** Else a neighbour could fill the host's memory while the receiver is paused. */
    @Test
    void eventsForADomainThatStandsStillDoNotPileUp() {
        for (int i = 0; i < 1000; i++) {
            sender.events().send(bound);
        }
        assertThat(receiver.hasPosted()).isTrue();
        receiver.applyPosted(receiver.vcpu(0).turn);
        assertThat(receiver.hasPosted()).isFalse();
        assertThat(receiver.events().isPending(offered)).isTrue();
    }

    @Test
    void eventForADomainThatIsGoneGoesNowhere() {
        alive.remove(RECEIVER);
        assertThat(sender.events().send(bound)).isZero();
        assertThat(receiver.hasPosted()).isFalse();
    }
}

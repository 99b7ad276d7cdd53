package org.xenolith.core.event;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.core.abi.XenErrno.EINVAL;

import org.junit.jupiter.api.Test;
import org.xenolith.core.abi.SharedInfo;
import org.xenolith.core.mm.FramePool;
import org.xenolith.core.mm.TestMemory;
import org.xenolith.core.parallel.HostThreads;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;

/** Channels that end while their other end, or a sibling, still uses them. */
class ClosedChannelsTest {
    private static final int ROUNDS = 20_000;

    /** EVTCHNSTAT_unbound, _interdomain and _ipi. */
    private static final int UNBOUND = 1, INTERDOMAIN = 2, IPI = 5;

    private final FramePool pool = TestMemory.freshPool(1 << 20);
    private final EventChannels[] domains = new EventChannels[3];
    private final ConcurrentLinkedQueue<Runnable> queued = new ConcurrentLinkedQueue<>();

    /** What happens when a domain looks up another one, in the middle of what it does. */
    private final Deque<Runnable> meanwhile = new ArrayDeque<>();

    ClosedChannelsTest() {
        for (int id = 0; id < domains.length; id++) {
            long shared = pool.allocate();
            // Domain 0 is the VMM: guests count from 1.
            domains[id] = new EventChannels(id + 1, shared, new Host());
            domains[id].add(new Target(shared));
        }
    }

    private record Target(long shared) implements EventTarget {
        @Override
        public long vcpuInfo() {
            return shared + SharedInfo.VCPU_INFO;
        }

        @Override
        public void wakeForUpcall() {}

        @Override
        public void wakeIfPolling(int port) {}
    }

    private final class Host implements EventChannels.Neighbours {
        @Override
        public EventChannels of(int domId) {
            Runnable now = meanwhile.poll();
            if (now != null) {
                now.run();
            }
            return domains[domId - 1];
        }

        @Override
        public void notify(EventChannels.End to, EventChannels.End from) {
            EventChannels receiver = domains[to.domId() - 1];
            if (receiver.announceFrom(to.port(), from)) {
                queued.add(() -> receiver.deliverFrom(to.port(), from));
            }
        }
    }

    /** Connects domains 1 and 2; returns the ports. */
    private int[] connect() {
        int offered = domains[1].allocateUnbound(1);
        int bound = domains[0].bindInterdomain(2, offered);
        assertThat(bound).isPositive();
        return new int[] {bound, offered};
    }

    private void deliverQueued() {
        for (Runnable delivery; (delivery = queued.poll()) != null; ) {
            delivery.run();
        }
    }

    @Test
    void eventOnItsWayToAClosedChannelIsNotTheNextChannelsOfThatPort() {
        int[] ports = connect();
        domains[0].send(ports[0]);
        domains[1].close(ports[1]);
        assertThat(domains[1].bindIpi(0)).as("the same port again").isEqualTo(ports[1]);
        deliverQueued();
        assertThat(domains[1].isPending(ports[1])).isFalse();
    }

    @Test
    void eventsForADomainThatStandsStillDoNotPileUp() {
        int[] ports = connect();
        for (int i = 0; i < 1000; i++) {
            domains[0].send(ports[0]);
        }
        assertThat(queued).hasSize(1);
        deliverQueued();
        assertThat(domains[1].isPending(ports[1])).isTrue();
        domains[0].send(ports[0]);
        assertThat(queued).as("the next one is told again").hasSize(1);
    }

    @Test
    void eventOfAChannelThatIsOpenArrives() {
        int[] ports = connect();
        domains[0].send(ports[0]);
        deliverQueued();
        assertThat(domains[1].isPending(ports[1])).isTrue();
    }

    @Test
    void lateCloseOfOneEndLeavesTheNextChannelAtTheOtherAlone() {
        int[] ports = connect();
        meanwhile.add(
                () -> {
                    domains[1].close(ports[1]);
                    int offered = domains[2].allocateUnbound(2);
                    assertThat(domains[1].bindInterdomain(3, offered)).isEqualTo(ports[1]);
                });
        assertThat(domains[0].close(ports[0])).isZero();
        ChannelStatus status = domains[1].status(ports[1]);
        assertThat(status.kind()).as("kind of the channel to domain 3").isEqualTo(INTERDOMAIN);
        assertThat(status.first()).isEqualTo(3);
    }

    @Test
    void bindThatFailsTakesNoSiblingsChannelAway() {
        // Where the new port would have been, a sibling has made another channel meanwhile.
        meanwhile.add(() -> assertThat(domains[0].bindIpi(0)).isEqualTo(1));
        assertThat(domains[0].bindInterdomain(2, 77)).isEqualTo(-EINVAL);
        assertThat(domains[0].status(1).kind()).isEqualTo(IPI);
    }

    @Test
    void closedPortIsNotPendingWhateverSiblingsSendMeanwhile() {
        AtomicBoolean ended = new AtomicBoolean();
        EventChannels events = domains[0];
        HostThreads.together(
                () -> {
                    while (!ended.get()) {
                        events.send(1);
                    }
                },
                () -> {
                    int stale = 0;
                    for (int round = 0; round < ROUNDS; round++) {
                        assertThat(events.bindIpi(0)).isEqualTo(1);
                        Thread.onSpinWait();
                        events.close(1);
                        for (int i = 0; i < 20 && stale == 0; i++) {
                            stale += events.isPending(1) ? 1 : 0;
                        }
                    }
                    ended.set(true);
                    assertThat(stale).as("pending bits of closed ports").isZero();
                });
    }

    @Test
    void endsThatBindAndCloseAtTheSameTimeAgreeAfterwards() {
        HostThreads.together(() -> bindAndClose(0, 1), () -> bindAndClose(1, 0));
        for (int port = 1; port < 20; port++) {
            for (int id = 0; id < 2; id++) {
                ChannelStatus status = domains[id].status(port);
                if (status.kind() == INTERDOMAIN) {
                    ChannelStatus end = domains[1 - id].status(status.second());
                    assertThat(end.kind()).isEqualTo(INTERDOMAIN);
                    assertThat(end.second()).isEqualTo(port);
                } else {
                    assertThat(status.kind()).isIn(0, UNBOUND);
                }
            }
        }
    }

    private void bindAndClose(int self, int peer) {
        SplittableRandom random = new SplittableRandom(self);
        for (int round = 0; round < ROUNDS; round++) {
            int port = 1 + random.nextInt(8);
            switch (random.nextInt(4)) {
                case 0 -> {
                    if (domains[self].allocateUnbound(peer + 1) > 12) {
                        domains[self].reset();
                    }
                }
                case 1 -> domains[self].bindInterdomain(peer + 1, port);
                case 2 -> domains[self].send(port);
                default -> domains[self].close(port);
            }
            deliverQueued();
        }
    }
}

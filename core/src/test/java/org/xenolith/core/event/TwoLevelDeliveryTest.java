package org.xenolith.core.event;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.core.abi.XenErrno.EEXIST;
import static org.xenolith.core.abi.XenErrno.EINVAL;
import static org.xenolith.core.abi.XenErrno.ENOENT;
import static org.xenolith.core.abi.XenErrno.ENOSPC;
import static org.xenolith.core.abi.XenErrno.ESRCH;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.core.abi.SharedInfo;
import org.xenolith.core.abi.VcpuInfo;
import org.xenolith.core.mm.TestMemory;
import org.xenolith.cpu.mmu.Ram;
import org.xenolith.pv.host.EventPort;

import java.util.ArrayList;
import java.util.List;

/** The rules of two-level event channels, against the words that a guest reads. */
class TwoLevelDeliveryTest {
    private static final int DOMAIN = 1;

    private final long shared = TestMemory.freshPool(1 << 20).allocate();
    private final Target[] vcpus = {new Target(0), new Target(1)};
    private final EventChannels events = new EventChannels(DOMAIN, shared, new NoNeighbours());

    TwoLevelDeliveryTest() {
        for (Target vcpu : vcpus) {
            events.add(vcpu);
        }
    }

    /** Woken from several threads at once. */
    private final class Target implements EventTarget {
        private final int id;
        int wakes;
        final List<Integer> polled = new ArrayList<>();

        Target(int id) {
            this.id = id;
        }

        @Override
        public long vcpuInfo() {
            return shared + SharedInfo.VCPU_INFO + (long) id * VcpuInfo.SIZE;
        }

        @Override
        public synchronized void wakeForUpcall() {
            wakes++;
        }

        @Override
        public synchronized void wakeIfPolling(int port) {
            polled.add(port);
        }

        boolean upcallPending() {
            return Ram.getByte(vcpuInfo() + VcpuInfo.EVTCHN_UPCALL_PENDING) != 0;
        }

        long selector() {
            return Ram.getLong(vcpuInfo() + VcpuInfo.EVTCHN_PENDING_SEL);
        }

        /** What a guest does first in its upcall. */
        void takeUpcall() {
            Ram.putByte(vcpuInfo() + VcpuInfo.EVTCHN_UPCALL_PENDING, 0);
            Ram.putLong(vcpuInfo() + VcpuInfo.EVTCHN_PENDING_SEL, 0);
        }
    }

    private static final class NoNeighbours implements EventChannels.Neighbours {
        @Override
        public EventChannels of(int domId) {
            return null;
        }

        @Override
        public void notify(EventChannels.End to, EventChannels.End from) {
            throw new AssertionError("there is no domain " + to.domId());
        }
    }

    private void mask(int port) {
        Ram.getAndBitwiseOrLong(shared + SharedInfo.EVTCHN_MASK + port / 64 * 8L, 1L << port);
    }

    private void takePending(int port) {
        Ram.getAndBitwiseAndLong(
                shared + SharedInfo.EVTCHN_PENDING + port / 64 * 8L, ~(1L << port));
    }

    @Test
    void eventSetsPendingBitSelectorAndUpcallOfItsVcpu() {
        int port = 0;
        while (port < 70) {
            port = events.bindIpi(1);
        }
        assertThat(events.send(port)).isZero();
        assertThat(events.isPending(70)).isTrue();
        assertThat(vcpus[1].selector()).isEqualTo(1L << 1);
        assertThat(vcpus[1].upcallPending()).isTrue();
        assertThat(vcpus[1].wakes).isEqualTo(1);
        assertThat(vcpus[0].upcallPending()).isFalse();
    }

    @Test
    void maskedPortBecomesPendingWithoutUpcallButWakesPollers() {
        int port = events.bindIpi(0);
        mask(port);
        events.send(port);
        assertThat(events.isPending(port)).isTrue();
        assertThat(vcpus[0].upcallPending()).isFalse();
        assertThat(vcpus[0].wakes).isZero();
        assertThat(vcpus[1].polled).containsExactly(port);
    }

    @Test
    void unmaskDeliversWhatBecamePendingBehindTheMask() {
        int port = events.bindIpi(0);
        mask(port);
        events.send(port);
        assertThat(events.unmask(port)).isZero();
        assertThat(vcpus[0].upcallPending()).isTrue();
        assertThat(vcpus[0].selector()).isEqualTo(1);
    }

    @Test
    void unmaskOfAPortWithoutEventRaisesNothing() {
        int port = events.bindIpi(0);
        mask(port);
        assertThat(events.unmask(port)).isZero();
        assertThat(vcpus[0].upcallPending()).isFalse();
    }

    @Test
    void eventOfAPortThatIsStillPendingIsMergedIntoTheFirst() {
        int port = events.bindIpi(0);
        events.send(port);
        vcpus[0].takeUpcall();
        events.send(port);
        assertThat(vcpus[0].upcallPending()).isFalse();
        takePending(port);
        events.send(port);
        assertThat(vcpus[0].upcallPending()).isTrue();
    }

    @Test
    void upcallIsRaisedOnlyByTheFirstEventOfASelectorBit() {
        int first = events.bindIpi(0);
        int second = events.bindIpi(0);
        events.send(first);
        Ram.putByte(vcpus[0].vcpuInfo() + VcpuInfo.EVTCHN_UPCALL_PENDING, 0);
        events.send(second);
        assertThat(vcpus[0].upcallPending()).as("the guest has yet to read the selector").isFalse();
        assertThat(events.isPending(second)).isTrue();
    }

    @Test
    void eventFollowsTheLastBindOfItsPort() {
        int port = events.allocateForBackend(() -> {});
        assertThat(events.bindVcpu(port, 1)).isZero();
        events.deliver(port);
        assertThat(vcpus[1].upcallPending()).isTrue();
        assertThat(vcpus[0].upcallPending()).isFalse();
    }

    @Test
    void portsOfOneVcpuCannotBeMoved() {
        assertThat(events.bindVcpu(events.bindIpi(0), 1)).isEqualTo(-EINVAL);
        int timer = events.bindVirq(Virq.TIMER, 0);
        assertThat(events.bindVcpu(timer, 1)).isEqualTo(-EINVAL);
        assertThat(events.bindVcpu(events.allocateUnbound(3), 2)).isEqualTo(-ENOENT);
    }

    @Test
    void virtualInterruptIsBoundOncePerVcpuUntilItsPortCloses() {
        int port = events.bindVirq(Virq.TIMER, 1);
        assertThat(events.bindVirq(Virq.TIMER, 1)).isEqualTo(-EEXIST);
        assertThat(events.bindVirq(Virq.TIMER, 0)).isPositive();
        assertThat(events.close(port)).isZero();
        events.raiseVirq(Virq.TIMER, 1);
        assertThat(vcpus[1].upcallPending()).as("closed").isFalse();
        assertThat(events.bindVirq(Virq.TIMER, 1)).isPositive();
        events.raiseVirq(Virq.TIMER, 1);
        assertThat(vcpus[1].upcallPending()).isTrue();
    }

    @Test
    void globalVirtualInterruptBelongsToVcpu0First() {
        assertThat(events.bindVirq(Virq.CONSOLE, 1)).isEqualTo(-EINVAL);
        assertThat(events.bindVirq(Virq.CONSOLE, 99))
                .as("asked first, as in Xen")
                .isEqualTo(-EINVAL);
        int port = events.bindVirq(Virq.CONSOLE, 0);
        events.bindVcpu(port, 1);
        events.raiseVirq(Virq.CONSOLE, 0);
        assertThat(vcpus[1].upcallPending()).isTrue();
        assertThat(events.close(port)).isZero();
        assertThat(events.bindVirq(Virq.CONSOLE, 0)).isPositive();
    }

    @Test
    void virtualInterruptsOutOfRangeAreRefused() {
        assertThat(events.bindVirq(-1, 0)).isEqualTo(-EINVAL);
        assertThat(events.bindVirq(24, 0)).isEqualTo(-EINVAL);
        assertThat(events.bindVirq(Virq.TIMER, 2)).isEqualTo(-ENOENT);
        assertThat(events.bindVirq(Virq.TIMER, -1)).isEqualTo(-ENOENT);
        assertThat(events.bindIpi(2)).isEqualTo(-ENOENT);
    }

    @ParameterizedTest
    @ValueSource(ints = {Integer.MIN_VALUE, -1, 0, 5, 4095, 4096, Integer.MAX_VALUE})
    void portThatIsFreeOrNoneIsRefused(int port) {
        assertThat(events.send(port)).isEqualTo(-EINVAL);
        assertThat(events.close(port)).isEqualTo(-EINVAL);
        assertThat(events.unmask(port)).isEqualTo(-EINVAL);
        assertThat(events.bindVcpu(port, 0)).isEqualTo(-EINVAL);
    }

    @Test
    void sendOnAnUnboundPortIsSilentOnAVirtualInterruptAnError() {
        assertThat(events.send(events.allocateUnbound(2))).isZero();
        int virq = events.bindVirq(Virq.TIMER, 0);
        assertThat(events.send(virq)).isEqualTo(-EINVAL);
    }

    @Test
    void sendToABackendRunsItAndSetsNoBitOfTheSender() {
        int[] runs = {0};
        int port = events.allocateForBackend(() -> runs[0]++);
        assertThat(events.send(port)).isZero();
        assertThat(runs[0]).isEqualTo(1);
        assertThat(events.isPending(port)).isFalse();
    }

    @Test
    void backendTakesAPortThatWasOfferedToDomain0AndGivesItBack() {
        int[] runs = {0};
        int port = events.allocateUnbound(0);
        EventPort end = events.bindOffered(port, () -> runs[0]++);
        assertThat(events.status(port).kind()).as("EVTCHNSTAT_interdomain").isEqualTo(2);
        assertThat(events.send(port)).isZero();
        assertThat(runs[0]).isEqualTo(1);
        end.notifyFrontend();
        assertThat(events.isPending(port)).isTrue();
        assertThat(events.bindOffered(port, () -> {})).as("taken").isNull();
        end.close();
        assertThat(events.send(port)).isZero();
        assertThat(runs[0]).isEqualTo(1);
        assertThat(events.bindOffered(port, () -> {})).isNotNull();
    }

    @Test
    void backendGetsNoPortThatWasNotOfferedToIt() {
        assertThat(events.bindOffered(events.allocateUnbound(2), () -> {})).isNull();
        assertThat(events.bindOffered(events.bindIpi(0), () -> {})).isNull();
        for (int port : new int[] {0, -1, 4000, 4096, Integer.MAX_VALUE}) {
            assertThat(events.bindOffered(port, () -> {})).isNull();
        }
    }

    @Test
    void backendWhosePortTheGuestClosedAndUsesAnewRaisesNothing() {
        int port = events.allocateUnbound(0);
        EventPort end = events.bindOffered(port, () -> {});
        events.close(port);
        assertThat(events.bindIpi(0)).isEqualTo(port);
        end.notifyFrontend();
        end.close();
        assertThat(events.isPending(port)).isFalse();
        assertThat(events.status(port).kind()).as("EVTCHNSTAT_ipi").isEqualTo(5);
    }

    @Test
    void channelToOneselfDeliversToTheOtherEndAndComesApartAtClose() {
        int offered = events.allocateUnbound(DOMAIN);
        int bound = events.bindInterdomain(DOMAIN, offered);
        assertThat(bound).isPositive();
        takePending(bound);
        assertThat(events.send(bound)).isZero();
        assertThat(events.isPending(offered)).isTrue();
        assertThat(events.isPending(bound)).isFalse();
        assertThat(events.close(bound)).isZero();
        assertThat(events.status(offered).kind()).as("EVTCHNSTAT_unbound").isEqualTo(1);
    }

    @Test
    void bindToAPortThatIsNotOfferedToUsLeavesNoPortBehind() {
        int offered = events.allocateUnbound(9);
        int next = offered + 1;
        assertThat(events.bindInterdomain(DOMAIN, offered)).isEqualTo(-EINVAL);
        assertThat(events.bindInterdomain(DOMAIN, 4000)).isEqualTo(-EINVAL);
        assertThat(events.bindInterdomain(44, 1)).isEqualTo(-ESRCH);
        assertThat(events.allocateUnbound(9)).isEqualTo(next);
    }

    @Test
    void statusTellsWhatEachKindHas() {
        int offered = events.allocateUnbound(DOMAIN);
        assertThat(events.status(offered)).isEqualTo(new ChannelStatus(1, 0, DOMAIN, 0));
        int bound = events.bindInterdomain(DOMAIN, offered);
        assertThat(events.status(bound)).isEqualTo(new ChannelStatus(2, 0, DOMAIN, offered));
        int virq = events.bindVirq(Virq.XENPMU, 1);
        assertThat(events.status(virq)).isEqualTo(new ChannelStatus(4, 1, Virq.XENPMU, 0));
        int ipi = events.bindIpi(1);
        assertThat(events.status(ipi)).isEqualTo(new ChannelStatus(5, 1, 0, 0));
        assertThat(events.status(4000)).as("free").isEqualTo(new ChannelStatus(0, 0, 0, 0));
        assertThat(events.status(0)).isNull();
        assertThat(events.status(4096)).isNull();
    }

    @Test
    void listenerHearsOfEachEventThatBecomesPending() {
        List<String> heard = new ArrayList<>();
        events.onDelivery((port, vcpu, masked) -> heard.add(port + " " + vcpu + " " + masked));
        int first = events.bindIpi(1);
        int second = events.bindIpi(0);
        mask(second);
        events.send(first);
        events.send(first);
        events.send(second);
        events.onDelivery(null);
        takePending(first);
        events.send(first);
        assertThat(heard).containsExactly("1 1 false", "2 0 true");
        assertThat(events.delivered()).as("the second is merged into the first").isEqualTo(3);
    }

    @Test
    void portsRunOutAtThe4095thAndComeBackAtClose() {
        for (int port = 1; port < EventChannels.PORTS; port++) {
            assertThat(events.bindIpi(0)).isEqualTo(port);
        }
        assertThat(events.bindIpi(0)).isEqualTo(-ENOSPC);
        assertThat(events.allocateUnbound(1)).isEqualTo(-ENOSPC);
        assertThat(events.bindInterdomain(DOMAIN, 1)).isEqualTo(-ENOSPC);
        events.close(77);
        assertThat(events.bindIpi(0)).isEqualTo(77);
    }

    @Test
    void closeForgetsAPendingEvent() {
        int port = events.bindIpi(0);
        events.send(port);
        events.close(port);
        assertThat(events.isPending(port)).isFalse();
        assertThat(events.status(port).kind()).isZero();
    }

    @Test
    void bitsSetFromTwoThreadsInTheSameWordsAreAllThere() throws InterruptedException {
        for (int port = 1; port < EventChannels.PORTS; port++) {
            events.bindIpi(port & 1);
        }
        Thread odd = new Thread(() -> sendEverySecond(1));
        odd.start();
        sendEverySecond(2);
        odd.join();
        for (int port = 1; port < EventChannels.PORTS; port++) {
            assertThat(events.isPending(port)).as("port %d", port).isTrue();
        }
        assertThat(vcpus[0].selector()).isEqualTo(-1);
        assertThat(vcpus[1].selector()).isEqualTo(-1);
    }

    private void sendEverySecond(int from) {
        for (int port = from; port < EventChannels.PORTS; port += 2) {
            events.send(port);
        }
    }
}

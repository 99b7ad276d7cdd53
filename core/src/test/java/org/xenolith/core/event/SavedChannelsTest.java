package org.xenolith.core.event;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.core.abi.SharedInfo;
import org.xenolith.core.mm.FramePool;
import org.xenolith.core.mm.TestMemory;

import java.util.List;

/** Channels as data: what a copy of a domain has of them, and what no domain can have. */
class SavedChannelsTest {
    private static final int OLD_ID = 3, NEW_ID = 8, VCPUS = 2;

    /** EVTCHNSTAT_unbound and _interdomain. */
    private static final int UNBOUND = 1, INTERDOMAIN = 2;

    private final FramePool pool = TestMemory.freshPool(1 << 20);
    private final EventChannels old = channels(OLD_ID);
    private final EventChannels copy = channels(NEW_ID);

    private EventChannels channels(int domId) {
        long shared = pool.allocate();
        EventChannels made = new EventChannels(domId, shared, new Host());
        for (int vcpu = 0; vcpu < VCPUS; vcpu++) {
            made.add(new Target(shared + SharedInfo.VCPU_INFO));
        }
        return made;
    }

    private record Target(long vcpuInfo) implements EventTarget {
        @Override
        public void wakeForUpcall() {}

        @Override
        public void wakeIfPolling(int port) {}
    }

    /** Domain 5 is the other guest. */
    private final class Host implements EventChannels.Neighbours {
        private EventChannels other;

        @Override
        public EventChannels of(int domId) {
            if (domId == 5 && other == null) {
                other = channels(5);
                other.allocateUnbound(OLD_ID);
            }
            return domId == 5 ? other : null;
        }

        @Override
        public void notify(EventChannels.End to, EventChannels.End from) {}
    }

    private void restoreCopy() {
        assertThat(copy.restore(old.save(), OLD_ID)).isTrue();
    }

    @Test
    void channelsThatStayInTheirDomainAreTheSameInACopy() {
        old.bindIpi(1);
        old.bindVirq(Virq.TIMER, 1);
        int console = old.bindVirq(Virq.CONSOLE, 0);
        old.bindVcpu(console, 1);
        old.close(1);
        restoreCopy();
        assertThat(copy.save()).isEqualTo(old.save()).hasSize(2);
    }

    @Test
    void restoredInterruptIsRaisedAtItsPort() {
        int port = old.bindVirq(Virq.TIMER, 1);
        restoreCopy();
        copy.raiseVirq(Virq.TIMER, 0);
        assertThat(copy.isPending(port)).as("raised on another vCPU").isFalse();
        copy.raiseVirq(Virq.TIMER, 1);
        assertThat(copy.isPending(port)).isTrue();
    }

    @Test
    void channelToOneselfLeadsToTheCopyItself() {
        int offered = old.allocateUnbound(OLD_ID);
        int bound = old.bindInterdomain(OLD_ID, offered);
        restoreCopy();
        assertThat(copy.status(bound)).isEqualTo(new ChannelStatus(2, 0, NEW_ID, offered));
        assertThat(copy.send(bound)).isZero();
        assertThat(copy.isPending(offered)).isTrue();
    }

    @Test
    void portOfferedToOneselfIsTheCopysToBind() {
        int offered = old.allocateUnbound(OLD_ID);
        restoreCopy();
        assertThat(copy.bindInterdomain(NEW_ID, offered)).isPositive();
    }

    @Test
    void channelToAnotherGuestWaitsForItAsIfItHadClosedItsEnd() {
        int port = old.bindInterdomain(5, 1);
        assertThat(old.status(port)).isEqualTo(new ChannelStatus(INTERDOMAIN, 0, 5, 1));
        restoreCopy();
        assertThat(copy.status(port)).isEqualTo(new ChannelStatus(UNBOUND, 0, 5, 0));
    }

    @Test
    void endOfTheVmmIsServedAgainOnce() {
        int[] runs = {0};
        int port = old.allocateForBackend(() -> {});
        int ipi = old.bindIpi(0);
        restoreCopy();
        assertThat(copy.bindBackend(ipi, () -> runs[0]++)).as("an IPI").isFalse();
        assertThat(copy.bindBackend(77, () -> runs[0]++)).as("a free port").isFalse();
        assertThat(copy.bindBackend(port, () -> runs[0]++)).isTrue();
        assertThat(copy.bindBackend(port, () -> runs[0] += 100)).as("served").isFalse();
        assertThat(copy.send(port)).isZero();
        assertThat(runs[0]).isEqualTo(1);
    }

    @ParameterizedTest
    @CsvSource({
        "0, 5, 0, 0, 0",
        "-1, 5, 0, 0, 0",
        "4096, 5, 0, 0, 0", // port
        "9, 0, 0, 0, 0",
        "9, -1, 0, 0, 0",
        "9, 6, 0, 0, 0", // kind
        "9, 5, -1, 0, 0",
        "9, 5, 2, 0, 0", // vCPU
        "9, 4, 0, -1, 0",
        "9, 4, 0, 24, 0", // virtual interrupt
        "9, 2, 0, 0, 7", // the VMM has no ports
        "9, 1, 0, 0, 7",
        "9, 4, 0, 1, 7",
        "9, 5, 0, 0, 7", // remote port
        "9, 1, 0, 1, 0",
        "9, 2, 0, 1, 0",
        "9, 5, 0, 1, 0" // virtual interrupt of another kind
    })
    void channelThatNoDomainCanHaveIsRefused(
            int port, int kind, int vcpu, int virq, int remotePort) {
        SavedChannel saved = new SavedChannel(port, kind, vcpu, virq, 0, remotePort);
        assertThat(copy.restore(List.of(saved), OLD_ID)).isFalse();
        assertThat(copy.save()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "1, -1, 0",
        "1, 65536, 0",
        "2, -1, 9",
        "2, 65536, 9", // domain
        "4, 1, 0",
        "5, 1, 0", // none
        "2, 5, 0",
        "2, 5, -1",
        "2, 5, 4096" // remote port
    })
    void channelToWhereNoneLeadsIsRefused(int kind, int remoteDomain, int remotePort) {
        SavedChannel saved = new SavedChannel(9, kind, 0, 0, remoteDomain, remotePort);
        assertThat(copy.restore(List.of(saved), OLD_ID)).isFalse();
        assertThat(copy.save()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"1, 1, 0, 0", "4095, 5, 1, 0", "9, 4, 1, 23", "9, 2, 0, 0"})
    void channelAtTheEdgeOfWhatADomainCanHaveIsMade(int port, int kind, int vcpu, int virq) {
        SavedChannel saved = new SavedChannel(port, kind, vcpu, virq, 0, 0);
        assertThat(copy.restore(List.of(saved), OLD_ID)).isTrue();
        assertThat(copy.save()).containsExactly(saved);
    }

    @Test
    void physicalInterruptOfADeviceThatNobodyHasIsRefused() {
        SavedChannel pirq = new SavedChannel(9, 3, 0, 0, 0, 0);
        assertThat(copy.restore(List.of(pirq), OLD_ID)).isFalse();
        assertThat(copy.save()).isEmpty();
    }

    @Test
    void virtualInterruptThatIsBoundTwiceIsRefused() {
        SavedChannel timer = new SavedChannel(4, 4, 1, Virq.TIMER, 0, 0);
        SavedChannel again = new SavedChannel(5, 4, 1, Virq.TIMER, 0, 0);
        assertThat(copy.restore(List.of(timer, again), OLD_ID)).isFalse();
    }

    @Test
    void globalInterruptThatIsBoundOnTwoVcpusIsRefused() {
        SavedChannel console = new SavedChannel(4, 4, 0, Virq.CONSOLE, 0, 0);
        SavedChannel again = new SavedChannel(5, 4, 1, Virq.CONSOLE, 0, 0);
        assertThat(copy.restore(List.of(console, again), OLD_ID)).isFalse();
    }

    @ParameterizedTest
    @ValueSource(ints = {4, 5, 6, 7})
    void channelToOneselfWithoutItsOtherEndIsRefused(int remotePort) {
        List<SavedChannel> saved =
                List.of(
                        new SavedChannel(4, INTERDOMAIN, 0, 0, OLD_ID, remotePort),
                        new SavedChannel(5, UNBOUND, 0, 0, OLD_ID, 0),
                        new SavedChannel(6, INTERDOMAIN, 0, 0, OLD_ID, 8),
                        new SavedChannel(8, INTERDOMAIN, 0, 0, OLD_ID, 6));
        assertThat(copy.restore(saved, OLD_ID)).isFalse();
    }

    @Test
    void twoChannelsOfOnePortAreRefused() {
        SavedChannel ipi = new SavedChannel(4, 5, 0, 0, 0, 0);
        assertThat(copy.restore(List.of(ipi, ipi), OLD_ID)).isFalse();
    }
}

package org.xenolith.core.event;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.xenolith.core.abi.XenErrno.ENOSPC;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which channel stands where. */
class PortTableTest {
    private final Object lock = new Object();
    private final PortTable ports = new PortTable(lock);

    private int add(Channel channel) {
        synchronized (lock) {
            return ports.add(channel);
        }
    }

    private void remove(int port) {
        synchronized (lock) {
            ports.remove(port, ports.get(port));
        }
    }

    private int virqPort(int virq, int vcpu) {
        synchronized (lock) {
            return ports.virqPort(virq, vcpu);
        }
    }

    @Test
    void channelStandsAtTheLowestFreePortFrom1() {
        assertThat(add(Channel.ipi(0))).isEqualTo(1);
        assertThat(add(Channel.ipi(0))).isEqualTo(2);
        assertThat(add(Channel.ipi(0))).isEqualTo(3);
        remove(2);
        remove(3);
        assertThat(add(Channel.ipi(0))).isEqualTo(2);
    }

    @Test
    void fullTableKeepsWhatItHas() {
        for (int port = 1; port < EventChannels.PORTS; port++) {
            assertThat(add(Channel.ipi(0))).isEqualTo(port);
        }
        Channel last = ports.get(EventChannels.PORTS - 1);
        assertThat(add(Channel.virq(Virq.TIMER, 0))).isEqualTo(-ENOSPC);
        assertThat(ports.get(EventChannels.PORTS - 1)).isSameAs(last);
        assertThat(virqPort(Virq.TIMER, 0)).as("bound nowhere").isZero();
    }

    @ParameterizedTest
    @ValueSource(ints = {Integer.MIN_VALUE, -1, 0, 4096, Integer.MAX_VALUE})
    void whatIsNoPortHasNoChannel(int port) {
        add(Channel.ipi(0));
        assertThat(PortTable.isPort(port)).isFalse();
        assertThat(ports.get(port)).isNull();
    }

    @Test
    void portHoldsAChannelUntilItIsTaken() {
        Channel first = Channel.ipi(0);
        int port = add(first);
        assertThat(ports.holds(port, first)).isTrue();
        remove(port);
        assertThat(ports.holds(port, first)).isFalse();
        assertThat(add(Channel.ipi(0))).isEqualTo(port);
        assertThat(ports.holds(port, first)).as("the next channel of that number").isFalse();
    }

    @Test
    void perVcpuInterruptIsFoundByItsVcpu() {
        int first = add(Channel.virq(Virq.TIMER, 0));
        int second = add(Channel.virq(Virq.TIMER, 1));
        assertThat(virqPort(Virq.TIMER, 0)).isEqualTo(first);
        assertThat(virqPort(Virq.TIMER, 1)).isEqualTo(second);
        assertThat(virqPort(Virq.TIMER, 2)).isZero();
        remove(first);
        assertThat(virqPort(Virq.TIMER, 0)).isZero();
        assertThat(virqPort(Virq.TIMER, 1)).isEqualTo(second);
    }

    @Test
    void globalInterruptIsFoundWhicheverVcpuItWasMovedTo() {
        Channel console = Channel.virq(Virq.CONSOLE, 0);
        int port = add(console);
        console.moveTo(3);
        assertThat(virqPort(Virq.CONSOLE, 0)).isEqualTo(port);
        assertThat(virqPort(Virq.CONSOLE, 5)).isEqualTo(port);
        remove(port);
        assertThat(virqPort(Virq.CONSOLE, 0)).isZero();
    }

    @Test
    void tableIsChangedAndSearchedUnderItsLockOnly() {
        Channel ipi = Channel.ipi(0);
        assertThatThrownBy(() -> ports.add(ipi)).isInstanceOf(AssertionError.class);
        assertThatThrownBy(() -> ports.put(1, ipi)).isInstanceOf(AssertionError.class);
        assertThatThrownBy(() -> ports.remove(1, ipi)).isInstanceOf(AssertionError.class);
        assertThatThrownBy(() -> ports.virqPort(Virq.TIMER, 0)).isInstanceOf(AssertionError.class);
    }
}

package org.xenolith.core.event;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.core.abi.XenErrno.EEXIST;
import static org.xenolith.core.abi.XenErrno.EINVAL;
import static org.xenolith.core.abi.XenErrno.ENOENT;
import static org.xenolith.core.abi.XenErrno.ENOSPC;

import org.junit.jupiter.api.Test;
import org.xenolith.core.abi.SharedInfo;
import org.xenolith.core.abi.VcpuInfo;
import org.xenolith.core.domain.TestGuest;
import org.xenolith.cpu.mmu.Ram;

class EventChannelsTest {
    private final TestGuest guest = new TestGuest(2);
    private final EventChannels events = guest.domain.events();

    private boolean isUpcallPending(int vcpu) {
        return guest.domain.vcpu(vcpu).isUpcallPending();
    }

    private long selector(int vcpu) {
        return Ram.getLong(guest.domain.vcpu(vcpu).vcpuInfo() + VcpuInfo.EVTCHN_PENDING_SEL);
    }

    private void mask(int port) {
        Ram.putLong(guest.sharedInfo + SharedInfo.EVTCHN_MASK, 1L << port);
    }

    @Test
    void ipiSetsThePendingBitTheSelectorAndTheUpcallOfItsVcpuOnly() {
        int port = events.bindIpi(1);

        assertThat(events.send(port)).isZero();

        assertThat(events.isPending(port)).isTrue();
        assertThat(selector(1)).isEqualTo(1);
        assertThat(isUpcallPending(1)).isTrue();
        assertThat(isUpcallPending(0)).isFalse();
    }

    @Test
    void maskedPortIsPendingWithoutAnUpcallUntilItIsUnmasked() {
        int port = events.bindIpi(0);
        mask(port);
        events.send(port);
        assertThat(events.isPending(port)).isTrue();
        assertThat(isUpcallPending(0)).isFalse();

        assertThat(events.unmask(port)).isZero();

        assertThat(isUpcallPending(0)).isTrue();
    }

    @Test
    void virtualInterruptBindsOncePerVcpu() {
        assertThat(events.bindVirq(EventChannels.VIRQ_TIMER, 0)).isPositive();
        assertThat(events.bindVirq(EventChannels.VIRQ_TIMER, 1)).isPositive();
        assertThat(events.bindVirq(EventChannels.VIRQ_TIMER, 1)).isEqualTo(-EEXIST);
        assertThat(events.bindVirq(EventChannels.VIRQ_TIMER, 2)).isEqualTo(-ENOENT);
        assertThat(events.bindVirq(24, 0)).isEqualTo(-EINVAL);
        assertThat(events.bindVirq(EventChannels.VIRQ_CONSOLE, 1)).isEqualTo(-EINVAL);
    }

    @Test
    void sendToAFreePortFailsAndToAnUnboundOneIsSilent() {
        int port = events.allocateUnbound(0);

        assertThat(events.send(port)).isZero();
        assertThat(events.isPending(port)).isFalse();
        assertThat(events.send(port + 1)).isEqualTo(-EINVAL);
        assertThat(events.send(0)).isEqualTo(-EINVAL);
        assertThat(events.send(-1)).isEqualTo(-EINVAL);
        assertThat(events.send(EventChannels.PORTS)).isEqualTo(-EINVAL);
    }

    @Test
    void deliveryFollowsTheLastBindVcpu() {
        int port = events.allocateForBackend(() -> {});
        assertThat(events.bindVcpu(port, 1)).isZero();

        events.deliver(port);

        assertThat(isUpcallPending(1)).isTrue();
        assertThat(isUpcallPending(0)).isFalse();
        assertThat(events.bindVcpu(port, 2)).isEqualTo(-ENOENT);
        assertThat(events.bindVcpu(events.bindIpi(0), 1)).isEqualTo(-EINVAL);
    }

    @Test
    void closeForgetsWhatWasPending() {
        int port = events.bindIpi(0);
        events.send(port);

        assertThat(events.close(port)).isZero();

        assertThat(events.isPending(port)).isFalse();
        assertThat(events.close(port)).isEqualTo(-EINVAL);
    }

    @Test
    void noPortIsLeftAfter4095() {
        for (int i = 1; i < EventChannels.PORTS; i++) {
            assertThat(events.bindIpi(0)).isEqualTo(i);
        }
        assertThat(events.bindIpi(0)).isEqualTo(-ENOSPC);
    }
}

package org.xenolith.core.domain;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.xenolith.core.domain.VirtualCpu.State;
import org.xenolith.core.event.Virq;

/** When a wait that sched_op began is over. */
class WaitsTest {
    private final PvGuest.FakeClock clock = new PvGuest.FakeClock();
    private final PvGuest guest = new PvGuest(2, clock);
    private final VirtualCpu vcpu = guest.vcpu(0);
    private final Waits waits = vcpu.waits;

    @Test
    void vcpuThatWaitsForNothingGoesOn() {
        assertThat(waits.isWaiting()).isFalse();
        assertThat(waits.stillWaiting()).isNull();
    }

    @Test
    void blockEndsWithAPendingUpcallEvenIfItIsMasked() {
        int port = guest.domain.events().bindVirq(Virq.TIMER, 0);
        waits.forUpcall();
        assertThat(waits.stillWaiting()).isEqualTo(State.BLOCKED);
        assertThat(waits.isWaiting()).isTrue();
        guest.domain.events().deliver(port);
        vcpu.info.setUpcallMask(true);
        assertThat(waits.stillWaiting()).isNull();
        assertThat(waits.isWaiting()).isFalse();
    }

    @Test
    void blockEndsWithAnNmi() {
        waits.forUpcall();
        vcpu.nmiPending = true;
        assertThat(waits.stillWaiting()).isNull();
    }

    @Test
    void pollEndsWithOneOfItsPortsAndNotWithAnother() {
        int other = guest.domain.events().bindIpi(1);
        int polled = guest.domain.events().bindIpi(1);
        waits.forPorts(new int[] {9, polled}, VirtualCpu.NEVER);
        guest.domain.events().deliver(other);
        assertThat(waits.stillWaiting()).isEqualTo(State.POLLING);
        guest.domain.events().deliver(polled);
        assertThat(waits.stillWaiting()).isNull();
        assertThat(waits.polledPorts()).as("nobody is to wake it for them").isEmpty();
    }

    @Test
    void pollEndsAtItsDeadlineWhichIsForgotten() {
        waits.forPorts(new int[] {9}, 700);
        clock.now = 699;
        assertThat(waits.stillWaiting()).isEqualTo(State.POLLING);
        clock.now = 700;
        assertThat(waits.stillWaiting()).isNull();
        assertThat(waits.pollDeadline()).isEqualTo(VirtualCpu.NEVER);
    }

    @Test
    void pollEndsWithAnUpcallThatIsDueAndNotWithAMaskedOne() {
        int port = guest.domain.events().bindVirq(Virq.TIMER, 0);
        waits.forPorts(new int[] {port + 1}, VirtualCpu.NEVER);
        vcpu.info.setUpcallMask(true);
        guest.domain.events().deliver(port);
        assertThat(waits.stillWaiting()).isEqualTo(State.POLLING);
        vcpu.info.setUpcallMask(false);
        assertThat(waits.stillWaiting()).isNull();
    }

    @Test
    void pollEndsWithAnNmiThatIsNotMasked() {
        waits.forPorts(new int[] {9}, VirtualCpu.NEVER);
        vcpu.nmiPending = true;
        vcpu.nmiMasked = true;
        assertThat(waits.stillWaiting()).isEqualTo(State.POLLING);
        vcpu.nmiMasked = false;
        assertThat(waits.stillWaiting()).isNull();
    }

    @Test
    void deadlineOfAPollCountsOnlyWhileTheVcpuPolls() {
        waits.forPorts(new int[] {9}, 700);
        vcpu.timers.setOneShot(900);
        vcpu.state = State.RUNNING;
        assertThat(vcpu.nextDeadline()).isEqualTo(900);
        vcpu.state = State.POLLING;
        assertThat(vcpu.nextDeadline()).isEqualTo(700);
    }

    @Test
    void onlyPolledPortsWakeTheVcpu() {
        waits.forPorts(new int[] {3, 9}, VirtualCpu.NEVER);
        vcpu.state = State.POLLING;
        vcpu.wakeIfPolling(4);
        assertThat(vcpu.state).isEqualTo(State.POLLING);
        vcpu.wakeIfPolling(9);
        assertThat(vcpu.state).isEqualTo(State.RUNNABLE);
    }
}

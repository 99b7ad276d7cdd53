package org.xenolith.core.sched;

import static org.assertj.core.api.Assertions.assertThat;

import org.xenolith.core.domain.PvGuest;
import org.xenolith.core.domain.VirtualCpu;
import org.xenolith.core.domain.VirtualCpu.State;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.Supplier;

/** vCPUs that do what the test says, on the test's own thread and clock. */
abstract class ScriptedVcpus {
    static final long SLICE = 5_000_000;

    final PvGuest.FakeClock clock = new PvGuest.FakeClock();
    final Deque<Supplier<State>> script = new ArrayDeque<>();
    final List<Integer> ran = new ArrayList<>();
    final Scheduler scheduler = new Scheduler(this::run, () -> clock.now);

    private State run(VirtualCpu vcpu, long slice) {
        ran.add(vcpu.vcpuId());
        Supplier<State> step = script.poll();
        if (step == null) {
            clock.now += slice;
            return State.RUNNABLE;
        }
        return step.get();
    }

    PvGuest guest(int vcpus) {
        PvGuest guest = new PvGuest(vcpus, clock, scheduler);
        for (int i = 0; i < vcpus; i++) {
            scheduler.online(guest.vcpu(i));
        }
        return guest;
    }

    void runSlices(int count) {
        for (int i = 0; i < count; i++) {
            assertThat(scheduler.runNext()).isTrue();
        }
    }
}

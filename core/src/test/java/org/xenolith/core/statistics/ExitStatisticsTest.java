package org.xenolith.core.statistics;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.xenolith.core.abi.Hypercall;
import org.xenolith.core.domain.PvGuest;
import org.xenolith.core.domain.VirtualCpu;
import org.xenolith.core.time.GuestClock;

final class ExitStatisticsTest {
    private static String of(PvGuest guest) {
        StringBuilder text = new StringBuilder();
        new ExitStatistics(guest.domain).append(text);
        return text.toString();
    }

    @Test
    void entriesOfAMulticallAreCountedByTheirOwnNames() {
        PvGuest guest = new PvGuest(1, GuestClock.virtual());
        VirtualCpu vcpu = guest.vcpu(0);
        guest.hypercalls.measure();
        for (int i = 0; i < 3; i++) {
            vcpu.mmu().write64(PvGuest.ARGUMENTS + 64L * i, Hypercall.FPU_TASKSWITCH);
        }
        guest.call(vcpu, Hypercall.MULTICALL, PvGuest.ARGUMENTS, 3);
        guest.call(vcpu, Hypercall.FPU_TASKSWITCH, 0);
        assertThat(of(guest).lines())
                .anyMatch(line -> line.matches(" *fpu_taskswitch +1 +3  traps"))
                .anyMatch(line -> line.matches(" *multicall +1 +0  runs"))
                .anyMatch(line -> line.startsWith("exits 2: hypercalls 2, faults 0"))
                .anyMatch(line -> line.contains("about 4 traps if emulated, 0 exits"));
    }

    @Test
    void virtualTimeShowsNoTimeOfTheHost() {
        PvGuest guest = new PvGuest(1, GuestClock.virtual());
        guest.hypercalls.measure();
        guest.call(guest.vcpu(0), Hypercall.XEN_VERSION, 0);
        assertThat(of(guest)).doesNotContain("ms").doesNotContain("a second");
    }

    @Test
    void dearestHypercallComesFirst() {
        PvGuest guest = new PvGuest(1, GuestClock.live());
        VirtualCpu vcpu = guest.vcpu(0);
        vcpu.counts.hypercall(Hypercall.MMU_UPDATE, 0);
        vcpu.counts.hypercall(Hypercall.XEN_VERSION, 0);
        vcpu.costs.called(Hypercall.MMU_UPDATE, 1_000_000);
        vcpu.costs.called(Hypercall.XEN_VERSION, 2_500_000);
        assertThat(of(guest).lines().skip(1).limit(2))
                .allMatch(line -> line.contains("0 "))
                .element(0)
                .asString()
                .contains("xen_version")
                .contains("2.5")
                .endsWith("exits");
    }

    @Test
    void nothingIsMeasuredUnlessSomebodyAsks() {
        PvGuest guest = new PvGuest(1, GuestClock.live());
        guest.call(guest.vcpu(0), Hypercall.XEN_VERSION, 0);
        assertThat(guest.vcpu(0).costs.nanos(Hypercall.XEN_VERSION)).isZero();
    }
}

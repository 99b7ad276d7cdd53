package org.xenolith.core.domain;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.core.event.Virq;
import org.xenolith.core.image.Symbols;
import org.xenolith.core.mm.TestDomain;
import org.xenolith.core.time.GuestClock;
import org.xenolith.core.trace.TraceFilter;
import org.xenolith.core.trace.TraceTopic;
import org.xenolith.core.trace.Tracer;
import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.mmu.Pte;

import java.util.EnumSet;
import java.util.List;

/** A guest whose instructions are shown does what it does without. */
class SteppingTest {
    private static final long SLICE = 100_000;
    private static final long CALLBACK = 0x9000;

    /** Where a test maps the shared page, and within it vCPU 0's upcall mask. */
    private static final int SHARED_SLOT = 200;

    private static final int UPCALL_MASK = 0xc8001;

    private static PvGuest watched(GuestClock clock, boolean watched) {
        PvGuest guest = new PvGuest(1, clock);
        if (watched) {
            TraceFilter filter = TraceFilter.of(EnumSet.of(TraceTopic.INSTRUCTION));
            guest.runner.trace(new Tracer(filter, Symbols.NONE, List.of(_ -> {})));
        }
        return guest;
    }

    /** Turns of a loop behind the store that unmasks upcalls, until the one that is pending. */
    private static long turnsUntilTheUpcall(boolean watched) {
        PvGuest guest = watched(GuestClock.virtual(), watched);
        VirtualCpu vcpu = guest.vcpu(0);
        TestDomain memory = guest.memory;
        long shared = TestDomain.entry(guest.sharedInfoMfn(), TestDomain.RW);
        assertThat(memory.update(memory.l1, SHARED_SLOT, shared)).isZero();
        // mov byte [UPCALL_MASK], 0; again: inc rbx; jmp again
        guest.put(PvGuest.CODE, 0xc6, 0x04, 0x25, UPCALL_MASK & 0xff, UPCALL_MASK >> 8 & 0xff);
        guest.put(PvGuest.CODE + 5, UPCALL_MASK >> 16, 0, 0, 0x48, 0xff, 0xc3, 0xeb, 0xfb);
        guest.put(CALLBACK, 0xeb, 0xfe);
        vcpu.entry.eventCallback = CALLBACK;
        vcpu.info.setUpcallMask(true);
        guest.domain.events().deliver(guest.domain.events().bindVirq(Virq.TIMER, 0));
        guest.runner.run(vcpu, SLICE);
        assertThat(vcpu.cpu().rip).isEqualTo(CALLBACK);
        return vcpu.cpu().r[Cpu.RBX];
    }

    @Test
    void upcallInVirtualTimeComesNoSoonerWhenInstructionsAreShown() {
        assertThat(turnsUntilTheUpcall(true)).isEqualTo(turnsUntilTheUpcall(false)).isPositive();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void pageBehindTheInstructionIsNotAccessedByShowingIt(boolean watched) {
        PvGuest guest = watched(GuestClock.virtual(), watched);
        VirtualCpu vcpu = guest.vcpu(0);
        TestDomain memory = guest.memory;
        int next = (int) (CALLBACK >> 12);
        guest.put(CALLBACK - 2, 0xeb, 0xfe);
        long entry = memory.get(memory.l1, next) & ~Pte.ACCESSED;
        assertThat(memory.update(memory.l1, next, entry)).isZero();
        vcpu.vcpuTlb().pollPoint();
        vcpu.cpu().rip = CALLBACK - 2;
        guest.runner.run(vcpu, SLICE);
        assertThat(vcpu.cpu().rip).isEqualTo(CALLBACK - 2);
        assertThat(memory.get(memory.l1, next) & Pte.ACCESSED).isZero();
    }

    @Test
    void liveVcpuThatIsSteppedComesToItsPollPointAsSoonAsInVirtualTime() {
        PvGuest live = watched(new PvGuest.FakeClock(), true);
        live.put(PvGuest.CODE, 0xeb, 0xfe);
        VirtualCpu vcpu = live.vcpu(0);
        vcpu.cutSlice();
        live.runner.run(vcpu, Long.MAX_VALUE / 2);
        assertThat(vcpu.cpu().retired())
                .isPositive()
                .isLessThanOrEqualTo(VcpuRunner.POLL_INSTRUCTIONS);
    }
}

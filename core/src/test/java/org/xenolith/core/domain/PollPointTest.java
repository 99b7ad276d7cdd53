package org.xenolith.core.domain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.core.domain.VcpuRunner.POLL_INSTRUCTIONS;

import org.junit.jupiter.api.Test;
import org.xenolith.core.abi.Hypercall;
import org.xenolith.core.domain.VirtualCpu.State;
import org.xenolith.core.event.EventChannels;
import org.xenolith.core.event.Virq;
import org.xenolith.core.parallel.HostThreads;
import org.xenolith.core.time.GuestClock;
import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.mmu.FetchListener;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/** Guest code between poll points: events, timers, waits. */
class PollPointTest {
    private static final long SLICE = 100_000;
    private static final long CALLBACK = 0x9000;

    private final PvGuest guest = new PvGuest(2, GuestClock.virtual());
    private final VirtualCpu vcpu = guest.vcpu(0);
    private final EventChannels events = guest.domain.events();

    /** An endless loop; the event callback counts in RBX, forgets the event and loops as well. */
    private int loopWithTimerPort() {
        guest.put(PvGuest.CODE, 0xeb, 0xfe);
        guest.put(CALLBACK, 0x48, 0xff, 0xc3, 0xeb, 0xfe);
        vcpu.entry.eventCallback = CALLBACK;
        vcpu.info.setUpcallMask(false);
        return events.bindVirq(Virq.TIMER, 0);
    }

    @Test
    void upcallOfATimerComesWithinTwoThousandInstructions() {
        loopWithTimerPort();
        vcpu.timers.setOneShot(10_000);
        // HLT in the callback is a fault, and there is no handler for it: the report dates it.
        guest.put(CALLBACK, 0xf4);
        assertThat(guest.runner.run(vcpu, SLICE)).isEqualTo(State.OFFLINE);
        assertThat(guest.domain.ending().crash()).contains("vector 13").contains("0x9000");
        assertThat(vcpu.cpu().retired()).isBetween(10_000L, 12_000L);
    }

    @Test
    void loadOfARootTakesInWhatASiblingHasPosted() {
        guest.vcpu(1).vcpuTlb().dropPage(0x5000);
        vcpu.newUserBasePtr(vcpu.userBasePtr());
        assertThat(vcpu.mmu().mailbox().isEmpty()).isTrue();
        guest.vcpu(1).vcpuTlb().dropPage(0x5000);
        vcpu.newBasePtr(vcpu.basePtr());
        assertThat(vcpu.mmu().mailbox().isEmpty()).isTrue();
    }

    @Test
    void aVcpuThatDoesNotRunForgetsDecodedCodeAtOnce() {
        AtomicInteger forgotten = new AtomicInteger();
        vcpu.mmu()
                .tellFetchesDropped(
                        new FetchListener() {
                            @Override
                            public void pageDropped(long vaddr) {}

                            @Override
                            public void allDropped() {
                                forgotten.incrementAndGet();
                            }
                        });
        vcpu.vcpuTlb().enter();
        vcpu.mmu().mailbox().postForgetFetches();
        assertThat(forgotten).as("by another thread while it runs").hasValue(0);
        vcpu.vcpuTlb().leave();
        assertThat(forgotten).hasValue(1);
        vcpu.mmu().mailbox().postForgetFetches();
        assertThat(forgotten).hasValue(2);
    }

    @Test
    void busyVcpuRunsForItsSliceAndStaysRunnable() {
        loopWithTimerPort();
        assertThat(guest.runner.run(vcpu, SLICE)).isEqualTo(State.RUNNABLE);
        assertThat(vcpu.cpu().retired()).isBetween(SLICE, SLICE + 2 * POLL_INSTRUCTIONS);
    }

    @Test
    void timersThatAreDueTogetherMakeOneEvent() {
        loopWithTimerPort();
        vcpu.timers.restore(5000, 1_000_000, 5000);
        guest.runner.run(vcpu, SLICE);
        assertThat(vcpu.cpu().r[Cpu.RBX]).isEqualTo(1);
        assertThat(vcpu.timers.oneShotDeadline()).isEqualTo(VirtualCpu.NEVER);
        assertThat(vcpu.timers.periodicDeadline()).isBetween(1_005_000L, 1_008_000L);
    }

    @Test
    void postedWorkRunsBeforeTheNextInstructions() {
        loopWithTimerPort();
        guest.domain.post(() -> events.raiseVirq(Virq.TIMER, 0));
        guest.runner.run(vcpu, 1);
        assertThat(vcpu.cpu().r[Cpu.RBX]).isEqualTo(1);
        assertThat(vcpu.info.upcallsMasked()).isTrue();
    }

    @Test
    void workThatPostsItselfForEverDoesNotStopTheVcpu() {
        loopWithTimerPort();
        int[] runs = {0};
        Runnable again =
                new Runnable() {
                    @Override
                    public void run() {
                        runs[0]++;
                        guest.domain.post(this);
                    }
                };
        guest.domain.post(again);
        assertThat(guest.runner.run(vcpu, SLICE)).isEqualTo(State.RUNNABLE);
        assertThat(vcpu.cpu().retired()).isGreaterThanOrEqualTo(SLICE);
        assertThat(runs[0]).isPositive();
    }

    @Test
    void blockedVcpuSleepsUntilAnEventAndThenTakesItsUpcall() {
        int port = loopWithTimerPort();
        vcpu.waits.forUpcall();
        assertThat(guest.runner.run(vcpu, SLICE)).isEqualTo(State.BLOCKED);
        assertThat(vcpu.cpu().retired()).isZero();
        events.deliver(port);
        assertThat(guest.runner.run(vcpu, SLICE)).isEqualTo(State.RUNNABLE);
        assertThat(vcpu.cpu().r[Cpu.RBX]).isEqualTo(1);
    }

    @Test
    void pollEndsAtAMaskedPortWithoutUpcall() {
        int port = loopWithTimerPort();
        vcpu.info.setUpcallMask(true);
        vcpu.waits.forPorts(new int[] {port}, VirtualCpu.NEVER);
        assertThat(guest.runner.run(vcpu, SLICE)).isEqualTo(State.POLLING);
        events.deliver(port);
        assertThat(guest.runner.run(vcpu, SLICE)).isEqualTo(State.RUNNABLE);
        assertThat(vcpu.cpu().r[Cpu.RBX]).isZero();
        assertThat(vcpu.waits.polledPorts()).isEmpty();
    }

    @Test
    void pollEndsAtItsTimeout() {
        loopWithTimerPort();
        vcpu.waits.forPorts(new int[] {9}, 700);
        assertThat(guest.runner.run(vcpu, SLICE)).isEqualTo(State.POLLING);
        guest.domain.clock().skipTo(700, guest.domain.retired());
        assertThat(guest.runner.run(vcpu, SLICE)).isEqualTo(State.RUNNABLE);
    }

    @Test
    void hypercallOfGuestCodeReturnsBehindItsSyscall() {
        // mov eax, 17; xor edi, edi; syscall; hlt
        guest.put(PvGuest.CODE, 0xb8, Hypercall.XEN_VERSION, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05, 0xf4);
        guest.runner.run(vcpu, SLICE);
        assertThat(vcpu.cpu().r[Cpu.RAX]).isEqualTo(0x40011);
        assertThat(guest.domain.ending().crash()).contains("rip 0x8009");
    }

    @Test
    void guestThatDoesNothingButHypercallsReachesItsPollPoints() {
        // again: mov eax, 17; xor edi, edi; syscall; jmp again
        guest.put(
                PvGuest.CODE,
                0xb8,
                Hypercall.XEN_VERSION,
                0,
                0,
                0,
                0x31,
                0xff,
                0x0f,
                0x05,
                0xeb,
                0xf5);
        events.bindVirq(Virq.TIMER, 0);
        vcpu.entry.eventCallback = CALLBACK;
        guest.put(CALLBACK, 0xf4);
        vcpu.info.setUpcallMask(false);
        vcpu.timers.setOneShot(1);
        guest.runner.run(vcpu, SLICE);
        assertThat(vcpu.counts.hypercalls()).isLessThan(100);
    }

    @Test
    void runstateAreaIsWrittenThroughTheKernelsTablesWhileAProcessRuns() {
        guest.put(PvGuest.CODE, 0xeb, 0xfe);
        // The process's tables lead nowhere any more; the kernel's still do.
        guest.memory.update(guest.userL4, 0, 0);
        vcpu.runstate.register(0x5000);
        vcpu.mode.enterUser();
        vcpu.runstate.set(Runstate.RUNNING, 42);
        vcpu.runstate.publish();
        assertThat(vcpu.cpu().mmu().root()).isEqualTo(guest.userL4);
        vcpu.mode.enterKernel();
        assertThat(vcpu.mmu().read64(0x5008)).isEqualTo(42);
    }

    /** Instructions from the poll point at which a live vCPU is kicked to the next one. */
    private static long retiredUntilThePollPointAfter(Consumer<VirtualCpu> kick) {
        PvGuest live = new PvGuest(1, new PvGuest.FakeClock());
        live.put(PvGuest.CODE, 0xeb, 0xfe);
        live.domain.post(
                () -> {
                    kick.accept(live.vcpu(0));
                    // What is posted by a poll point's work waits for the next one.
                    for (int i = 0; i < PostedWork.PER_POLL; i++) {
                        live.domain.post(() -> {});
                    }
                    live.domain.post(live.domain::destroy);
                });
        assertThat(live.runner.run(live.vcpu(0), Long.MAX_VALUE / 2)).isEqualTo(State.OFFLINE);
        return live.vcpu(0).cpu().retired();
    }

    @Test
    void kickBringsThePollPointBehindTheNextBlock() {
        assertThat(retiredUntilThePollPointAfter(VirtualCpu::kick)).isBetween(1L, 48L);
        assertThat(retiredUntilThePollPointAfter(_ -> {}))
                .isBetween(POLL_INSTRUCTIONS - (long) Cpu.SLACK, (long) POLL_INSTRUCTIONS);
    }

    /** Instructions of a live vCPU until it sees that its timer is due, by a clock that stands. */
    private static long retiredToTheStretchsEnd(long nanosToDeadline) {
        PvGuest.FakeClock clock = new PvGuest.FakeClock();
        PvGuest live = new PvGuest(1, clock);
        live.put(PvGuest.CODE, 0xeb, 0xfe);
        VirtualCpu vcpu = live.vcpu(0);
        vcpu.timers.setOneShot(nanosToDeadline);
        vcpu.cutSlice();
        live.runner.run(vcpu, Long.MAX_VALUE / 2);
        return vcpu.cpu().retired();
    }

    @Test
    void liveVcpuWithNothingDueRunsOnForLong() {
        assertThat(retiredToTheStretchsEnd(VirtualCpu.NEVER))
                .isBetween(
                        VcpuRunner.LONGEST_STRETCH - (long) Cpu.SLACK,
                        (long) VcpuRunner.LONGEST_STRETCH);
    }

    @Test
    void liveVcpuComesToItsPollPointSoonerWhenADeadlineIsNear() {
        assertThat(retiredToTheStretchsEnd(100_000)).isBetween(5000L - Cpu.SLACK, 5000L);
        assertThat(retiredToTheStretchsEnd(1))
                .isBetween(POLL_INSTRUCTIONS - (long) Cpu.SLACK, (long) POLL_INSTRUCTIONS);
    }

    @Test
    void liveVcpuThatBringsItsTimerForwardComesToAPollPointAtOnce() {
        PvGuest live = new PvGuest(1, new PvGuest.FakeClock());
        VirtualCpu vcpu = live.vcpu(0);
        // mov eax, 15 (set_timer_op); mov edi, 50000; syscall; jmp self
        live.put(PvGuest.CODE, 0xb8, 15, 0, 0, 0, 0xbf, 0x50, 0xc3, 0, 0, 0x0f, 0x05, 0xeb, 0xfe);
        vcpu.cutSlice();
        live.runner.run(vcpu, Long.MAX_VALUE / 2);
        assertThat(vcpu.timers.oneShotDeadline()).isEqualTo(50_000);
        assertThat(vcpu.cpu().retired()).isEqualTo(3);
    }

    @Test
    void sendWhoseBackendTookTheRestOfTheSliceEndsTheTurn() {
        PvGuest live = new PvGuest(1, new PvGuest.FakeClock());
        int[] served = {0};
        live.put(PvGuest.ARGUMENTS, live.domain.events().allocateForBackend(() -> served[0]++));
        // again: mov eax, 32 (event_channel_op); mov edi, 4 (send); mov esi, 0x1000; syscall; jmp
        live.put(PvGuest.CODE, 0xb8, 32, 0, 0, 0, 0xbf, 4, 0, 0, 0, 0xbe, 0, 0x10, 0, 0);
        live.put(PvGuest.CODE + 15, 0x0f, 0x05, 0xeb, 0xed);
        live.runner.run(live.vcpu(0), 1);
        assertThat(served[0]).isEqualTo(1);
    }

    @Test
    void flushOfASiblingKicksTheVcpuThatRuns() {
        PvGuest live = new PvGuest(2, new PvGuest.FakeClock());
        VirtualCpu running = live.vcpu(0);
        running.vcpuTlb().enter();
        HostThreads.together(
                () -> live.vcpu(1).vcpuTlb().flush(0b01),
                () -> {
                    while (!running.cpu().isKicked()) {
                        Thread.onSpinWait();
                    }
                    running.vcpuTlb().pollPoint();
                });
        running.vcpuTlb().leave();
    }

    @Test
    void kickMovesNoPollPointInVirtualTime() {
        vcpu.kick();
        assertThat(vcpu.cpu().isKicked()).isFalse();
    }

    @Test
    void vcpuThatSpinsMakesWayForASiblingThatCouldRun() {
        // pause; jmp self
        guest.put(PvGuest.CODE, 0xf3, 0x90, 0xeb, 0xfc);
        guest.vcpu(1).state = State.RUNNABLE;
        assertThat(guest.runner.run(vcpu, SLICE)).isEqualTo(State.RUNNABLE);
        assertThat(vcpu.yielded).isTrue();
        assertThat(vcpu.cpu().retired()).isEqualTo(POLL_INSTRUCTIONS);
    }

    @Test
    void vcpuThatSpinsKeepsItsSliceWhileNoSiblingCouldRun() {
        guest.put(PvGuest.CODE, 0xf3, 0x90, 0xeb, 0xfc);
        guest.vcpu(1).state = State.BLOCKED;
        guest.runner.run(vcpu, SLICE);
        assertThat(vcpu.cpu().retired()).isGreaterThanOrEqualTo(SLICE);
    }

    @Test
    void vcpuThatPausesNowAndThenKeepsItsSlice() {
        // again: mov ecx, 50; dec ecx; jnz -4; pause; jmp again
        guest.put(PvGuest.CODE, 0xb9, 50, 0, 0, 0, 0xff, 0xc9, 0x75, 0xfc, 0xf3, 0x90);
        guest.put(PvGuest.CODE + 11, 0xeb, 0xf3);
        guest.vcpu(1).state = State.RUNNABLE;
        guest.runner.run(vcpu, SLICE);
        assertThat(vcpu.cpu().retired()).isGreaterThanOrEqualTo(SLICE);
    }

    @Test
    void vcpuThatIsDownRunsNoInstruction() {
        loopWithTimerPort();
        guest.scheduler.offline(vcpu);
        assertThat(guest.runner.run(vcpu, SLICE)).isEqualTo(State.OFFLINE);
        assertThat(vcpu.cpu().retired()).isZero();
    }

    @Test
    void suspendedVcpuExecutesNothingMoreUntilItIsAnswered() {
        // mov edi, 2; mov esi, 0x1000; mov edx, 77; mov eax, 29; syscall; inc rbx; jmp self
        guest.put(PvGuest.CODE, 0xbf, 2, 0, 0, 0, 0xbe, 0, 0x10, 0, 0, 0xba, 77, 0, 0, 0);
        guest.put(PvGuest.CODE + 15, 0xb8, Hypercall.SCHED_OP, 0, 0, 0, 0x0f, 0x05);
        guest.put(PvGuest.CODE + 22, 0x48, 0xff, 0xc3, 0xeb, 0xfe);
        guest.put(PvGuest.ARGUMENTS, DomainEnd.SHUTDOWN_SUSPEND, 0, 0, 0);
        int[] told = {0};
        guest.domain.suspending().onRequest(() -> told[0]++);
        assertThat(guest.runner.run(vcpu, SLICE)).isEqualTo(State.RUNNABLE);
        assertThat(told[0]).isEqualTo(1);
        assertThat(guest.domain.isPaused()).isTrue();
        assertThat(guest.domain.suspending().pending())
                .contains(new DomainSuspend.Suspension(0, 77));
        assertThat(vcpu.cpu().r[Cpu.RBX]).isZero();
        assertThat(vcpu.cpu().r[Cpu.RAX]).as("cancelled unless told otherwise").isEqualTo(1);
        guest.domain.suspending().answered();
        guest.scheduler.unpause(guest.domain);
        guest.runner.run(vcpu, SLICE);
        assertThat(vcpu.cpu().r[Cpu.RBX]).isEqualTo(1);
    }

    @Test
    void suspendThatNobodyAskedForIsCancelledAtOnce() {
        guest.put(PvGuest.ARGUMENTS, DomainEnd.SHUTDOWN_SUSPEND, 0, 0, 0);
        assertThat(guest.call(vcpu, Hypercall.SCHED_OP, 2, PvGuest.ARGUMENTS, 5)).isEqualTo(1);
        assertThat(guest.domain.isPaused()).isFalse();
    }

    @Test
    void pauseInVirtualTimeInterruptsASliceThatEndsWhereItWouldHave() {
        loopWithTimerPort();
        guest.domain.pauseAt(10_000, () -> {});
        assertThat(guest.runner.run(vcpu, SLICE)).isEqualTo(State.RUNNABLE);
        assertThat(vcpu.cpu().retired()).isBetween(10_000L, 12_000L);
        assertThat(vcpu.isSliceInterrupted()).isTrue();
        guest.scheduler.unpause(guest.domain);
        guest.runner.run(vcpu, SLICE);
        PvGuest other = new PvGuest(2, GuestClock.virtual());
        other.put(PvGuest.CODE, 0xeb, 0xfe);
        other.vcpu(0).info.setUpcallMask(false);
        other.runner.run(other.vcpu(0), SLICE);
        assertThat(vcpu.cpu().retired()).isEqualTo(other.vcpu(0).cpu().retired());
    }
}

package org.xenolith.core.mm;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.xenolith.cpu.mmu.Mmu;
import org.xenolith.cpu.mmu.StoreWatch;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/** What a split lock rests on: one vCPU has memory to itself while the others wait. */
@Timeout(60)
class StoppedSiblingsTest {
    private static final int SIBLINGS = 3, ROUNDS = 2000, ENOUGH = 10_000_000;
    private static final long PAGE = 0x40_0000;

    private final TestDomain memory = new TestDomain();
    private final VcpuTlbs tlbs = memory.frames.tlbs();
    private final List<Thread> threads = new ArrayList<>();
    private volatile boolean ended;

    @AfterEach
    void endThreads() throws InterruptedException {
        ended = true;
        for (Thread thread : threads) {
            thread.join();
        }
    }

    private VcpuTlbs.VcpuTlb vcpu(int id) {
        return vcpu(id, () -> {});
    }

    private VcpuTlbs.VcpuTlb vcpu(int id, Runnable kick) {
        return tlbs.register(id, new Mmu(new VcpuMemory(memory.types), StoreWatch.NONE), kick);
    }

    private void start(Runnable work) {
        threads.add(Thread.ofPlatform().start(work));
    }

    @Test
    void whileOneHasTheBusItsSiblingsPassNoPollPoint() {
        VcpuTlbs.VcpuTlb owner = vcpu(0), sibling = vcpu(1);
        AtomicLong passed = new AtomicLong();
        start(
                () -> {
                    sibling.enter();
                    while (!ended) {
                        sibling.pollPoint();
                        passed.incrementAndGet();
                    }
                    sibling.leave();
                });
        owner.enter();
        for (int round = 0; round < ROUNDS; round++) {
            owner.stopSiblings();
            long before = passed.get();
            for (int i = 0; i < 100; i++) {
                Thread.onSpinWait();
            }
            assertThat(passed.get()).as("poll points passed, round %d", round).isEqualTo(before);
            owner.letSiblingsGo();
        }
        owner.leave();
    }

    @Test
    void allThatAskForTheBusGetItOneAfterTheOther() throws InterruptedException {
        long[] plain = {0};
        for (int id = 0; id < SIBLINGS; id++) {
            VcpuTlbs.VcpuTlb vcpu = vcpu(id);
            start(
                    () -> {
                        vcpu.enter();
                        for (int round = 0; round < ROUNDS; round++) {
                            vcpu.pollPoint();
                            vcpu.stopSiblings();
                            plain[0]++;
                            vcpu.letSiblingsGo();
                        }
                        vcpu.leave();
                    });
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(plain[0]).isEqualTo((long) SIBLINGS * ROUNDS);
    }

    /** It stands in the middle of a block, whose page may be mapped otherwise now. */
    @Test
    void whoIsToldOfAnotherMappingWhileItWaitsForItsSiblingsEndsItsBlock() {
        AtomicLong kicks = new AtomicLong();
        VcpuTlbs.VcpuTlb sibling = vcpu(0), waiting = vcpu(1, kicks::incrementAndGet);
        sibling.enter();
        start(
                () -> {
                    waiting.enter();
                    waiting.stopSiblings();
                    waiting.letSiblingsGo();
                    waiting.leave();
                });
        for (int i = 0; i < ENOUGH && kicks.get() == 0; i++) {
            sibling.dropPage(PAGE);
        }
        sibling.pollPoint();
        sibling.leave();
        assertThat(kicks.get()).as("kicks of itself").isPositive();
    }

    @Test
    void aSiblingThatDoesNotRunIsNotWaitedForAndWaitsWhenItEnters() {
        VcpuTlbs.VcpuTlb owner = vcpu(0), sibling = vcpu(1);
        owner.enter();
        owner.stopSiblings();
        AtomicLong entered = new AtomicLong();
        start(
                () -> {
                    sibling.enter();
                    entered.set(1);
                    sibling.leave();
                });
        for (int i = 0; i < 100_000; i++) {
            Thread.onSpinWait();
        }
        assertThat(entered.get()).isZero();
        owner.letSiblingsGo();
        owner.leave();
    }
}

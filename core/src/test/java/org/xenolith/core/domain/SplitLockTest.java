package org.xenolith.core.domain;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.Exit;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** Litmus test: two vCPUs on two threads, one with locked accesses across two quadwords. */
@Timeout(120)
class SplitLockTest {
    private static final long SPLIT = PvGuest.ARGUMENTS + 4;
    private static final long STORING = PvGuest.CODE + 0x100;
    private static final int STORES = 0x8000;

    /** MOV ECX, 100; again: LOCK ADD QWORD [RBX], 0; DEC ECX; JNE again; SYSCALL. */
    private static final int[] LOCKED_ADDS = {
        0xb9, 100, 0, 0, 0, 0xf0, 0x48, 0x83, 0x03, 0, 0xff, 0xc9, 0x75, 0xf7, 0x0f, 0x05
    };

    /**
     * XOR ECX, ECX; again: CMP [RBX], ECX; JNE end; INC ECX; MOV [RBX], ECX; CMP ECX, STORES; JNE
     * again; end: SYSCALL.
     */
    private static final int[] PLAIN_STORES = {
        0x31, 0xc9, 0x39, 0x0b, 0x75, 0x0c, 0xff, 0xc1, 0x89, 0x0b, //
        0x81, 0xf9, 0, 0x80, 0, 0, 0x75, 0xf0, 0x0f, 0x05
    };

    private final PvGuest guest = new PvGuest(2, new PvGuest.FakeClock());

    private static void run(VirtualCpu vcpu, long rip) {
        Cpu cpu = vcpu.cpu();
        cpu.rip = rip;
        cpu.r[Cpu.RBX] = SPLIT;
        vcpu.vcpuTlb().enter();
        int exit = Exit.BUDGET;
        while (exit == Exit.BUDGET) {
            vcpu.vcpuTlb().pollPoint();
            exit = cpu.run(VcpuRunner.POLL_INSTRUCTIONS);
        }
        vcpu.vcpuTlb().leave();
        assertThat(exit).as("exit at %#x: %s", cpu.rip, cpu.fault()).isEqualTo(Exit.SYSCALL);
    }

    private static void awaitUnchecked(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void aPlainStoreOfASiblingIsNeverLostInASplitLock() {
        guest.put(PvGuest.CODE, LOCKED_ADDS);
        guest.put(STORING, PLAIN_STORES);
        CountDownLatch locking = new CountDownLatch(1);
        try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
            CompletableFuture<Void> stores =
                    CompletableFuture.runAsync(
                            () -> {
                                awaitUnchecked(locking);
                                run(guest.vcpu(1), STORING);
                            },
                            threads);
            CompletableFuture.runAsync(
                            () -> {
                                do {
                                    run(guest.vcpu(0), PvGuest.CODE);
                                    locking.countDown();
                                } while (!stores.isDone());
                            },
                            threads)
                    .join();
            stores.join();
        }
        assertThat(guest.vcpu(1).cpu().r[Cpu.RCX])
                .as("stores that were still there when the next one came")
                .isEqualTo(STORES);
    }
}

package org.xenolith.core.domain;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.core.abi.SharedInfo;
import org.xenolith.core.mm.TestDomain;
import org.xenolith.core.sched.Scheduler;
import org.xenolith.core.time.GuestClock;
import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.mmu.Mmu;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Four vCPUs hand an event round: each sleeps until it comes and sends it on to the next. One
 * wake-up lost between two threads, and all sleep for ever.
 */
class PassedTokenTest {
    private static final int VCPUS = 4;
    private static final int HOPS = 60_000;
    private static final long SHARED_INFO = 200L << 12;
    private static final long HOPS_LEFT = 0x3000, REASON = 0x3100;
    private static final int POLL_SIZE = 0x100;

    /**
     * again: SCHED_OP(poll, R12); LOCK BTR [R14], R15; JNC again; INC EBX; EVENT_CHANNEL_OP(send,
     * R13); LOCK DEC DWORD [RBP]; JNE again; SCHED_OP(shutdown, R9); JMP $
     */
    private static final int[] PASS_IT_ON = {
        0xbf, 3, 0, 0, 0, 0x4c, 0x89, 0xe6, 0xb8, 29, 0, 0, 0, 0x0f, 0x05, //
        0xf0, 0x4d, 0x0f, 0xb3, 0x3e, 0x73, 0xea, 0xff, 0xc3, //
        0xbf, 4, 0, 0, 0, 0x4c, 0x89, 0xee, 0xb8, 32, 0, 0, 0, 0x0f, 0x05, //
        0xf0, 0xff, 0x4d, 0x00, 0x75, 0xd3, //
        0xbf, 2, 0, 0, 0, 0x4c, 0x89, 0xce, 0xb8, 29, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xfe
    };

    private final PvGuest[] made = new PvGuest[1];
    private final Scheduler scheduler =
            new Scheduler((vcpu, slice) -> made[0].runner.run(vcpu, slice));
    private final PvGuest guest = new PvGuest(VCPUS, GuestClock.live(), scheduler);

    private void prepare() {
        made[0] = guest;
        guest.put(PvGuest.CODE, PASS_IT_ON);
        TestDomain memory = guest.memory;
        long shared = TestDomain.entry(guest.sharedInfoMfn(), TestDomain.RW);
        assertThat(memory.update(memory.l1, 200, shared)).isZero();
        Mmu mmu = guest.vcpu(0).mmu();
        mmu.write32(HOPS_LEFT, HOPS);
        mmu.write32(REASON, DomainEnd.SHUTDOWN_POWEROFF);
        int[] ports = new int[VCPUS];
        for (int i = 0; i < VCPUS; i++) {
            ports[i] = guest.domain.events().bindIpi(i);
        }
        for (int i = 0; i < VCPUS; i++) {
            long poll = PvGuest.ARGUMENTS + (long) i * POLL_SIZE;
            mmu.write64(poll, poll + 0x20);
            mmu.write32(poll + 8, 1);
            mmu.write64(poll + 16, 0);
            mmu.write32(poll + 0x20, ports[i]);
            mmu.write32(poll + 0x40, ports[(i + 1) % VCPUS]);
            long[] r = guest.vcpu(i).cpu().r;
            r[Cpu.R12] = poll;
            r[Cpu.R13] = poll + 0x40;
            r[Cpu.R14] = SHARED_INFO + SharedInfo.EVTCHN_PENDING;
            r[Cpu.R15] = ports[i];
            r[Cpu.RBP] = HOPS_LEFT;
            r[Cpu.R9] = REASON;
        }
        guest.domain.events().deliver(ports[0]);
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 4})
    void eventThatIsPassedBetweenSleepingVcpusIsNeverLost(int threads) throws Exception {
        prepare();
        CountDownLatch ended = new CountDownLatch(1);
        guest.domain.ending().onEnd(ended::countDown);
        scheduler.start(threads);
        for (int i = 0; i < VCPUS; i++) {
            scheduler.online(guest.vcpu(i));
        }
        boolean over = ended.await(60, TimeUnit.SECONDS);
        scheduler.pause(guest.domain);
        scheduler.stop();
        long received = 0;
        for (int i = 0; i < VCPUS; i++) {
            received += (int) guest.vcpu(i).cpu().r[Cpu.RBX];
        }
        assertThat(guest.domain.ending().crash()).isEmpty();
        assertThat(over).as("%d of %d hops done", received, HOPS).isTrue();
        assertThat(received).isGreaterThanOrEqualTo(HOPS);
    }
}

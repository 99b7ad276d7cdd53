package org.xenolith.core.hypercall;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.core.abi.XenErrno.EFAULT;
import static org.xenolith.core.abi.XenErrno.ENOSYS;
import static org.xenolith.core.domain.PvGuest.ARGUMENTS;
import static org.xenolith.core.domain.PvGuest.UNMAPPED;

import org.junit.jupiter.api.Test;
import org.xenolith.core.abi.Hypercall;
import org.xenolith.core.abi.TrapInfo;
import org.xenolith.core.domain.PvGuest;
import org.xenolith.core.domain.VirtualCpu;
import org.xenolith.core.domain.Waits.For;
import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.mmu.Mmu;

/** {@code multicall}: many calls in one, which may pause in between. */
class MulticallTest {
    private static final int MULTICALL_ENTRY = 64;

    /** What {@code xen_version(0)} returns: 4.17. */
    private static final long VERSION = 0x40011;

    private final PvGuest.FakeClock clock = new PvGuest.FakeClock();
    private final PvGuest guest = new PvGuest(2, clock);
    private final VirtualCpu vcpu = guest.vcpu(0);
    private final Mmu mmu = vcpu.mmu();

    private long call(int number, long... arguments) {
        return guest.call(vcpu, number, arguments);
    }

    private void entry(int index, int number, long... arguments) {
        long at = ARGUMENTS + (long) index * MULTICALL_ENTRY;
        mmu.write64(at, number);
        mmu.write64(at + 8, 0x5555);
        for (int i = 0; i < arguments.length; i++) {
            mmu.write64(at + 16 + 8L * i, arguments[i]);
        }
    }

    private long result(int index) {
        return mmu.read64(ARGUMENTS + (long) index * MULTICALL_ENTRY + 8);
    }

    @Test
    void multicallRunsInOrderAndGoesOnAfterAFailure() {
        entry(0, Hypercall.XEN_VERSION, 0);
        entry(1, 62);
        entry(2, Hypercall.SET_SEGMENT_BASE, 0, 0x77);
        entry(3, Hypercall.SET_TRAP_TABLE, UNMAPPED);
        entry(4, Hypercall.MULTICALL, ARGUMENTS, 1);
        entry(5, Hypercall.IRET);
        entry(6, Hypercall.XEN_VERSION, 0);
        assertThat(call(Hypercall.MULTICALL, ARGUMENTS, 6)).isZero();
        assertThat(result(0)).isEqualTo(VERSION);
        assertThat(result(1)).isEqualTo(-ENOSYS);
        assertThat(vcpu.cpu().r[Cpu.FS_BASE]).isEqualTo(0x77);
        assertThat(result(3)).isEqualTo(-EFAULT);
        assertThat(result(4)).isEqualTo(-ENOSYS);
        assertThat(result(5)).isEqualTo(-ENOSYS);
        assertThat(result(6)).as("not asked for").isEqualTo(0x5555);
    }

    @Test
    void longMulticallPausesAndEachCallIsMadeOnce() {
        int calls = 400;
        for (int i = 0; i < calls; i++) {
            entry(i, Hypercall.EVENT_CHANNEL_OP, 6, 0xf000);
        }
        mmu.write16(0xf000, 0x7ff0);
        mmu.write16(0xf002, 0);
        long[] outcome = guest.callCounting(vcpu, Hypercall.MULTICALL, ARGUMENTS, calls);
        assertThat(outcome[0]).isZero();
        assertThat(outcome[1]).isEqualTo(2);
        assertThat(mmu.read32(0xf004)).as("last port: one for each call").isEqualTo(calls);
        assertThat(result(calls - 1)).isZero();
    }

    @Test
    void callWithinAMulticallGoesOnWhereItPaused() {
        long table = 0x4000;
        for (int i = 0; i < 600; i++) {
            mmu.write8(table + 16L * i + TrapInfo.VECTOR, i & 0xff);
            mmu.write64(table + 16L * i + TrapInfo.ADDRESS, 0x1000 + i);
        }
        entry(0, Hypercall.SET_TRAP_TABLE, table);
        entry(1, Hypercall.XEN_VERSION, 0);
        long[] outcome = guest.callCounting(vcpu, Hypercall.MULTICALL, ARGUMENTS, 2);
        assertThat(outcome).containsExactly(0, 3);
        assertThat(vcpu.traps.address(599 & 0xff)).isEqualTo(0x1000 + 599);
        assertThat(result(0)).isZero();
        assertThat(result(1)).isEqualTo(VERSION);
    }

    @Test
    void multicallStopsAtACallThatWaits() {
        entry(0, Hypercall.SCHED_OP, 1, 0);
        entry(1, Hypercall.XEN_VERSION, 0);
        Cpu cpu = vcpu.cpu();
        cpu.r[Cpu.RAX] = Hypercall.MULTICALL;
        cpu.r[Cpu.RDI] = ARGUMENTS;
        cpu.r[Cpu.RSI] = 2;
        long rip = cpu.rip;
        guest.hypercalls.execute(vcpu);
        assertThat(vcpu.waits.reason()).isEqualTo(For.UPCALL);
        assertThat(cpu.rip).as("back at SYSCALL, for the rest").isEqualTo(rip - 2);
        assertThat(cpu.r[Cpu.RSI]).isEqualTo(1);
        assertThat(result(1)).isEqualTo(0x5555);
    }

    @Test
    void hugeCountEndsAtTheEndOfMappedMemory() {
        assertThat(call(Hypercall.MULTICALL, 0x3fe00, Long.MAX_VALUE)).isEqualTo(-EFAULT);
    }
}

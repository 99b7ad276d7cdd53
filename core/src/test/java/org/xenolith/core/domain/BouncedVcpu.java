package org.xenolith.core.domain;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.BeforeEach;
import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.mmu.Mmu;

/** A vCPU in its kernel at {@link #RIP}, what is bounced to it, and the frame that it finds. */
abstract class BouncedVcpu {
    static final long HANDLER = 0x9000;
    static final long CALLBACK = 0xa000;
    static final long RIP = 0x8123;

    final PvGuest guest = new PvGuest(1, new PvGuest.FakeClock());
    final VirtualCpu vcpu = guest.vcpu(0);
    final Cpu cpu = vcpu.cpu();
    final TrapDelivery delivery = vcpu.delivery;

    @BeforeEach
    void putTheCpuSomewhere() {
        cpu.rip = RIP;
        cpu.r[Cpu.RCX] = 0x111;
        cpu.r[Cpu.R11] = 0x222;
        vcpu.info.setUpcallMask(false);
    }

    void inProcess() {
        assertThat(vcpu.mode.enterUser()).isTrue();
        cpu.selectors[Selectors.CS] = Selectors.FLAT_CS64;
        cpu.r[Cpu.RSP] = PvGuest.USER_STACK - 40;
    }

    void handle(int vector, int flags) {
        vcpu.traps.set(vector, flags, Selectors.FLAT_CS64, HANDLER);
    }

    /** What lies on the stack from RSP on. */
    long[] frame(int words) {
        long[] frame = new long[words];
        for (int i = 0; i < words; i++) {
            frame[i] = cpu.mmu().read64(cpu.r[Cpu.RSP] + 8L * i);
        }
        return frame;
    }

    /** Puts what iret takes, registers and a return to a 64-bit stack, onto the kernel's. */
    void iretFrame(long flags, long rip, long cs, long rflags) {
        long at = PvGuest.KERNEL_STACK - 72;
        long[] words = {
            0xaaa, 0xbbb, 0xccc, flags, rip, cs, rflags, PvGuest.USER_STACK, Selectors.FLAT_SS
        };
        Mmu mmu = cpu.mmu();
        for (int i = 0; i < words.length; i++) {
            mmu.write64(at + 8L * i, words[i]);
        }
        cpu.r[Cpu.RSP] = at;
    }
}

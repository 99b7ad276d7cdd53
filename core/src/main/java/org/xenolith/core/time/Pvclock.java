package org.xenolith.core.time;

import org.xenolith.core.abi.SharedInfo;
import org.xenolith.core.abi.VcpuInfo.Time;
import org.xenolith.cpu.mmu.Mmu;
import org.xenolith.cpu.mmu.Ram;

import java.lang.invoke.VarHandle;

/**
 * Publishes how the time-stamp counter becomes system time. The counter is system time, so the
 * record is written once and stays true: ns = tsc * mul / 2^32, with mul = 2^31 after a shift left
 * by one.
 */
public final class Pvclock {
    private static final int MUL = 0x8000_0000;
    private static final int SHIFT = 1;
    private static final long NANOS_PER_SECOND = 1_000_000_000L;

    private Pvclock() {}

    /**
     * Writes a vCPU's time record under the version protocol: odd while it changes.
     *
     * @param at host address of {@code struct vcpu_time_info}
     */
    public static void publish(long at) {
        int version = Ram.getIntVolatile(at + Time.VERSION) | 1;
        Ram.putIntVolatile(at + Time.VERSION, version);
        VarHandle.fullFence();
        Ram.putLong(at + Time.TSC_TIMESTAMP, 0);
        Ram.putLong(at + Time.SYSTEM_TIME, 0);
        Ram.putInt(at + Time.TSC_TO_SYSTEM_MUL, MUL);
        Ram.putByte(at + Time.TSC_SHIFT, SHIFT);
        Ram.putByte(at + Time.FLAGS, Time.FLAG_TSC_STABLE);
        VarHandle.fullFence();
        Ram.putIntVolatile(at + Time.VERSION, version + 1);
    }

    /**
     * Writes the same record at a linear address, where it may lie across two pages.
     *
     * @throws org.xenolith.cpu.GuestFault when the guest may not write there itself
     */
    public static void publish(Mmu mmu, long vaddr) {
        int version = mmu.read32(vaddr + Time.VERSION) | 1;
        mmu.write32(vaddr + Time.VERSION, version);
        VarHandle.fullFence();
        mmu.write64(vaddr + Time.TSC_TIMESTAMP, 0);
        mmu.write64(vaddr + Time.SYSTEM_TIME, 0);
        mmu.write32(vaddr + Time.TSC_TO_SYSTEM_MUL, MUL);
        mmu.write8(vaddr + Time.TSC_SHIFT, SHIFT);
        mmu.write8(vaddr + Time.FLAGS, Time.FLAG_TSC_STABLE);
        VarHandle.fullFence();
        mmu.write32(vaddr + Time.VERSION, version + 1);
    }

    /** Writes the wall clock of the shared page: UTC at system time 0. */
    public static void publishWallClock(long sharedInfo, GuestClock clock) {
        long nanos = clock.wallClockAtStartNanos();
        int version = Ram.getIntVolatile(sharedInfo + SharedInfo.WC_VERSION) | 1;
        Ram.putIntVolatile(sharedInfo + SharedInfo.WC_VERSION, version);
        VarHandle.fullFence();
        long seconds = nanos / NANOS_PER_SECOND;
        Ram.putInt(sharedInfo + SharedInfo.WC_SEC, (int) seconds);
        Ram.putInt(sharedInfo + SharedInfo.WC_SEC_HI, (int) (seconds >>> 32));
        Ram.putInt(sharedInfo + SharedInfo.WC_NSEC, (int) (nanos % NANOS_PER_SECOND));
        VarHandle.fullFence();
        Ram.putIntVolatile(sharedInfo + SharedInfo.WC_VERSION, version + 1);
    }
}

package org.xenolith.core.domain;

import org.xenolith.cpu.GuestFault;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * How long a vCPU ran, waited for a processor and slept, for itself and for the area in guest
 * memory. public/vcpu.h, {@code struct vcpu_runstate_info}.
 */
public final class Runstate {
    public static final int RUNNING = 0;
    public static final int RUNNABLE = 1;
    public static final int BLOCKED = 2;
    public static final int OFFLINE = 3;

    public static final int SIZE = 48;
    private static final int STATE = 0;
    private static final int ENTRY_TIME = 8;
    private static final int TIMES = 16;

    private final VirtualCpu vcpu;
    private final long[] times = new long[4];
    private int state = OFFLINE;
    private long entryTime;
    private long area;

    Runstate(VirtualCpu vcpu) {
        this.vcpu = vcpu;
    }

    /** Changes the state at a system time. */
    public void set(int newState, long now) {
        times[state] += Math.max(0, now - entryTime);
        entryTime = now;
        state = newState;
    }

    /** Nanoseconds in a state so far. */
    public long time(int which) {
        return times[which];
    }

    /** Registers the guest's area at a linear address of its kernel, 0 for none. */
    public void register(long vaddr) {
        area = vaddr;
        publish();
    }

    public long area() {
        return area;
    }

    /** Writes the area; called on the vCPU's thread with the kernel's tables loaded. */
    public void publish() {
        if (area == 0) {
            return;
        }
        byte[] record = record();
        try {
            vcpu.mmu().copyTo(area, record, 0, SIZE);
        } catch (GuestFault gone) {
            // The guest took its own area away; it is told nothing until it registers another.
            area = 0;
        }
    }

    /** The record as the guest reads it. */
    public byte[] record() {
        ByteBuffer out = ByteBuffer.allocate(SIZE).order(ByteOrder.LITTLE_ENDIAN);
        out.putInt(STATE, state).putLong(ENTRY_TIME, entryTime);
        for (int i = 0; i < times.length; i++) {
            out.putLong(TIMES + 8 * i, times[i]);
        }
        return out.array();
    }
}

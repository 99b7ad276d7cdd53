package org.xenolith.core.domain;

import org.xenolith.cpu.GuestFault;

import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;

/**
 * How long a vCPU ran, waited for a processor and slept, for itself and for the area in guest
 * memory. public/vcpu.h, {@code struct vcpu_runstate_info}.
 *
 * <p>The times may be asked for by any vCPU of the domain; the area is written by the vCPU's own
 * thread.
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

    /** In the entry time while the area changes, for guests that enabled the update flag. */
    private static final long XEN_RUNSTATE_UPDATE = 1L << 63;

    private final VirtualCpu vcpu;
    private final long[] times = new long[4];
    private int state = OFFLINE;
    private long entryTime;
    private volatile long area;

    Runstate(VirtualCpu vcpu) {
        this.vcpu = vcpu;
    }

    /** Changes the state at a system time. */
    public synchronized void set(int newState, long now) {
        times[state] += Math.max(0, now - entryTime);
        entryTime = now;
        state = newState;
    }

    /**
     * Counts from zero again, as a new domain's vCPU does: guests add up what they counted before
     * they were suspended.
     */
    public synchronized void restart(long now) {
        Arrays.fill(times, 0);
        entryTime = now;
    }

    /** How long the vCPU has run up to a system time, in nanoseconds. */
    synchronized long runningNanos(long now) {
        return times[RUNNING] + (state == RUNNING ? Math.max(0, now - entryTime) : 0);
    }

    /** Registers the guest's area at a linear address of its kernel, 0 for none. */
    public void register(long vaddr) {
        area = vaddr;
    }

    public long area() {
        return area;
    }

    /** What a copy of the vCPU needs to go on counting; the area's address is beside it. */
    public record Saved(int state, long entryTime, List<Long> times) {}

    public synchronized Saved save() {
        return new Saved(state, entryTime, LongStream.of(times).boxed().toList());
    }

    /** Goes on where another one was; writes nothing to the guest. */
    public synchronized void restore(Saved saved) {
        state = saved.state();
        entryTime = saved.entryTime();
        for (int i = 0; i < times.length; i++) {
            times[i] = saved.times().get(i);
        }
    }

    /** Writes the area, whichever mode runs now; on the vCPU's thread. */
    public void publish() {
        if (area != 0) {
            vcpu.mode.throughKernelTables(this::writeArea);
        }
    }

    private void writeArea() {
        long vaddr = area;
        byte[] record = record();
        long entered = ByteBuffer.wrap(record).order(ByteOrder.LITTLE_ENDIAN).getLong(ENTRY_TIME);
        try {
            if (vcpu.domain().assists(Domain.ASSIST_RUNSTATE_UPDATE_FLAG)) {
                vcpu.mmu().write64(vaddr + ENTRY_TIME, entered | XEN_RUNSTATE_UPDATE);
                VarHandle.fullFence();
                ByteBuffer.wrap(record)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putLong(ENTRY_TIME, entered | XEN_RUNSTATE_UPDATE);
            }
            vcpu.mmu().copyTo(vaddr, record, 0, SIZE);
            VarHandle.fullFence();
            vcpu.mmu().write64(vaddr + ENTRY_TIME, entered);
        } catch (GuestFault gone) {
            // The guest took its own area away; it is told nothing until it registers another.
            area = 0;
        }
    }

    /** The record as of the last change of state. */
    private synchronized byte[] record() {
        ByteBuffer out = ByteBuffer.allocate(SIZE).order(ByteOrder.LITTLE_ENDIAN);
        out.putInt(STATE, state).putLong(ENTRY_TIME, entryTime);
        for (int i = 0; i < times.length; i++) {
            out.putLong(TIMES + 8 * i, times[i]);
        }
        return out.array();
    }

    /** The record with the time in the present state counted up to a system time. */
    public synchronized byte[] recordAt(long now) {
        ByteBuffer out = ByteBuffer.wrap(record()).order(ByteOrder.LITTLE_ENDIAN);
        out.putLong(TIMES + 8 * state, times[state] + Math.max(0, now - entryTime));
        return out.array();
    }
}

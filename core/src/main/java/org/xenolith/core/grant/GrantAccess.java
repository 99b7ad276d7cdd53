package org.xenolith.core.grant;

import org.xenolith.cpu.mmu.Ram;
import org.xenolith.pv.host.GrantedFrame;

import java.lang.foreign.MemorySegment;

/**
 * A granted frame in use by a backend: it stays where it is until {@link #close}, whatever the
 * guest does meanwhile. Bounded to the frame. Used by threads that may touch the domain's memory.
 */
public final class GrantAccess implements GrantedFrame {
    private final GrantTable table;
    private final int ref;
    private final boolean write;
    private final long hostBase;
    private boolean open = true;

    GrantAccess(GrantTable table, int ref, boolean write, long hostBase) {
        this.table = table;
        this.ref = ref;
        this.write = write;
        this.hostBase = hostBase;
    }

    /**
     * The frame's 4096 bytes. Not to be used after {@link #close}: for rings, whose frames are in
     * use as long as the device is connected.
     */
    @Override
    public MemorySegment memory() {
        requireOpen();
        MemorySegment frame = Ram.SEGMENT.asSlice(hostBase, Ram.PAGE_SIZE);
        return write ? frame : frame.asReadOnly();
    }

    /** Copies out of the frame, once: the guest may go on writing. */
    public void read(int at, byte[] into, int offset, int length) {
        checkRange(at, length);
        Ram.read(hostBase + at, into, offset, length);
    }

    /** Copies into the frame. */
    public void write(int at, byte[] from, int offset, int length) {
        if (!write) {
            throw new IllegalStateException("grant %d is in use for reading only".formatted(ref));
        }
        checkRange(at, length);
        Ram.write(hostBase + at, from, offset, length);
    }

    private void checkRange(int at, int length) {
        requireOpen();
        if (at < 0 || length < 0 || at > Ram.PAGE_SIZE - length) {
            throw new IndexOutOfBoundsException(
                    "%d bytes at %d leave the granted frame".formatted(length, at));
        }
    }

    private void requireOpen() {
        if (!open) {
            throw new IllegalStateException("grant %d is not in use any more".formatted(ref));
        }
    }

    /** Ends the use; to be done before the guest is told that its request is finished. */
    @Override
    public void close() {
        if (open) {
            open = false;
            table.end(ref, write);
        }
    }
}

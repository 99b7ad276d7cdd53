package org.xenolith.pv.host;

import java.lang.foreign.MemorySegment;

/**
 * A frame in use through a grant: for one copy, or for as long as a device is connected. It stays
 * where it is until {@link #close}, whatever the guest does meanwhile. Only for threads that may
 * touch the domain's memory.
 */
public interface GrantedFrame extends AutoCloseable {
    /** Bytes in a frame. */
    int SIZE = 4096;

    /** The frame's {@value #SIZE} bytes, not to be used after {@link #close}. */
    MemorySegment memory();

    /** Ends the use; to be done before the guest is told that its request is finished. */
    @Override
    void close();
}

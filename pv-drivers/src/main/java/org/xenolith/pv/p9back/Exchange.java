package org.xenolith.pv.p9back;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/** A request on its way to the server and its answer back, used again for the next. */
final class Exchange {
    final MemorySegment request = memory();
    final MemorySegment answer = memory();
    int requestBytes;

    /** 0 when there is no answer, for the server has failed. */
    int answerBytes;

    /** Outside the heap, where the host's kernel reads and writes. */
    private static MemorySegment memory() {
        return MemorySegment.ofBuffer(ByteBuffer.allocateDirect(P9Backend.MAX_MSIZE));
    }
}

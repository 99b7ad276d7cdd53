package org.xenolith.cpu.interp;

import org.xenolith.cpu.mmu.Ram;

import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * Decoded code by host frame: of one domain, or of all whose code is translated by the same
 * translator. Where domains have a frame in common, which nobody writes to, what one of them has
 * decoded and translated of it is there for the others; of a frame that only one domain has, nobody
 * else asks. A frame that is given back, and may be anybody's next, is forgotten first by all who
 * hear of that.
 *
 * <p>Thread-safe.
 */
final class CodePages {
    private static final int CHUNK_SHIFT = 10;
    private static final int CHUNK = 1 << CHUNK_SHIFT;

    private final AtomicReferenceArray<AtomicReferenceArray<CodePage>> chunks;

    CodePages() {
        long frames = Ram.sizeBytes() >>> Ram.PAGE_SHIFT;
        chunks = new AtomicReferenceArray<>((int) (frames + CHUNK - 1 >>> CHUNK_SHIFT));
    }

    /** The page of a frame, made if there is none. */
    CodePage page(long hostBase) {
        AtomicReferenceArray<CodePage> chunk = chunk(hostBase);
        int i = indexInChunk(hostBase);
        CodePage page = chunk.get(i);
        if (page == null) {
            page = new CodePage(hostBase);
            if (!chunk.compareAndSet(i, null, page)) {
                page = chunk.get(i);
            }
        }
        return page;
    }

    private AtomicReferenceArray<CodePage> chunk(long hostBase) {
        int c = (int) (hostBase >>> Ram.PAGE_SHIFT + CHUNK_SHIFT);
        AtomicReferenceArray<CodePage> chunk = chunks.get(c);
        if (chunk == null) {
            chunk = new AtomicReferenceArray<>(CHUNK);
            if (!chunks.compareAndSet(c, null, chunk)) {
                chunk = chunks.get(c);
            }
        }
        return chunk;
    }

    private static int indexInChunk(long hostBase) {
        return (int) (hostBase >>> Ram.PAGE_SHIFT) & CHUNK - 1;
    }

    /** The page of a frame, or null. */
    CodePage pageIfAny(long hostBase) {
        AtomicReferenceArray<CodePage> chunk =
                chunks.get((int) (hostBase >>> Ram.PAGE_SHIFT + CHUNK_SHIFT));
        return chunk == null ? null : chunk.get(indexInChunk(hostBase));
    }
}

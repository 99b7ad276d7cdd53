package org.xenolith.pv.blkback;

import org.xenolith.devices.block.BlockImage;
import org.xenolith.pv.host.GrantedFrame;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * One call of a disk on an I/O thread, for one request or for several that lie side by side on the
 * disk. The domain's threads build it and finish it; between them only {@link #run} has it.
 */
final class DiskJob implements Runnable {
    enum Kind {
        READ,
        WRITE,
        DISCARD,
        FLUSH
    }

    /** A request and the pieces of granted frames that its data comes from or goes to. */
    record Part(long id, int operation, List<BlkifSegment> segments, List<GrantedFrame> frames) {
        void closeFrames() {
            frames.forEach(GrantedFrame::close);
        }
    }

    final Kind kind;

    /** First byte on the disk. */
    final long offset;

    final List<Part> parts = new ArrayList<>(1);
    private final BlockImage image;
    private final Consumer<DiskJob> done;

    long lengthBytes;

    /** Data of a read or write, else null. */
    ByteBuffer buffer;

    /** What a flush has to wait for; null for reads and flushes. */
    WriteOrder.Epoch epoch;

    /** {@code BLKIF_RSP_*}. */
    int status = Blkif.RSP_ERROR;

    /** Why it failed; null when it did not. */
    Throwable failure;

    /**
     * @param done is told on the I/O thread
     */
    DiskJob(Kind kind, long offset, long lengthBytes, BlockImage image, Consumer<DiskJob> done) {
        this.kind = kind;
        this.offset = offset;
        this.lengthBytes = lengthBytes;
        this.image = image;
        this.done = done;
    }

    long endOffset() {
        return offset + lengthBytes;
    }

    /** Takes the data of a write out of the guest's frames, once. */
    void fillBuffer() {
        MemorySegment data = MemorySegment.ofBuffer(buffer);
        long at = 0;
        for (Part part : parts) {
            for (int i = 0; i < part.segments.size(); i++) {
                BlkifSegment segment = part.segments.get(i);
                MemorySegment.copy(
                        part.frames.get(i).memory(),
                        segment.offset(),
                        data,
                        at,
                        segment.lengthBytes());
                at += segment.lengthBytes();
            }
        }
    }

    /** Hands what was read to the guest. */
    void emptyBuffer() {
        MemorySegment data = MemorySegment.ofBuffer(buffer.rewind());
        long at = 0;
        for (Part part : parts) {
            for (int i = 0; i < part.segments.size(); i++) {
                BlkifSegment segment = part.segments.get(i);
                MemorySegment.copy(
                        data,
                        at,
                        part.frames.get(i).memory(),
                        segment.offset(),
                        segment.lengthBytes());
                at += segment.lengthBytes();
            }
        }
    }

    @Override
    public void run() {
        try {
            switch (kind) {
                case READ -> image.read(offset, buffer);
                case WRITE -> image.write(offset, buffer);
                case DISCARD -> image.discard(offset, lengthBytes);
                case FLUSH -> image.flush();
            }
            status = Blkif.RSP_OKAY;
        } catch (IOException | RuntimeException | Error e) {
            // An error, too: of what ran out of memory the guest must not hear that it was done.
            failure = e;
        } finally {
            done.accept(this);
        }
    }
}

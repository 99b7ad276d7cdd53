package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.CompositeByteBuf;

import java.util.ArrayDeque;
import java.util.function.Consumer;

/**
 * Bytes of a stream in order, as the buffers in which they came. One that is small, or mostly
 * something else, is copied: whoever sends one byte per packet must not make us hold a packet, or a
 * buffer, for each.
 */
final class ByteQueue {
    private static final int COPY_CHUNK_BYTES = 4096;

    /** Below this a buffer's objects are a large part of what it occupies. */
    private static final int SMALL_BYTES = 512;

    private final ByteBufAllocator allocator;
    private final BufferBudget budget;
    private final ArrayDeque<ByteBuf> chunks = new ArrayDeque<>(2);
    private ByteBuf tail; // last chunk when it is a copy of ours with room, or null
    private int bytes;

    ByteQueue(ByteBufAllocator allocator, BufferBudget budget) {
        this.allocator = allocator;
        this.budget = budget;
    }

    int bytes() {
        return bytes;
    }

    /** Appends the readable bytes; the reference passes to the queue. */
    void append(ByteBuf more) {
        append(more, more.capacity());
    }

    /**
     * @param heldBytes memory that the reference keeps from being freed
     */
    void append(ByteBuf more, int heldBytes) {
        int length = more.readableBytes();
        bytes += length;
        budget.take(length);
        if (length >= SMALL_BYTES && 2 * length >= heldBytes) {
            tail = null;
            chunks.add(more);
            return;
        }
        copy(more);
        more.release();
    }

    private void copy(ByteBuf more) {
        if (tail != null) {
            tail.writeBytes(more, Math.min(tail.writableBytes(), more.readableBytes()));
        }
        if (more.isReadable()) {
            int size = more.readableBytes();
            // The first few bytes of a connection are often all: a request, a greeting.
            int capacity = chunks.isEmpty() ? size : Math.max(size, COPY_CHUNK_BYTES);
            tail = allocator.buffer(capacity, capacity).writeBytes(more);
            chunks.add(tail);
        }
    }

    /** Adds bytes [offset, offset + length) of the queue to a frame, without copying. */
    void addTo(CompositeByteBuf frame, int offset, int length) {
        int skip = offset;
        int left = length;
        for (ByteBuf chunk : chunks) {
            int available = chunk.readableBytes() - skip;
            if (available <= 0) {
                skip -= chunk.readableBytes();
                continue;
            }
            int take = Math.min(available, left);
            frame.addComponent(true, chunk.retainedSlice(chunk.readerIndex() + skip, take));
            left -= take;
            skip = 0;
            if (left == 0) {
                return;
            }
        }
        throw new IllegalStateException(
                "bytes " + offset + "+" + length + " asked of a queue of " + bytes);
    }

    /** Copies bytes [offset, offset + length) of the queue. */
    void copyTo(ByteBuf target, int offset, int length) {
        int skip = offset;
        int left = length;
        for (ByteBuf chunk : chunks) {
            int available = chunk.readableBytes() - skip;
            if (available > 0) {
                int take = Math.min(available, left);
                target.writeBytes(chunk, chunk.readerIndex() + skip, take);
                left -= take;
                skip = 0;
            } else {
                skip -= chunk.readableBytes();
            }
            if (left == 0) {
                return;
            }
        }
    }

    void discard(int count) {
        int left = count;
        while (left > 0) {
            ByteBuf head = chunks.element();
            int take = Math.min(left, head.readableBytes());
            head.skipBytes(take);
            left -= take;
            if (!head.isReadable()) {
                chunks.remove().release();
                if (head == tail) {
                    tail = null;
                }
            }
        }
        bytes -= count;
        budget.giveBack(count);
    }

    /** Hands every chunk, with its reference, to someone else, whose the bytes are now. */
    void drainTo(Consumer<ByteBuf> taker) {
        budget.giveBack(bytes);
        bytes = 0;
        tail = null;
        for (ByteBuf chunk = chunks.poll(); chunk != null; chunk = chunks.poll()) {
            taker.accept(chunk);
        }
    }

    void release() {
        drainTo(ByteBuf::release);
    }
}

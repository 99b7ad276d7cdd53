package org.xenolith.devices.block;

import java.nio.ByteBuffer;

/** What {@link ByteBuffer} lacks. */
final class Buffers {
    private static final int ZEROES_BYTES = 64 << 10;
    private static final ByteBuffer ZEROES =
            ByteBuffer.allocateDirect(ZEROES_BYTES).asReadOnlyBuffer();

    private Buffers() {}

    /** At most {@code lengthBytes} zeroes, at least one. */
    static ByteBuffer zeroes(long lengthBytes) {
        return ZEROES.slice(0, (int) Math.min(lengthBytes, ZEROES_BYTES));
    }

    static void putZeroes(ByteBuffer into) {
        while (into.hasRemaining()) {
            into.put(zeroes(into.remaining()));
        }
    }

    /** The next bytes of a buffer, as a buffer of their own; the position moves behind them. */
    static ByteBuffer take(ByteBuffer buffer, long lengthBytes) {
        ByteBuffer piece = buffer.slice(buffer.position(), (int) lengthBytes);
        buffer.position(buffer.position() + (int) lengthBytes);
        return piece;
    }

    /** Whether the rest of a buffer is zero; it stays as it is. */
    static boolean isZero(ByteBuffer buffer) {
        for (int at = buffer.position(); at < buffer.limit(); at++) {
            if (buffer.get(at) != 0) {
                return false;
            }
        }
        return true;
    }
}

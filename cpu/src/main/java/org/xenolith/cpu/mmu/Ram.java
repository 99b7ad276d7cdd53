package org.xenolith.cpu.mmu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * The pool of host memory behind every guest, addressed by byte offset. A frame is 4096 bytes at an
 * offset that is a multiple of 4096. The segment is a static final so that the JIT compiler folds
 * its bounds; every access is checked against them.
 *
 * <p>The VMM reserves the pool before this class is initialised and hands it over through {@link
 * Reservation#install}; without that, as in tests of this module, a small arena is used.
 */
public final class Ram {
    public static final int PAGE_SHIFT = 12;
    public static final int PAGE_SIZE = 1 << PAGE_SHIFT;
    public static final long PAGE_OFFSET = PAGE_SIZE - 1;
    public static final long PAGE_MASK = -PAGE_SIZE;

    /**
     * Where the pool comes from. A class of its own, so that installing does not initialise Ram.
     */
    public static final class Reservation {
        private static final long DEFAULT_BYTES = 64L << 20;
        private static MemorySegment segment;
        private static boolean taken;

        private Reservation() {}

        /**
         * Hands over the host memory to use.
         *
         * @param pool native, page aligned, zero-filled on first touch
         * @throws IllegalStateException when the pool is in use already
         */
        public static synchronized void install(MemorySegment pool) {
            if (taken) {
                throw new IllegalStateException("guest memory is reserved once per process");
            }
            segment = pool;
        }

        private static synchronized MemorySegment take() {
            taken = true;
            return segment != null ? segment : Arena.global().allocate(DEFAULT_BYTES, PAGE_SIZE);
        }
    }

    /** All guests' memory. */
    public static final MemorySegment SEGMENT = Reservation.take();

    public static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;
    public static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    public static final ValueLayout.OfInt INT =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    public static final ValueLayout.OfLong LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final VarHandle LONG_HANDLE =
            ValueLayout.JAVA_LONG.withOrder(ByteOrder.LITTLE_ENDIAN).varHandle();
    private static final VarHandle INT_HANDLE =
            ValueLayout.JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN).varHandle();

    private Ram() {}

    public static long sizeBytes() {
        return SEGMENT.byteSize();
    }

    public static int getByte(long at) {
        return SEGMENT.get(BYTE, at) & 0xff;
    }

    public static int getShort(long at) {
        return SEGMENT.get(SHORT, at) & 0xffff;
    }

    public static int getInt(long at) {
        return SEGMENT.get(INT, at);
    }

    public static long getLong(long at) {
        return SEGMENT.get(LONG, at);
    }

    public static void putByte(long at, int value) {
        SEGMENT.set(BYTE, at, (byte) value);
    }

    public static void putShort(long at, int value) {
        SEGMENT.set(SHORT, at, (short) value);
    }

    public static void putInt(long at, int value) {
        SEGMENT.set(INT, at, value);
    }

    public static void putLong(long at, long value) {
        SEGMENT.set(LONG, at, value);
    }

    /** Volatile read of an aligned quadword. */
    public static long getLongVolatile(long at) {
        return (long) LONG_HANDLE.getVolatile(SEGMENT, at);
    }

    public static void putLongVolatile(long at, long value) {
        LONG_HANDLE.setVolatile(SEGMENT, at, value);
    }

    public static int getIntVolatile(long at) {
        return (int) INT_HANDLE.getVolatile(SEGMENT, at);
    }

    public static void putIntVolatile(long at, int value) {
        INT_HANDLE.setVolatile(SEGMENT, at, value);
    }

    /** Atomic compare-and-set of an aligned quadword, a full fence. */
    public static boolean compareAndSetLong(long at, long expected, long value) {
        return LONG_HANDLE.compareAndSet(SEGMENT, at, expected, value);
    }

    public static boolean compareAndSetInt(long at, int expected, int value) {
        return INT_HANDLE.compareAndSet(SEGMENT, at, expected, value);
    }

    /** As {@link #compareAndSetLong}, and returns what was there. */
    public static long compareAndExchangeLong(long at, long expected, long value) {
        return (long) LONG_HANDLE.compareAndExchange(SEGMENT, at, expected, value);
    }

    public static int compareAndExchangeInt(long at, int expected, int value) {
        return (int) INT_HANDLE.compareAndExchange(SEGMENT, at, expected, value);
    }

    /** Atomic exchange of an aligned quadword; returns the old value. */
    public static long getAndSetLong(long at, long value) {
        return (long) LONG_HANDLE.getAndSet(SEGMENT, at, value);
    }

    public static int getAndSetInt(long at, int value) {
        return (int) INT_HANDLE.getAndSet(SEGMENT, at, value);
    }

    /** Atomic addition to an aligned quadword; returns the old value. */
    public static long getAndAddLong(long at, long value) {
        return (long) LONG_HANDLE.getAndAdd(SEGMENT, at, value);
    }

    public static int getAndAddInt(long at, int value) {
        return (int) INT_HANDLE.getAndAdd(SEGMENT, at, value);
    }

    /** Atomic OR of an aligned quadword; returns the old value. */
    public static long getAndBitwiseOrLong(long at, long bits) {
        return (long) LONG_HANDLE.getAndBitwiseOr(SEGMENT, at, bits);
    }

    public static long getAndBitwiseAndLong(long at, long bits) {
        return (long) LONG_HANDLE.getAndBitwiseAnd(SEGMENT, at, bits);
    }

    public static long getAndBitwiseXorLong(long at, long bits) {
        return (long) LONG_HANDLE.getAndBitwiseXor(SEGMENT, at, bits);
    }

    public static int getAndBitwiseOrInt(long at, int bits) {
        return (int) INT_HANDLE.getAndBitwiseOr(SEGMENT, at, bits);
    }

    public static int getAndBitwiseAndInt(long at, int bits) {
        return (int) INT_HANDLE.getAndBitwiseAnd(SEGMENT, at, bits);
    }

    public static int getAndBitwiseXorInt(long at, int bits) {
        return (int) INT_HANDLE.getAndBitwiseXor(SEGMENT, at, bits);
    }

    /** Atomic compare-and-set of one byte, through the aligned word around it. */
    public static boolean compareAndSetByte(long at, int expected, int value) {
        return compareAndSetWithin(at, 0xff, expected, value);
    }

    /** Atomic compare-and-set of two bytes that do not cross an aligned doubleword. */
    public static boolean compareAndSetShort(long at, int expected, int value) {
        return compareAndSetWithin(at, 0xffff, expected, value);
    }

    private static boolean compareAndSetWithin(long at, int mask, int expected, int value) {
        long word = at & ~3L;
        int shift = (int) (at & 3) * 8;
        while (true) {
            int old = getIntVolatile(word);
            if ((old >>> shift & mask) != (expected & mask)) {
                return false;
            }
            int replaced = old & ~(mask << shift) | (value & mask) << shift;
            if (compareAndSetInt(word, old, replaced)) {
                return true;
            }
        }
    }

    /** Copies a frame-bounded range out of the pool. */
    public static void read(long at, byte[] into, int offset, int length) {
        MemorySegment.copy(SEGMENT, BYTE, at, into, offset, length);
    }

    /** Copies bytes into the pool. */
    public static void write(long at, byte[] from, int offset, int length) {
        MemorySegment.copy(from, offset, SEGMENT, BYTE, at, length);
    }

    public static void fill(long at, long length, int value) {
        SEGMENT.asSlice(at, length).fill((byte) value);
    }

    /** Copies inside the pool with memmove semantics. */
    public static void copy(long from, long to, long length) {
        MemorySegment.copy(SEGMENT, from, SEGMENT, to, length);
    }
}

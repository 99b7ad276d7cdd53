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
 * <p>That check is the wall that protects the JVM, and nothing of it is left out: where it is gone
 * from the machine code, the compiler has proved that it holds. It can because the segment is
 * larger than what is usable. Addresses that a {@link Tlb} holds have no more bits than the pool's
 * offsets need, {@link #SPARE_BITS} being clear, and the segment covers all such addresses with a
 * page and an operand behind them. What is behind the usable part is address space only: no frame
 * lies there, and the host backs it with nothing.
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
        private static long usable = DEFAULT_BYTES;
        private static boolean taken;

        private Reservation() {}

        /**
         * How much address space to reserve, so that the compiler can prove the bounds.
         *
         * @param usableBytes what frames are to be in, more than 0
         * @return a multiple of the page size
         */
        public static long bytesFor(long usableBytes) {
            return (1L << Long.SIZE - spareBits(usableBytes)) + 2 * PAGE_SIZE;
        }

        private static int spareBits(long usableBytes) {
            return Long.numberOfLeadingZeros(usableBytes - 1);
        }

        /**
         * Hands over the host memory to use.
         *
         * @param pool native, page aligned, zero-filled on first touch; at least {@link #bytesFor}
         * @param usableBytes from its start, for frames
         * @throws IllegalStateException when the pool is in use already
         */
        public static synchronized void install(MemorySegment pool, long usableBytes) {
            if (taken) {
                throw new IllegalStateException("guest memory is reserved once per process");
            }
            if (pool.byteSize() < bytesFor(usableBytes)) {
                throw new IllegalArgumentException(
                        "%#x bytes are not enough address space for %#x"
                                .formatted(pool.byteSize(), usableBytes));
            }
            segment = pool;
            usable = usableBytes;
        }

        private static synchronized MemorySegment take() {
            taken = true;
            if (segment == null) {
                segment = Arena.global().allocate(bytesFor(usable), PAGE_SIZE);
            }
            return segment;
        }
    }

    /** All guests' memory, and address space behind it. */
    public static final MemorySegment SEGMENT = Reservation.take();

    private static final long USABLE_BYTES = Reservation.usable;

    /** Upper bits of a long that no offset of a frame has, nor one of a byte in it. */
    static final int SPARE_BITS = Reservation.spareBits(USABLE_BYTES);

    /** The bits that an offset of a frame, or of a byte in it, may have. */
    static final long ADDRESS_MASK = -1L >>> SPARE_BITS;

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

    /** Bytes that frames may be in. */
    public static long sizeBytes() {
        return USABLE_BYTES;
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

    /** Whether the pool holds these bytes: of an array, from an offset on. */
    public static boolean holds(long at, byte[] bytes, int offset, int length) {
        for (int i = 0; i < length; i++) {
            if ((byte) getByte(at + i) != bytes[offset + i]) {
                return false;
            }
        }
        return true;
    }

    /** Whether two ranges of the pool hold the same bytes. */
    public static boolean isSame(long at, long other, long length) {
        return MemorySegment.mismatch(SEGMENT, at, at + length, SEGMENT, other, other + length) < 0;
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

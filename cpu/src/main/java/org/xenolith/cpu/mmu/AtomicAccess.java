package org.xenolith.cpu.mmu;

import java.lang.invoke.VarHandle;
import java.util.Set;

/**
 * Locked instructions of translated code: read-modify-writes at a host address that one of {@link
 * TlbAccess}'s {@code updatable} methods has returned. Each is atomic and a full fence, and returns
 * what the operand was, sign-extended. One in a frame with code, in a page table or not aligned is
 * the interpreter's affair.
 *
 * <p>Each method has at most 35 bytes of bytecode, as those of {@link TlbAccess}.
 */
public final class AtomicAccess {
    /**
     * On x86 the instruction that HotSpot makes of an atomic access is a full fence; elsewhere what
     * is before and behind it may be reordered with it.
     */
    private static final boolean FENCED =
            Set.of("amd64", "x86_64").contains(System.getProperty("os.arch"));

    private static final int BYTE = 0xff, WORD = 0xffff;

    private AtomicAccess() {}

    private static void fence() {
        if (!FENCED) {
            VarHandle.fullFence();
        }
    }

    /** The aligned doubleword around a byte or an aligned word. */
    private static long around(long host) {
        return host & ~3L;
    }

    /** Where in that doubleword the operand is, in bits. */
    private static int shift(long host) {
        return ((int) host & 3) << 3;
    }

    // ---- ADD, SUB, INC, DEC, XADD

    public static long add64(long host, long b) {
        fence();
        long old = Ram.getAndAddLong(host, b);
        fence();
        return old;
    }

    public static int add32(long host, int b) {
        fence();
        int old = Ram.getAndAddInt(host, b);
        fence();
        return old;
    }

    public static int add16(long host, int b) {
        int old;
        do {
            old = (short) Ram.getShort(host);
        } while (!Ram.compareAndSetShort(host, old, old + b));
        return old;
    }

    public static int add8(long host, int b) {
        int old;
        do {
            old = (byte) Ram.getByte(host);
        } while (!Ram.compareAndSetByte(host, old, old + b));
        return old;
    }

    // ---- OR

    public static long or64(long host, long b) {
        fence();
        long old = Ram.getAndBitwiseOrLong(host, b);
        fence();
        return old;
    }

    public static int or32(long host, int b) {
        fence();
        int old = Ram.getAndBitwiseOrInt(host, b);
        fence();
        return old;
    }

    public static int or16(long host, int b) {
        return (short) (or32(around(host), (b & WORD) << shift(host)) >>> shift(host));
    }

    public static int or8(long host, int b) {
        return (byte) (or32(around(host), (b & BYTE) << shift(host)) >>> shift(host));
    }

    // ---- AND

    public static long and64(long host, long b) {
        fence();
        long old = Ram.getAndBitwiseAndLong(host, b);
        fence();
        return old;
    }

    public static int and32(long host, int b) {
        fence();
        int old = Ram.getAndBitwiseAndInt(host, b);
        fence();
        return old;
    }

    public static int and16(long host, int b) {
        return (short)
                (and32(around(host), b << shift(host) | ~(WORD << shift(host))) >>> shift(host));
    }

    public static int and8(long host, int b) {
        return (byte)
                (and32(around(host), b << shift(host) | ~(BYTE << shift(host))) >>> shift(host));
    }

    // ---- XOR

    public static long xor64(long host, long b) {
        fence();
        long old = Ram.getAndBitwiseXorLong(host, b);
        fence();
        return old;
    }

    public static int xor32(long host, int b) {
        fence();
        int old = Ram.getAndBitwiseXorInt(host, b);
        fence();
        return old;
    }

    public static int xor16(long host, int b) {
        return (short) (xor32(around(host), (b & WORD) << shift(host)) >>> shift(host));
    }

    public static int xor8(long host, int b) {
        return (byte) (xor32(around(host), (b & BYTE) << shift(host)) >>> shift(host));
    }

    // ---- XCHG

    public static long exchange64(long host, long b) {
        fence();
        long old = Ram.getAndSetLong(host, b);
        fence();
        return old;
    }

    public static int exchange32(long host, int b) {
        fence();
        int old = Ram.getAndSetInt(host, b);
        fence();
        return old;
    }

    public static int exchange16(long host, int b) {
        int old;
        do {
            old = (short) Ram.getShort(host);
        } while (!Ram.compareAndSetShort(host, old, b));
        return old;
    }

    public static int exchange8(long host, int b) {
        int old;
        do {
            old = (byte) Ram.getByte(host);
        } while (!Ram.compareAndSetByte(host, old, b));
        return old;
    }

    // ---- CMPXCHG

    public static long compareExchange64(long host, long expected, long value) {
        fence();
        long old = Ram.compareAndExchangeLong(host, expected, value);
        fence();
        return old;
    }

    public static int compareExchange32(long host, int expected, int value) {
        fence();
        int old = Ram.compareAndExchangeInt(host, expected, value);
        fence();
        return old;
    }

    /** {@code expected} is sign-extended. */
    public static int compareExchange16(long host, int expected, int value) {
        VarHandle.fullFence();
        int old;
        do {
            old = (short) Ram.getShort(host);
        } while (old == expected && !Ram.compareAndSetShort(host, old, value));
        return old;
    }

    /** {@code expected} is sign-extended. */
    public static int compareExchange8(long host, int expected, int value) {
        VarHandle.fullFence();
        int old;
        do {
            old = (byte) Ram.getByte(host);
        } while (old == expected && !Ram.compareAndSetByte(host, old, value));
        return old;
    }
}

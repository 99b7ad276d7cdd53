package org.xenolith.cpu.semantics;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.Random;

/**
 * The rules of shifts and products against the manual's words: shifts are done a bit at a time, and
 * each condition is made of the six flags. SDM vol. 2, SAL/SAR/SHL/SHR, SHLD, SHRD, IMUL, MUL.
 */
class FlagsTest {
    private static final int CONDITIONS = 16;
    private static final int RANDOM_OPERANDS = 4_000;
    private static final int UNRELATED = Flags.ARITHMETIC;

    /** What an instruction has left, to be asked in each way there is. */
    private record Left(int rule, long a, long b, long result) {
        int all(int ready) {
            return Flags.materialize(rule, a, b, result, ready);
        }

        boolean meets(int condition, int ready) {
            return Flags.condition(condition, rule, a, b, result, ready);
        }
    }

    private static int countMask(int width) {
        return width == 64 ? 63 : 31;
    }

    private static long signExtend(long value, int width) {
        return value << 64 - width >> 64 - width;
    }

    private static boolean bit(long value, int position) {
        return (value >>> position & 1) != 0;
    }

    private static int flags(boolean carry, boolean overflow, long result) {
        int parity = Long.bitCount(result & 0xff) % 2 == 0 ? Flags.PF : 0;
        return (carry ? Flags.CF : 0)
                | (overflow ? Flags.OF : 0)
                | (result == 0 ? Flags.ZF : 0)
                | (result < 0 ? Flags.SF : 0)
                | parity;
    }

    private static boolean met(int condition, int flags) {
        boolean carry = (flags & Flags.CF) != 0;
        boolean zero = (flags & Flags.ZF) != 0;
        boolean less = (flags & Flags.SF) != 0 != ((flags & Flags.OF) != 0);
        boolean met =
                switch (condition >> 1) {
                    case 0 -> (flags & Flags.OF) != 0;
                    case 1 -> carry;
                    case 2 -> zero;
                    case 3 -> carry || zero;
                    case 4 -> (flags & Flags.SF) != 0;
                    case 5 -> (flags & Flags.PF) != 0;
                    case 6 -> less;
                    default -> zero || less;
                };
        return met == (condition % 2 == 0);
    }

    private static void verify(Left left, int expected, String what) {
        for (int ready : new int[] {0, UNRELATED}) {
            assertThat(left.all(ready)).as(what).isEqualTo(expected);
            for (int condition = 0; condition < CONDITIONS; condition++) {
                assertThat(left.meets(condition, ready))
                        .as("condition %d of %s", condition, what)
                        .isEqualTo(met(condition, expected));
            }
            verifyReplaced(left, expected, ready, what);
        }
    }

    /** CF alone, and CF with OF, replaced behind it. */
    private static void verifyReplaced(Left left, int expected, int ready, String what) {
        int rule = left.rule | Flags.CARRY_READY;
        Left carry = new Left(rule, left.a, left.b, left.result);
        assertThat(carry.all(ready))
                .as("CF replaced behind %s", what)
                .isEqualTo(expected & ~Flags.CF | ready & Flags.CF);
        Left both = new Left(rule | Flags.OVERFLOW_READY, left.a, left.b, left.result);
        int replaced = Flags.CF | Flags.OF;
        assertThat(both.all(ready))
                .as("CF and OF replaced behind %s", what)
                .isEqualTo(expected & ~replaced | ready & replaced);
    }

    private interface Check {
        void check(long a, int count, int width);
    }

    private static void eachOperand(int width, Check check) {
        Random random = new Random(width);
        int operands = width == 8 ? 256 : RANDOM_OPERANDS;
        for (int k = 0; k < operands; k++) {
            long a = width == 8 ? k : random.nextLong() >>> random.nextInt(64);
            if (width == 8) {
                for (int count = 1; count <= countMask(width); count++) {
                    check.check(signExtend(a, width), count, width);
                }
            } else {
                int count = 1 + random.nextInt(countMask(width));
                check.check(signExtend(random.nextBoolean() ? a : ~a, width), count, width);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {8, 16, 32, 64})
    void shlLeavesTheLastBitInCarryAndItsDifferenceFromTheSignInOverflow(int width) {
        eachOperand(
                width,
                (a, count, bits) -> {
                    long value = a;
                    boolean carry = false;
                    for (int k = 0; k < count; k++) {
                        carry = bit(value, bits - 1);
                        value <<= 1;
                    }
                    long result = signExtend(value, bits);
                    long position = Shift.leftPosition(count, bits);
                    Left left = new Left(Flags.SHL, Shift.shlSource(a, bits), position, result);
                    int expected = flags(carry, carry != result < 0, result);
                    verify(left, expected, "shl " + a + " by " + count);
                });
    }

    @ParameterizedTest
    @ValueSource(ints = {8, 16, 32, 64})
    void shrLeavesTheLastBitInCarryAndTheSignOfItsOperandInOverflow(int width) {
        eachOperand(
                width,
                (a, count, bits) -> {
                    long value = bits == 64 ? a : a & (1L << bits) - 1;
                    boolean carry = false;
                    for (int k = 0; k < count; k++) {
                        carry = bit(value, 0);
                        value >>>= 1;
                    }
                    long result = signExtend(value, bits);
                    long position = Shift.rightPosition(count);
                    Left left = new Left(Flags.SHR, Shift.shrSource(a, bits), position, result);
                    verify(left, flags(carry, a < 0, result), "shr " + a + " by " + count);
                });
    }

    @ParameterizedTest
    @ValueSource(ints = {8, 16, 32, 64})
    void sarLeavesTheLastBitInCarryAndClearsOverflow(int width) {
        eachOperand(
                width,
                (a, count, bits) -> {
                    long result = a;
                    boolean carry = false;
                    for (int k = 0; k < count; k++) {
                        carry = bit(result, 0);
                        result >>= 1;
                    }
                    Left left = new Left(Flags.SAR, a, Shift.rightPosition(count), result);
                    verify(left, flags(carry, false, result), "sar " + a + " by " + count);
                });
    }

    @ParameterizedTest
    @ValueSource(ints = {16, 32, 64})
    void doubleShiftsLeaveTheLastBitInCarryAndAChangeOfSignInOverflow(int width) {
        Random fills = new Random(width);
        eachOperand(
                width,
                (a, count, bits) -> {
                    if (count <= bits) {
                        verifyShld(a, fills.nextLong(), count, bits);
                        verifyShrd(a, fills.nextLong(), count, bits);
                    }
                });
    }

    private static void verifyShld(long a, long fill, int count, int bits) {
        long value = a;
        boolean carry = false;
        for (int k = 0; k < count; k++) {
            carry = bit(value, bits - 1);
            value = value << 1 | (bit(fill, bits - 1 - k) ? 1 : 0);
        }
        long result = signExtend(value, bits);
        Left left = new Left(Flags.DOUBLE_SHIFT, a, Shift.leftPosition(count, bits), result);
        verify(left, flags(carry, a < 0 != result < 0, result), "shld " + a + " by " + count);
    }

    private static void verifyShrd(long a, long fill, int count, int bits) {
        long value = a;
        boolean carry = false;
        for (int k = 0; k < count; k++) {
            carry = bit(value, 0);
            value = value >>> 1 & ~(1L << bits - 1) | (bit(fill, k) ? 1L << bits - 1 : 0);
        }
        long result = signExtend(value, bits);
        Left left = new Left(Flags.DOUBLE_SHIFT, a, Shift.rightPosition(count), result);
        verify(left, flags(carry, a < 0 != result < 0, result), "shrd " + a + " by " + count);
    }

    @ParameterizedTest
    @ValueSource(ints = {8, 16, 32})
    void productsSetCarryAndOverflowWhereTheLowerHalfSaysNotAll(int width) {
        Random random = new Random(width);
        for (int k = 0; k < RANDOM_OPERANDS; k++) {
            long a = signExtend(random.nextLong() >> random.nextInt(64), width);
            long b = signExtend(random.nextLong() >> random.nextInt(64), width);
            long result = signExtend(a * b, width);
            boolean lost = a * b < -(1L << width - 1) || a * b > (1L << width - 1) - 1;
            Left left = new Left(Flags.PRODUCT, a * b, result, result);
            verify(left, flags(lost, lost, result), a + " * " + b);
        }
    }
}

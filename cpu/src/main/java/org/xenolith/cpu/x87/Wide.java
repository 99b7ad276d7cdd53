package org.xenolith.cpu.x87;

/**
 * A mutable floating-point number with a 128-bit significand, twice that of a register: what a
 * transcendental function computes in before its one rounding. Operations cut off below the last
 * bit and jam what is lost into it, so that a sum like {@code 1 - 2^-500} stays below 1.
 */
final class Wide {
    private static final int SIGNIFICAND_BITS = 128;

    /** Significand with bit 63 of {@code hi} set, or both halves zero. */
    private long hi;

    private long lo;

    /** Value of the significand's first bit is two to this power. */
    private int exponent;

    private boolean negative;

    static Wide of(long value) {
        Wide wide = new Wide();
        wide.normalise(value < 0, 63, Math.abs(value), 0);
        return wide;
    }

    static Wide ofBits(int exponent, long hi, long lo) {
        Wide wide = new Wide();
        wide.normalise(false, exponent, hi, lo);
        return wide;
    }

    /** Takes a finite register value. */
    void set(int se, long sig) {
        normalise(Float80.isNegative(se), Math.max(Float80.exponent(se), 1) - Float80.BIAS, sig, 0);
    }

    void set(Wide other) {
        hi = other.hi;
        lo = other.lo;
        exponent = other.exponent;
        negative = other.negative;
    }

    /** {@code hi:lo * 2^(exponent - 127)}. */
    void setBits(boolean isNegative, int newExponent, long newHi, long newLo) {
        normalise(isNegative, newExponent, newHi, newLo);
    }

    private void normalise(boolean isNegative, int newExponent, long newHi, long newLo) {
        negative = isNegative;
        if ((newHi | newLo) == 0) {
            hi = 0;
            lo = 0;
            exponent = 0;
            return;
        }
        int shift = Shift.leadingZeros(newHi, newLo);
        hi = Shift.leftHi(newHi, newLo, shift);
        lo = Shift.leftLo(newLo, shift);
        exponent = newExponent - shift;
    }

    boolean isZero() {
        return hi == 0;
    }

    boolean isNegative() {
        return negative;
    }

    int exponent() {
        return exponent;
    }

    long high() {
        return hi;
    }

    void negate() {
        negative = !negative;
    }

    void setNegative(boolean value) {
        negative = value;
    }

    /** Multiplies by two to the power of {@code power}. */
    void scale(int power) {
        exponent += power;
    }

    void sum(Wide a, Wide b) {
        add(a, b, b.negative);
    }

    void difference(Wide a, Wide b) {
        add(a, b, !b.negative);
    }

    private void add(Wide a, Wide b, boolean bNegative) {
        if (b.isZero()) {
            set(a);
        } else if (a.isZero()) {
            set(b);
            negative = bNegative;
        } else if (compareMagnitudes(a, b) >= 0) {
            addSmaller(a, a.negative, b, a.negative == bNegative);
        } else {
            addSmaller(b, bNegative, a, a.negative == bNegative);
        }
    }

    private void addSmaller(Wide larger, boolean isNegative, Wide smaller, boolean sameSign) {
        int distance = larger.exponent - smaller.exponent;
        long smallHi = Shift.rightHi(smaller.hi, distance);
        long smallLo = Shift.rightJamLo(smaller.hi, smaller.lo, distance);
        int newExponent = larger.exponent;
        if (!sameSign) {
            long newLo = larger.lo - smallLo;
            int borrow = Long.compareUnsigned(larger.lo, smallLo) < 0 ? 1 : 0;
            normalise(isNegative, newExponent, larger.hi - smallHi - borrow, newLo);
            return;
        }
        long newLo = larger.lo + smallLo;
        int carry = Long.compareUnsigned(newLo, smallLo) < 0 ? 1 : 0;
        long newHi = larger.hi + smallHi;
        boolean carryOut = Long.compareUnsigned(newHi, smallHi) < 0 || newHi == -1 && carry != 0;
        newHi += carry;
        if (carryOut) {
            newLo = newLo >>> 1 | newLo & 1 | newHi << 63;
            newHi = newHi >>> 1 | Float80.INTEGER_BIT;
            newExponent++;
        }
        normalise(isNegative, newExponent, newHi, newLo);
    }

    private static int compareMagnitudes(Wide a, Wide b) {
        if (a.exponent != b.exponent) {
            return Integer.compare(a.exponent, b.exponent);
        }
        int order = Long.compareUnsigned(a.hi, b.hi);
        return order != 0 ? order : Long.compareUnsigned(a.lo, b.lo);
    }

    /** Whether the magnitude of this is below that of {@code other}; both are not zero. */
    boolean isSmallerThan(Wide other) {
        return compareMagnitudes(this, other) < 0;
    }

    void product(Wide a, Wide b) {
        boolean isNegative = a.negative != b.negative;
        int newExponent = a.exponent + b.exponent + 1;
        long cross = a.lo * b.hi;
        long otherCross = a.hi * b.lo;
        long low = a.hi * b.hi;
        long third = cross + otherCross;
        long carryToLow = Long.compareUnsigned(third, cross) < 0 ? 1 : 0;
        long lowest = Math.unsignedMultiplyHigh(a.lo, b.lo);
        third += lowest;
        carryToLow += Long.compareUnsigned(third, lowest) < 0 ? 1 : 0;
        long newHi = Math.unsignedMultiplyHigh(a.hi, b.hi);
        long addend = Math.unsignedMultiplyHigh(a.lo, b.hi);
        long newLo = low + addend;
        newHi += Long.compareUnsigned(newLo, addend) < 0 ? 1 : 0;
        addend = Math.unsignedMultiplyHigh(a.hi, b.lo);
        newLo += addend;
        newHi += Long.compareUnsigned(newLo, addend) < 0 ? 1 : 0;
        newLo += carryToLow;
        newHi += Long.compareUnsigned(newLo, carryToLow) < 0 ? 1 : 0;
        boolean lost = (third | a.lo * b.lo) != 0;
        normalise(isNegative, newExponent, newHi, newLo | (lost ? 1 : 0));
    }

    /** {@code a / b} with 128 quotient bits, bit by bit; b is not zero. */
    void quotient(Wide a, Wide b) {
        boolean isNegative = a.negative != b.negative;
        int newExponent = a.exponent - b.exponent;
        long restHi = a.hi;
        long restLo = a.lo;
        long divisorHi = b.hi;
        long divisorLo = b.lo;
        long newHi = 0;
        long newLo = 0;
        boolean carry = false;
        for (int bit = 0; bit < SIGNIFICAND_BITS; bit++) {
            newHi = newHi << 1 | newLo >>> 63;
            newLo <<= 1;
            int order = Long.compareUnsigned(restHi, divisorHi);
            if (carry || order > 0 || order == 0 && Long.compareUnsigned(restLo, divisorLo) >= 0) {
                restHi -= divisorHi + (Long.compareUnsigned(restLo, divisorLo) < 0 ? 1 : 0);
                restLo -= divisorLo;
                newLo |= 1;
            }
            carry = restHi < 0;
            restHi = restHi << 1 | restLo >>> 63;
            restLo <<= 1;
        }
        boolean lost = (restHi | restLo) != 0 || carry;
        normalise(isNegative, newExponent, newHi, newLo | (lost ? 1 : 0));
    }

    /**
     * Rounds to a register value. An irrational result is never exact, whatever its 128 bits say.
     */
    void roundTo(Float80Result result, boolean irrational) {
        if (isZero()) {
            result.setZero(negative);
        } else {
            long tail = irrational ? lo | 1 : lo;
            result.round(negative, exponent + Float80.BIAS, hi, tail, Long.SIZE);
        }
    }
}

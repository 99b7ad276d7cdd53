package org.xenolith.cpu.semantics.simd;

/**
 * What a row computes, by the shape of its data flow. A caller in a hurry matches on the kind and
 * calls the function itself; {@link #execute} does the same for every kind.
 */
public sealed interface Semantics {
    /** Computes the results, notes floating point exceptions. */
    void execute(SimdOperands o, Mxcsr m);

    /** Whether {@link SimdOperands#flags} replaces OF, SF, ZF, AF, PF and CF. */
    default boolean setsFlags() {
        return false;
    }

    /** Where the result goes. */
    default Destination destination() {
        return Destination.FIRST_OPERAND;
    }

    /** Whether the first operand is written. */
    default boolean hasResult() {
        return destination() == Destination.FIRST_OPERAND;
    }

    /** What an instruction writes, flags apart. */
    enum Destination {
        FIRST_OPERAND,
        NOTHING,
        /** The bytes of the first operand that the result selects, at DS:[RDI]. */
        MEMORY_AT_RDI,
        /** PCMPESTRI, PCMPISTRI. */
        RCX,
        /** PCMPESTRM, PCMPISTRM. */
        XMM0
    }

    // Functions.

    interface LongOp {
        long apply(long a, long b);
    }

    interface LongImmOp {
        long apply(long a, long b, int imm);
    }

    interface HalfOp {
        long apply(long aLow, long aHigh, long bLow, long bHigh, int imm);
    }

    interface FloatHalfOp {
        long apply(long aLow, long aHigh, long bLow, long bHigh, int imm, Mxcsr m);
    }

    interface ExtractOp {
        long apply(long bLow, long bHigh, int imm);
    }

    interface DoubleOp {
        long apply(long a, long b, Mxcsr m);
    }

    interface DoubleImmOp {
        long apply(long a, long b, int imm, Mxcsr m);
    }

    interface FloatOp {
        int apply(int a, int b, Mxcsr m);
    }

    interface FloatImmOp {
        int apply(int a, int b, int imm, Mxcsr m);
    }

    interface BlendOp {
        long apply(long a, long b, long mask);
    }

    interface RoundsOp {
        /**
         * @param more the low half of XMM0, or the result's low half if that is known
         */
        long apply(long aLow, long aHigh, long bLow, long bHigh, long more, int imm);
    }

    interface BitsFlagsOp {
        int apply(long aLow, long aHigh, long bLow, long bHigh);
    }

    interface DoubleFlagsOp {
        int apply(long a, long b, Mxcsr m);
    }

    interface FloatFlagsOp {
        int apply(int a, int b, Mxcsr m);
    }

    interface LongToLong {
        long apply(long b, Mxcsr m);
    }

    interface FloatToLong {
        long apply(int b, Mxcsr m);
    }

    interface LongToFloat {
        int apply(long b, Mxcsr m);
    }

    // Integer kinds.

    /** Each half of the result comes from the same halves of the operands; MMX has one half. */
    record Lanewise(LongOp f) implements Semantics {
        @Override
        public void execute(SimdOperands o, Mxcsr m) {
            o.low = f.apply(o.aLow, o.bLow);
            o.high = f.apply(o.aHigh, o.bHigh);
        }
    }

    /** Each half of a, shifted by the low half of b. */
    record Shift(LongOp f) implements Semantics {
        @Override
        public void execute(SimdOperands o, Mxcsr m) {
            o.low = f.apply(o.aLow, o.bLow);
            o.high = f.apply(o.aHigh, o.bLow);
        }
    }

    /** Each half of a, shifted by the immediate. */
    record ShiftImm(LongOp f) implements Semantics {
        @Override
        public void execute(SimdOperands o, Mxcsr m) {
            o.low = f.apply(o.aLow, o.imm);
            o.high = f.apply(o.aHigh, o.imm);
        }
    }

    /** On XMM registers: the low half from both halves of a, the high half from both of b. */
    record Horizontal(LongOp f) implements Semantics {
        @Override
        public void execute(SimdOperands o, Mxcsr m) {
            o.low = f.apply(o.aLow, o.aHigh);
            o.high = f.apply(o.bLow, o.bHigh);
        }
    }

    /** Both halves of the result from the low halves. */
    record InterleaveLow(LongOp low, LongOp high) implements Semantics {
        @Override
        public void execute(SimdOperands o, Mxcsr m) {
            o.low = low.apply(o.aLow, o.bLow);
            o.high = high.apply(o.aLow, o.bLow);
        }
    }

    /** Both halves of the result from the high halves. */
    record InterleaveHigh(LongOp low, LongOp high) implements Semantics {
        @Override
        public void execute(SimdOperands o, Mxcsr m) {
            o.low = low.apply(o.aHigh, o.bHigh);
            o.high = high.apply(o.aHigh, o.bHigh);
        }
    }

    /** MMX with an immediate. */
    record MmxImm(LongImmOp f) implements Semantics {
        @Override
        public void execute(SimdOperands o, Mxcsr m) {
            o.low = f.apply(o.aLow, o.bLow, o.imm);
        }
    }

    /** Each half of the result from anything. */
    record Cross(HalfOp low, HalfOp high) implements Semantics {
        @Override
        public void execute(SimdOperands o, Mxcsr m) {
            o.low = low.apply(o.aLow, o.aHigh, o.bLow, o.bHigh, o.imm);
            o.high = high.apply(o.aLow, o.aHigh, o.bLow, o.bHigh, o.imm);
        }
    }

    /** A general register, or memory, from a whole vector. */
    record Extract(ExtractOp f) implements Semantics {
        @Override
        public void execute(SimdOperands o, Mxcsr m) {
            o.low = f.apply(o.bLow, o.bHigh, o.imm);
        }
    }

    // Floating point kinds.

    /** The low double; the high half stays. */
    record ScalarDouble(DoubleOp f) implements Semantics {
        @Override
        public void execute(SimdOperands o, Mxcsr m) {
            o.low = f.apply(o.aLow, o.bLow, m);
            o.high = o.aHigh;
        }
    }

    record ScalarDoubleImm(DoubleImmOp f) implements Semantics {
        @Override
        public void execute(SimdOperands o, Mxcsr m) {
            o.low = f.apply(o.aLow, o.bLow, o.imm, m);
            o.high = o.aHigh;
        }
    }

    record PackedDouble(DoubleOp f) implements Semantics {
        @Override
        public void execute(SimdOperands o, Mxcsr m) {
            o.low = f.apply(o.aLow, o.bLow, m);
            o.high = f.apply(o.aHigh, o.bHigh, m);
        }
    }

    record PackedDoubleImm(DoubleImmOp f) implements Semantics {
        @Override
        public void execute(SimdOperands o, Mxcsr m) {
            o.low = f.apply(o.aLow, o.bLow, o.imm, m);
            o.high = f.apply(o.aHigh, o.bHigh, o.imm, m);
        }
    }

    /** The low single; the other three stay. */
    record ScalarFloat(FloatOp f) implements Semantics {
        @Override
        public void execute(SimdOperands o, Mxcsr m) {
            o.low = mergeFloat(o.aLow, f.apply((int) o.aLow, (int) o.bLow, m));
            o.high = o.aHigh;
        }
    }

    record ScalarFloatImm(FloatImmOp f) implements Semantics {
        @Override
        public void execute(SimdOperands o, Mxcsr m) {
            o.low = mergeFloat(o.aLow, f.apply((int) o.aLow, (int) o.bLow, o.imm, m));
            o.high = o.aHigh;
        }
    }

    record PackedFloat(FloatOp f) implements Semantics {
        @Override
        public void execute(SimdOperands o, Mxcsr m) {
            o.low = apply(o.aLow, o.bLow, m);
            o.high = apply(o.aHigh, o.bHigh, m);
        }

        private long apply(long a, long b, Mxcsr m) {
            return pair(
                    f.apply((int) a, (int) b, m), f.apply((int) (a >>> 32), (int) (b >>> 32), m));
        }
    }

    record PackedFloatImm(FloatImmOp f) implements Semantics {
        @Override
        public void execute(SimdOperands o, Mxcsr m) {
            o.low = apply(o.aLow, o.bLow, o.imm, m);
            o.high = apply(o.aHigh, o.bHigh, o.imm, m);
        }

        private long apply(long a, long b, int imm, Mxcsr m) {
            return pair(
                    f.apply((int) a, (int) b, imm, m),
                    f.apply((int) (a >>> 32), (int) (b >>> 32), imm, m));
        }
    }

    /** COMISD and UCOMISD. */
    record CompareDouble(DoubleFlagsOp f) implements Semantics {
        @Override
        public void execute(SimdOperands o, Mxcsr m) {
            o.flags = f.apply(o.aLow, o.bLow, m);
        }

        @Override
        public boolean setsFlags() {
            return true;
        }

        @Override
        public Destination destination() {
            return Destination.NOTHING;
        }
    }

    /** COMISS and UCOMISS. */
    record CompareFloat(FloatFlagsOp f) implements Semantics {
        @Override
        public void execute(SimdOperands o, Mxcsr m) {
            o.flags = f.apply((int) o.aLow, (int) o.bLow, m);
        }

        @Override
        public boolean setsFlags() {
            return true;
        }

        @Override
        public Destination destination() {
            return Destination.NOTHING;
        }
    }

    /** A floating point number to a general register of 32 or 64 bits. */
    record ToInteger(LongToLong narrow, LongToLong wide) implements Semantics {
        @Override
        public void execute(SimdOperands o, Mxcsr m) {
            o.low = o.wide ? wide.apply(o.bLow, m) : narrow.apply(o.bLow, m) & 0xffffffffL;
        }
    }

    /** A signed 32 or 64-bit integer to the low double. */
    record IntegerToDouble(LongToLong f) implements Semantics {
        @Override
        public void execute(SimdOperands o, Mxcsr m) {
            o.low = f.apply(o.wide ? o.bLow : (int) o.bLow, m);
            o.high = o.aHigh;
        }
    }

    /** A signed 32 or 64-bit integer to the low single. */
    record IntegerToFloat(LongToFloat f) implements Semantics {
        @Override
        public void execute(SimdOperands o, Mxcsr m) {
            o.low = mergeFloat(o.aLow, f.apply(o.wide ? o.bLow : (int) o.bLow, m));
            o.high = o.aHigh;
        }
    }

    /** The low single to the low double. */
    record FloatToDouble(FloatToLong f) implements Semantics {
        @Override
        public void execute(SimdOperands o, Mxcsr m) {
            o.low = f.apply((int) o.bLow, m);
            o.high = o.aHigh;
        }
    }

    /** The low double to the low single. */
    record DoubleToFloat(LongToFloat f) implements Semantics {
        @Override
        public void execute(SimdOperands o, Mxcsr m) {
            o.low = mergeFloat(o.aLow, f.apply(o.bLow, m));
            o.high = o.aHigh;
        }
    }

    /** As {@link Cross}, with exceptions. */
    record CrossFloat(FloatHalfOp low, FloatHalfOp high) implements Semantics {
        @Override
        public void execute(SimdOperands o, Mxcsr m) {
            o.low = low.apply(o.aLow, o.aHigh, o.bLow, o.bHigh, o.imm, m);
            o.high = high.apply(o.aLow, o.aHigh, o.bLow, o.bHigh, o.imm, m);
        }
    }

    /** On doubles: the low half from both halves of a, the high half from both of b. */
    record HorizontalDouble(DoubleOp f) implements Semantics {
        @Override
        public void execute(SimdOperands o, Mxcsr m) {
            o.low = f.apply(o.aLow, o.aHigh, m);
            o.high = f.apply(o.bLow, o.bHigh, m);
        }
    }

    /** On singles: the low half from neighbours in a, the high half from neighbours in b. */
    record HorizontalFloat(FloatOp f) implements Semantics {
        @Override
        public void execute(SimdOperands o, Mxcsr m) {
            o.low = pair(neighbours(o.aLow, m), neighbours(o.aHigh, m));
            o.high = pair(neighbours(o.bLow, m), neighbours(o.bHigh, m));
        }

        private int neighbours(long x, Mxcsr m) {
            return f.apply((int) x, (int) (x >>> 32), m);
        }
    }

    /** ADDSUBPD. */
    record AlternatingDouble(DoubleOp even, DoubleOp odd) implements Semantics {
        @Override
        public void execute(SimdOperands o, Mxcsr m) {
            o.low = even.apply(o.aLow, o.bLow, m);
            o.high = odd.apply(o.aHigh, o.bHigh, m);
        }
    }

    /** ADDSUBPS. */
    record AlternatingFloat(FloatOp even, FloatOp odd) implements Semantics {
        @Override
        public void execute(SimdOperands o, Mxcsr m) {
            o.low = apply(o.aLow, o.bLow, m);
            o.high = apply(o.aHigh, o.bHigh, m);
        }

        private long apply(long a, long b, Mxcsr m) {
            return pair(
                    even.apply((int) a, (int) b, m),
                    odd.apply((int) (a >>> 32), (int) (b >>> 32), m));
        }
    }

    /** Lanewise with XMM0 as third operand. */
    record Blend(BlendOp f) implements Semantics {
        @Override
        public void execute(SimdOperands o, Mxcsr m) {
            o.low = f.apply(o.aLow, o.bLow, o.xmm0Low);
            o.high = f.apply(o.aHigh, o.bHigh, o.xmm0High);
        }
    }

    /** Rounds of a hash: the upper half goes on from the lower. */
    record Rounds(RoundsOp low, RoundsOp high) implements Semantics {
        @Override
        public void execute(SimdOperands o, Mxcsr m) {
            o.low = low.apply(o.aLow, o.aHigh, o.bLow, o.bHigh, o.xmm0Low, o.imm);
            o.high = high.apply(o.aLow, o.aHigh, o.bLow, o.bHigh, o.low, o.imm);
        }
    }

    /** PTEST. */
    record CompareBits(BitsFlagsOp f) implements Semantics {
        @Override
        public void execute(SimdOperands o, Mxcsr m) {
            o.flags = f.apply(o.aLow, o.aHigh, o.bLow, o.bHigh);
        }

        @Override
        public boolean setsFlags() {
            return true;
        }

        @Override
        public Destination destination() {
            return Destination.NOTHING;
        }
    }

    /** PCMPESTRI and its kin. */
    record CompareStrings(boolean explicitLengths, boolean toIndex) implements Semantics {
        @Override
        public void execute(SimdOperands o, Mxcsr m) {
            StringCompare c = o.strings;
            if (explicitLengths) {
                c.compareExplicit(
                        o.aLow,
                        o.aHigh,
                        o.bLow,
                        o.bHigh,
                        o.imm,
                        length(o, o.rax),
                        length(o, o.rdx));
            } else {
                c.compareImplicit(o.aLow, o.aHigh, o.bLow, o.bHigh, o.imm);
            }
            o.low = toIndex ? c.index() : c.maskLow();
            o.high = toIndex ? 0 : c.maskHigh();
            o.flags = c.flags();
        }

        private static long length(SimdOperands o, long register) {
            return o.wide ? register : (int) register;
        }

        @Override
        public boolean setsFlags() {
            return true;
        }

        @Override
        public Destination destination() {
            return toIndex ? Destination.RCX : Destination.XMM0;
        }
    }

    // Moves.

    /** No arithmetic; the result of a store is what goes to memory. */
    record Move(MoveKind kind) implements Semantics {
        @Override
        public void execute(SimdOperands o, Mxcsr m) {
            switch (kind) {
                case MOVE_ALL -> set(o, o.bLow, o.bHigh);
                case MOVE_ZERO_EXTEND -> set(o, o.wide ? o.bLow : o.bLow & 0xffffffffL, 0);
                case MOVE_LOW_AND_CLEAR -> set(o, o.bLow, 0);
                case MOVE_LOW -> set(o, o.bLow, o.aHigh);
                case MOVE_LOW_TO_HIGH -> set(o, o.aLow, o.bLow);
                case MOVE_HIGH_TO_LOW -> set(o, o.bHigh, o.aHigh);
                case MOVE_DOUBLE -> set(o, o.bLow, o.memory ? 0 : o.aHigh);
                case MOVE_FLOAT ->
                        set(
                                o,
                                o.memory ? o.bLow & 0xffffffffL : mergeFloat(o.aLow, (int) o.bLow),
                                o.memory ? 0 : o.aHigh);
                case MOVE_BYTES_BY_MASK ->
                        set(o, HalfShuffle.maskmovBytes(o.bLow), HalfShuffle.maskmovBytes(o.bHigh));
                case MOVE_NOTHING -> {}
            }
        }

        private static void set(SimdOperands o, long low, long high) {
            o.low = low;
            o.high = high;
        }

        @Override
        public Destination destination() {
            return switch (kind) {
                case MOVE_BYTES_BY_MASK -> Destination.MEMORY_AT_RDI;
                case MOVE_NOTHING -> Destination.NOTHING;
                case MOVE_ALL,
                        MOVE_ZERO_EXTEND,
                        MOVE_LOW_AND_CLEAR,
                        MOVE_LOW,
                        MOVE_LOW_TO_HIGH,
                        MOVE_HIGH_TO_LOW,
                        MOVE_DOUBLE,
                        MOVE_FLOAT ->
                        Destination.FIRST_OPERAND;
            };
        }
    }

    /** The ways of moving; a is the destination, b the source. */
    enum MoveKind {
        /** All of b: full XMM, MMX; a store of all of b. */
        MOVE_ALL,
        /** MOVD and MOVQ between general and vector registers: 32 or 64 bits, the rest is 0. */
        MOVE_ZERO_EXTEND,
        /** The low half of b, the high half is 0: MOVQ. */
        MOVE_LOW_AND_CLEAR,
        /** The low half of b, the high half stays; or a store of the low half: MOVLPS. */
        MOVE_LOW,
        /**
         * The low half of b goes to the high half, the low half stays: MOVHPS from memory, MOVLHPS.
         */
        MOVE_LOW_TO_HIGH,
        /**
         * The high half of b goes to the low half; or a store of the high half: MOVHLPS, MOVHPS.
         */
        MOVE_HIGH_TO_LOW,
        /** MOVSD: the high half stays, but from memory it becomes 0. */
        MOVE_DOUBLE,
        /** MOVSS: the upper 96 bits stay, but from memory they become 0. */
        MOVE_FLOAT,
        /** MASKMOVQ, MASKMOVDQU: the result is the mask of bytes of a to store at DS:[RDI]. */
        MOVE_BYTES_BY_MASK,
        /** EMMS: marks the x87 registers empty. */
        MOVE_NOTHING
    }

    private static long mergeFloat(long a, int single) {
        return a & ~0xffffffffL | single & 0xffffffffL;
    }

    private static long pair(int low, int high) {
        return low & 0xffffffffL | (long) high << 32;
    }
}

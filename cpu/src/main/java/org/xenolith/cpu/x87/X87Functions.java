package org.xenolith.cpu.x87;

/** The functions of ST(0), or of ST(0) and ST(1), that opcode D9 F0..FF and FSQRT name. */
final class X87Functions {
    private final X87Registers registers;
    private final Float80Result result;
    private final Float80Arithmetic arithmetic;
    private final Float80Remainder remainder;
    private final Transcendentals transcendentals;

    X87Functions(X87Registers registers, Float80Result result) {
        this.registers = registers;
        this.result = result;
        arithmetic = new Float80Arithmetic(result);
        remainder = new Float80Remainder(result);
        transcendentals = new Transcendentals(result);
    }

    void squareRoot() {
        if (ready(0, 0, false)) {
            arithmetic.squareRoot(registers.se(0), registers.sig(0));
            commitTo(0);
        }
    }

    void roundToInteger() {
        if (ready(0, 0, false)) {
            remainder.roundToInteger(registers.se(0), registers.sig(0));
            commitTo(0);
        }
    }

    void scale() {
        if (ready(1, 0, false)) {
            remainder.scale(registers.se(0), registers.sig(0), registers.se(1), registers.sig(1));
            commitTo(0);
        }
    }

    void remainder(boolean nearest) {
        registers.setConditions(StatusWord.C2, 0);
        if (!ready(1, 0, false)) {
            return;
        }
        int conditions =
                remainder.remainder(
                        registers.se(0),
                        registers.sig(0),
                        registers.se(1),
                        registers.sig(1),
                        nearest);
        if (commitTo(0) && conditions != Float80Remainder.NO_QUOTIENT) {
            registers.setConditions(StatusWord.CONDITIONS, conditions);
        }
    }

    /** FXTRACT: the exponent replaces ST(0), the significand is pushed. */
    void extract() {
        if (!readyToPush()) {
            return;
        }
        int se = registers.se(0);
        long sig = registers.sig(0);
        remainder.extractExponent(se, sig);
        if (commitTo(0)) {
            remainder.extractSignificand(se, sig);
            registers.push(result.se, result.sig);
        }
    }

    void exp2MinusOne() {
        if (ready(0, 0, false)) {
            transcendentals.exp2MinusOne(registers.se(0), registers.sig(0));
            commitTo(0);
        }
    }

    void yLog2() {
        if (ready(1, 1, true)) {
            transcendentals.yLog2(
                    registers.se(1), registers.sig(1), registers.se(0), registers.sig(0));
            commitAndPop();
        }
    }

    void yLog2PlusOne() {
        if (ready(1, 1, true)) {
            transcendentals.yLog2PlusOne(
                    registers.se(1), registers.sig(1), registers.se(0), registers.sig(0));
            commitAndPop();
        }
    }

    void atan2() {
        if (ready(1, 1, true)) {
            transcendentals.atan2(
                    registers.se(1), registers.sig(1), registers.se(0), registers.sig(0));
            commitAndPop();
        }
    }

    void sine() {
        registers.setConditions(StatusWord.C2, 0);
        if (ready(0, 0, false) && angleInRange()) {
            transcendentals.sine(registers.se(0), registers.sig(0));
            commitTo(0);
        }
    }

    void cosine() {
        registers.setConditions(StatusWord.C2, 0);
        if (ready(0, 0, false) && angleInRange()) {
            transcendentals.cosine(registers.se(0), registers.sig(0));
            commitTo(0);
        }
    }

    /** FSINCOS: the sine replaces ST(0), the cosine is pushed. */
    void sineAndCosine() {
        registers.setConditions(StatusWord.C2, 0);
        if (!readyToPush() || !angleInRange()) {
            return;
        }
        int se = registers.se(0);
        long sig = registers.sig(0);
        transcendentals.sine(se, sig);
        int sineSe = result.se;
        long sineSig = result.sig;
        transcendentals.cosine(se, sig);
        if (registers.commit(result)) {
            registers.set(0, sineSe, sineSig);
            registers.push(result.se, result.sig);
        }
    }

    /** FPTAN: the tangent replaces ST(0) and 1 is pushed; a NaN is pushed once more instead. */
    void tangent() {
        registers.setConditions(StatusWord.C2, 0);
        if (!readyToPush() || !angleInRange()) {
            return;
        }
        transcendentals.tangent(registers.se(0), registers.sig(0));
        if (!commitTo(0)) {
            return;
        }
        if (Float80.isNan(result.se, result.sig)) {
            registers.push(result.se, result.sig);
        } else {
            registers.push(Float80.BIAS, Float80.INTEGER_BIT);
        }
    }

    private boolean angleInRange() {
        boolean tooLarge = Transcendentals.isAngleTooLarge(registers.se(0), registers.sig(0));
        if (tooLarge) {
            registers.setConditions(StatusWord.C1 | StatusWord.C2, StatusWord.C2);
        }
        return !tooLarge;
    }

    /** Begins an operation on ST(0) and ST(source), unless one of them is empty. */
    private boolean ready(int source, int destination, boolean pop) {
        if (!registers.isEmpty(0) && !registers.isEmpty(source)) {
            result.begin(registers.control);
            return true;
        }
        if (registers.stackUnderflow()) {
            registers.setIndefinite(destination);
            if (pop) {
                registers.pop();
            }
        }
        return false;
    }

    private boolean readyToPush() {
        boolean underflow = registers.isEmpty(0);
        if (underflow || !registers.isEmpty(-1)) {
            boolean masked = underflow ? registers.stackUnderflow() : registers.stackOverflow();
            if (masked) {
                registers.setIndefinite(0);
                registers.push(Float80.INDEFINITE_SE, Float80.INDEFINITE_SIG);
            }
            return false;
        }
        result.begin(registers.control);
        return true;
    }

    private boolean commitTo(int destination) {
        boolean done = registers.commit(result);
        if (done) {
            registers.set(destination, result);
        }
        return done;
    }

    private void commitAndPop() {
        if (commitTo(1)) {
            registers.pop();
        }
    }
}

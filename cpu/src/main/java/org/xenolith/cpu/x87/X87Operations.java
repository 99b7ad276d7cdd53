package org.xenolith.cpu.x87;

/**
 * Two-operand arithmetic and the compares, on the register stack or with a widened memory operand.
 */
final class X87Operations {
    static final int ADD = 0;
    static final int MULTIPLY = 1;
    static final int COMPARE = 2;
    static final int COMPARE_POP = 3;
    static final int SUBTRACT = 4;
    static final int SUBTRACT_REVERSED = 5;
    static final int DIVIDE = 6;
    static final int DIVIDE_REVERSED = 7;

    private static final int UNORDERED = StatusWord.C3 | StatusWord.C2 | StatusWord.C0;

    private final X87Registers registers;
    private final Float80Result result;
    private final Float80Arithmetic arithmetic;

    X87Operations(X87Registers registers, Float80Result result) {
        this.registers = registers;
        this.result = result;
        arithmetic = new Float80Arithmetic(result);
    }

    /**
     * {@code destination = ST(0) op ST(source)}.
     *
     * @param operation the reg field of D8: one of the constants above but the compares
     */
    void binary(int operation, int destination, int source, boolean pop) {
        if (registers.isEmpty(0) || registers.isEmpty(source)) {
            underflow(destination, pop);
            return;
        }
        result.begin(registers.control);
        compute(operation, registers.se(source), registers.sig(source));
        if (registers.commit(result)) {
            registers.set(destination, result);
            if (pop) {
                registers.pop();
            }
        }
    }

    /** {@code ST(0) = ST(0) op operand}; {@link #result} has begun and the operand is widened. */
    void binaryWithOperand(int operation, int se, long sig) {
        if (operation == COMPARE || operation == COMPARE_POP) {
            compareWith(se, sig, false, operation == COMPARE_POP ? 1 : 0);
        } else if (registers.isEmpty(0)) {
            underflow(0, false);
        } else {
            compute(operation, se, sig);
            if (registers.commit(result)) {
                registers.set(0, result);
            }
        }
    }

    private void compute(int operation, int se, long sig) {
        int se0 = registers.se(0);
        long sig0 = registers.sig(0);
        switch (operation) {
            case ADD -> arithmetic.add(se0, sig0, se, sig);
            case MULTIPLY -> arithmetic.multiply(se0, sig0, se, sig);
            case SUBTRACT -> arithmetic.subtract(se0, sig0, se, sig);
            case SUBTRACT_REVERSED -> arithmetic.subtract(se, sig, se0, sig0);
            case DIVIDE -> arithmetic.divide(se0, sig0, se, sig);
            case DIVIDE_REVERSED -> arithmetic.divide(se, sig, se0, sig0);
            default -> throw new IllegalStateException("arithmetic operation " + operation);
        }
    }

    private void underflow(int destination, boolean pop) {
        if (registers.stackUnderflow()) {
            registers.setIndefinite(destination);
            if (pop) {
                registers.pop();
            }
        }
    }

    void compare(int source, boolean quiet, int pops) {
        if (registers.isEmpty(source)) {
            compareUnderflow(pops);
        } else {
            result.begin(registers.control);
            compareWith(registers.se(source), registers.sig(source), quiet, pops);
        }
    }

    private void compareWith(int se, long sig, boolean quiet, int pops) {
        if (registers.isEmpty(0)) {
            compareUnderflow(pops);
            return;
        }
        int conditions = arithmetic.compare(registers.se(0), registers.sig(0), se, sig, quiet);
        boolean done = registers.commit(result);
        registers.setConditions(UNORDERED, conditions);
        if (done) {
            pop(pops);
        }
    }

    private void compareUnderflow(int pops) {
        boolean masked = registers.stackUnderflow();
        registers.setConditions(UNORDERED, UNORDERED);
        if (masked) {
            pop(pops);
        }
    }

    private void pop(int count) {
        for (int i = 0; i < count; i++) {
            registers.pop();
        }
    }

    /** FTST: compares ST(0) with +0. */
    void test() {
        result.begin(registers.control);
        compareWith(0, 0, false, 0);
    }

    /**
     * FCOMI and FUCOMI.
     *
     * @return condition bits as FCOM would set them, with an unmasked exception too
     */
    int compareToFlags(int source, boolean quiet, boolean pop) {
        if (registers.isEmpty(0) || registers.isEmpty(source)) {
            if (registers.stackUnderflow() && pop) {
                registers.pop();
            }
            return UNORDERED;
        }
        result.begin(registers.control);
        int conditions =
                arithmetic.compare(
                        registers.se(0),
                        registers.sig(0),
                        registers.se(source),
                        registers.sig(source),
                        quiet);
        if (registers.commit(result) && pop) {
            registers.pop();
        }
        return conditions;
    }
}

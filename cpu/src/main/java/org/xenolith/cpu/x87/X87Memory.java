package org.xenolith.cpu.x87;

/** The instructions with a memory operand of up to ten bytes; the caller moves the bytes. */
final class X87Memory {
    /** Bytes read, by ESC opcode and reg field; 0 where the form does not load. */
    private static final int[][] LOAD_BYTES = {
        {4, 4, 4, 4, 4, 4, 4, 4},
        {4, 0, 0, 0, 0, 2, 0, 0},
        {4, 4, 4, 4, 4, 4, 4, 4},
        {4, 0, 0, 0, 0, 10, 0, 0},
        {8, 8, 8, 8, 8, 8, 8, 8},
        {8, 0, 0, 0, 0, 0, 0, 0},
        {2, 2, 2, 2, 2, 2, 2, 2},
        {2, 0, 0, 0, 10, 8, 0, 0},
    };

    /** Bytes written, likewise. */
    private static final int[][] STORE_BYTES = {
        {0, 0, 0, 0, 0, 0, 0, 0},
        {0, 0, 4, 4, 0, 0, 0, 2},
        {0, 0, 0, 0, 0, 0, 0, 0},
        {0, 4, 4, 4, 0, 0, 0, 10},
        {0, 0, 0, 0, 0, 0, 0, 0},
        {0, 8, 8, 8, 0, 0, 0, 2},
        {0, 0, 0, 0, 0, 0, 0, 0},
        {0, 2, 2, 2, 0, 0, 10, 8},
    };

    /** Exceptions that, unmasked, keep a store from writing. */
    private static final int BLOCKS_STORE =
            StatusWord.BEFORE_OPERATION | StatusWord.OVERFLOW | StatusWord.UNDERFLOW;

    private static final int TRUNCATE_AND_POP = 1;
    private static final int KEEP = 2;

    private final X87Registers registers;
    private final X87Operations operations;
    private final X87Moves moves;
    private final Float80Result result;
    private final Float80Conversions conversions;

    private long storeLow;
    private int storeHigh;

    // What the store now prepared will do to the state once the memory was written.
    private boolean storeIsNumeric;
    private boolean storeUnderflowed;
    private boolean storeBlocked;
    private boolean storePops;
    private int storeFlags;
    private boolean storeRoundedUp;

    X87Memory(
            X87Registers registers,
            X87Operations operations,
            X87Moves moves,
            Float80Result result) {
        this.registers = registers;
        this.operations = operations;
        this.moves = moves;
        this.result = result;
        conversions = new Float80Conversions(result);
    }

    static int loadBytes(int esc, int reg) {
        return LOAD_BYTES[esc][reg];
    }

    static int storeBytes(int esc, int reg) {
        return STORE_BYTES[esc][reg];
    }

    long storeLow() {
        return storeLow;
    }

    int storeHigh() {
        return storeHigh;
    }

    void load(int esc, int reg, long low, int high) {
        boolean arithmetic = (esc & 1) == 0;
        if (!arithmetic && reg == 5 && esc == 1) {
            registers.setControl((int) low);
        } else if (!arithmetic && reg == 5 && esc == 3) {
            moves.pushValue(high & 0xffff, low);
        } else {
            result.begin(registers.control);
            widen(esc, reg, low, high);
            if (arithmetic) {
                operations.binaryWithOperand(reg, result.se, result.sig);
            } else {
                push();
            }
        }
    }

    private void widen(int esc, int reg, long low, int high) {
        switch (esc) {
            case 0, 1 -> conversions.widenSingle((int) low);
            case 2, 3 -> conversions.fromInteger((int) low);
            case 4, 5 -> conversions.widenDouble(low);
            case 6 -> conversions.fromInteger((short) low);
            case 7 -> {
                switch (reg) {
                    case 0 -> conversions.fromInteger((short) low);
                    case 4 -> conversions.fromBcd(low, high);
                    case 5 -> conversions.fromInteger(low);
                    default -> throw undefined(esc, reg);
                }
            }
            default -> throw undefined(esc, reg);
        }
    }

    private void push() {
        if (registers.isEmpty(-1)) {
            int se = result.se;
            long sig = result.sig;
            if (!result.settledByNan(se, sig)) {
                result.checkSourceDenormal();
            }
            // A denormal is loaded even when its exception is unmasked.
            boolean blocked = (result.flags & ~registers.control & StatusWord.INVALID) != 0;
            registers.commit(result);
            if (!blocked) {
                registers.push(result.se, result.sig);
            }
        } else {
            moves.pushValue(0, 0);
        }
    }

    boolean prepareStore(int esc, int reg) {
        storeIsNumeric = !(reg == 7 && (esc == 1 || esc == 5));
        storeUnderflowed = false;
        storeFlags = 0;
        storeRoundedUp = false;
        storeBlocked = false;
        storePops = storeIsNumeric && reg != KEEP;
        storeHigh = 0;
        if (!storeIsNumeric) {
            storeLow = esc == 1 ? registers.control : registers.statusWord();
            return true;
        }
        registers.checkPending();
        result.begin(registers.control);
        storeUnderflowed = registers.isEmpty(0);
        if (storeUnderflowed) {
            narrow(esc, reg, Float80.INDEFINITE_SE, Float80.INDEFINITE_SIG);
            storeBlocked = (registers.control & StatusWord.INVALID) == 0;
        } else {
            narrow(esc, reg, registers.se(0), registers.sig(0));
            storeFlags = result.flags;
            storeRoundedUp = result.roundedUp;
            storeBlocked = (storeFlags & ~registers.control & BLOCKS_STORE) != 0;
            if (storeBlocked) {
                storeFlags &= ~StatusWord.PRECISION;
                storeRoundedUp = false;
            }
        }
        storeLow = result.sig;
        return !storeBlocked;
    }

    private void narrow(int esc, int reg, int se, long sig) {
        int rounding = reg == TRUNCATE_AND_POP ? ControlWord.ROUND_TO_ZERO : result.rounding();
        switch (esc) {
            case 1 -> conversions.toSingle(se, sig);
            case 3 -> {
                if (reg == 7) {
                    result.sig = sig;
                    storeHigh = se;
                } else {
                    conversions.toInteger(se, sig, Integer.SIZE, rounding);
                }
            }
            case 5 -> {
                if (reg == TRUNCATE_AND_POP) {
                    conversions.toInteger(se, sig, Long.SIZE, rounding);
                } else {
                    conversions.toDouble(se, sig);
                }
            }
            case 7 -> {
                if (reg == 6) {
                    conversions.toBcd(se, sig);
                    storeHigh = result.se;
                } else {
                    int bits = reg == 7 ? Long.SIZE : Short.SIZE;
                    conversions.toInteger(se, sig, bits, rounding);
                }
            }
            default -> throw undefined(esc, reg);
        }
    }

    void commitStore() {
        if (!storeIsNumeric) {
            return;
        }
        if (storeUnderflowed) {
            registers.stackUnderflow();
        } else {
            registers.commit(storeFlags, storeRoundedUp);
        }
        if (storePops && !storeBlocked) {
            registers.pop();
        }
    }

    private static IllegalStateException undefined(int esc, int reg) {
        return new IllegalStateException("no operand form %x /%d".formatted(0xd8 + esc, reg));
    }
}

package org.xenolith.cpu.x87;

import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.Vector;

/**
 * One processor's x87 unit, as the interpreter sees it. An ESC opcode D8..DF is {@code esc} 0..7.
 *
 * <p>Register forms (ModRM.mod = 3): {@link #execute}. Memory forms go by {@code esc} and
 * ModRM.reg, and the caller moves the bytes:
 *
 * <ul>
 *   <li>{@link #loadBytes} &gt; 0: read that many bytes, then {@link #load}.
 *   <li>{@link #storeBytes} &gt; 0: {@link #prepareStore}; when true write {@link #storeLow} and
 *       {@link #storeHigh}; then, in either case, {@link #commitStore}. A fault while writing
 *       leaves the unit as it was.
 *   <li>{@link #imageBytes} &gt; 0: FLDENV and FRSTOR read the image and call {@link #loadImage};
 *       FNSTENV and FNSAVE call {@link #prepareImage}, write it, and call {@link #commitImage}.
 *   <li>all three 0: #UD.
 * </ul>
 *
 * <p>FWAIT is {@link #checkPending}. The methods below do that themselves where the instruction
 * waits, so the interpreter only checks CR0.EM and CR0.TS (#NM) beforehand. Last instruction, data
 * pointer and opcode are kept as loaded from an image and are zero after FNINIT: instructions do
 * not record themselves, as AMD processors do not show them in FXSAVE unless an exception is
 * pending.
 */
public final class X87 {
    /** RFLAGS bits FCMOVcc reads and FCOMI writes. */
    private static final int CF = 1;

    private static final int PF = 1 << 2;
    private static final int AF = 1 << 4;
    private static final int ZF = 1 << 6;
    private static final int SF = 1 << 7;
    private static final int OF = 1 << 11;

    private static final int FIRST_REGISTER_FORM = 0xc0;
    private static final int MMX_SE = 0xffff;
    private static final int FNSTENV_ESC = 1;

    private final X87Registers registers = new X87Registers();
    private final Float80Result result = new Float80Result();
    private final X87Operations operations = new X87Operations(registers, result);
    private final X87Functions functions = new X87Functions(registers, result);
    private final X87Moves moves = new X87Moves(registers);
    private final X87Memory memory = new X87Memory(registers, operations, moves, result);
    private final X87Images images = new X87Images(registers);

    /** Throws #MF when an earlier instruction left an unmasked exception: FWAIT. */
    public void checkPending() {
        registers.checkPending();
    }

    /** Whether the register form reads RFLAGS: FCMOVcc. */
    public static boolean readsFlags(int esc, int modrm) {
        return (esc == 2 || esc == 3) && modrm < 0xe0;
    }

    /** Whether the register form writes RFLAGS: FCOMI, FCOMIP, FUCOMI, FUCOMIP. */
    public static boolean writesFlags(int esc, int modrm) {
        return (esc == 3 || esc == 7) && modrm >= 0xe8 && modrm < 0xf8;
    }

    /**
     * Whether the form is FNSTSW AX, which the caller does: AX = {@link #statusWord}, no exception.
     */
    public static boolean isStatusToAx(int esc, int modrm) {
        return esc == 7 && modrm == 0xe0;
    }

    /**
     * Executes a register form.
     *
     * @param esc opcode - 0xD8
     * @param modrm 0xC0..0xFF
     * @param rflags used when {@link #readsFlags}
     * @return RFLAGS, changed when {@link #writesFlags}
     * @throws GuestFault #UD for an undefined form, #MF for a pending exception
     */
    public long execute(int esc, int modrm, long rflags) {
        if (modrm < FIRST_REGISTER_FORM || modrm > 0xff) {
            throw new IllegalStateException("not a register form: modrm " + modrm);
        }
        if (esc == 3 && (modrm & 0xf8) == 0xe0) {
            executeControl(modrm & 7);
            return rflags;
        }
        int reg = modrm >>> 3 & 7;
        int i = modrm & 7;
        if (!isDefined(esc, reg, i)) {
            throw GuestFault.of(Vector.INVALID_OPCODE);
        }
        registers.checkPending();
        switch (esc) {
            case 0 -> executeArithmetic(reg, 0, i, false);
            case 1 -> executeD9(reg, i);
            case 2, 3 -> {
                return executeFlagForm(esc, reg, i, rflags);
            }
            case 4 -> executeArithmetic(reg, i, i, false);
            case 5 -> executeDd(reg, i);
            case 6 -> executeArithmetic(reg, i, i, true);
            case 7 -> {
                return executeDf(reg, i, rflags);
            }
            default -> throw new IllegalStateException("ESC opcode " + esc);
        }
        return rflags;
    }

    private static boolean isDefined(int esc, int reg, int i) {
        return switch (esc) {
            case 1 ->
                    switch (reg) {
                        case 2 -> i == 0;
                        case 4 -> i == 0 || i == 1 || i == 4 || i == 5;
                        case 5 -> i != 7;
                        default -> true;
                    };
            case 2 -> reg < 4 || reg == 5 && i == 1;
            case 3 -> reg < 7;
            case 5 -> reg < 6;
            case 6 -> reg != 3 || i == 1;
            case 7 -> reg < 4 || reg == 5 || reg == 6;
            default -> true;
        };
    }

    /**
     * DB E0..E4, which do not wait: FNENI, FNDISI and FNSETPM have had no effect since the 80387.
     */
    private void executeControl(int i) {
        switch (i) {
            case 0, 1, 4 -> {}
            case 2 -> registers.clearExceptions();
            case 3 -> registers.initialise();
            default -> throw GuestFault.of(Vector.INVALID_OPCODE);
        }
    }

    private void executeArithmetic(int reg, int destination, int i, boolean pop) {
        switch (reg) {
            case X87Operations.COMPARE -> operations.compare(i, false, pop ? 1 : 0);
            case X87Operations.COMPARE_POP -> operations.compare(i, false, pop ? 2 : 1);
            default -> operations.binary(reg, destination, i, pop);
        }
    }

    private void executeD9(int reg, int i) {
        switch (reg) {
            case 0 -> moves.pushCopy(i);
            case 1 -> moves.exchange(i);
            case 2 -> {} // FNOP
            case 3 -> moves.store(i, true);
            case 4 -> executeSignForms(i);
            case 5 -> moves.pushConstant(i);
            default -> executeFunction(reg << 3 & 8 | i);
        }
    }

    private void executeSignForms(int i) {
        switch (i) {
            case 0 -> moves.changeSign(Float80.SIGN, Float80.SIGN);
            case 1 -> moves.changeSign(0, 0);
            case 4 -> operations.test();
            default -> moves.examine();
        }
    }

    /** D9 F0..FF. */
    private void executeFunction(int index) {
        switch (index) {
            case 0x0 -> functions.exp2MinusOne();
            case 0x1 -> functions.yLog2();
            case 0x2 -> functions.tangent();
            case 0x3 -> functions.atan2();
            case 0x4 -> functions.extract();
            case 0x5 -> functions.remainder(true);
            case 0x6 -> moves.moveTop(-1);
            case 0x7 -> moves.moveTop(1);
            case 0x8 -> functions.remainder(false);
            case 0x9 -> functions.yLog2PlusOne();
            case 0xa -> functions.squareRoot();
            case 0xb -> functions.sineAndCosine();
            case 0xc -> functions.roundToInteger();
            case 0xd -> functions.scale();
            case 0xe -> functions.sine();
            case 0xf -> functions.cosine();
            default -> throw new IllegalStateException("function " + index);
        }
    }

    private long executeFlagForm(int esc, int reg, int i, long rflags) {
        if (reg < 4) {
            moves.conditionalMove(i, isMoved(reg, rflags) == (esc == 2));
            return rflags;
        }
        if (esc == 2) {
            operations.compare(1, true, 2);
            return rflags;
        }
        return compareToFlags(i, reg == 5, false, rflags);
    }

    private static boolean isMoved(int reg, long rflags) {
        int tested =
                switch (reg) {
                    case 0 -> CF;
                    case 1 -> ZF;
                    case 2 -> CF | ZF;
                    default -> PF;
                };
        return (rflags & tested) != 0;
    }

    private long compareToFlags(int i, boolean quiet, boolean pop, long rflags) {
        int conditions = operations.compareToFlags(i, quiet, pop);
        int flags =
                ((conditions & StatusWord.C3) != 0 ? ZF : 0)
                        | ((conditions & StatusWord.C2) != 0 ? PF : 0)
                        | ((conditions & StatusWord.C0) != 0 ? CF : 0);
        return rflags & ~(CF | PF | AF | ZF | SF | OF) | flags;
    }

    private void executeDd(int reg, int i) {
        switch (reg) {
            case 0 -> registers.free(i);
            case 1 -> moves.exchange(i);
            case 2 -> moves.store(i, false);
            case 3 -> moves.store(i, true);
            default -> operations.compare(i, true, reg == 5 ? 1 : 0);
        }
    }

    private long executeDf(int reg, int i, long rflags) {
        switch (reg) {
            case 0 -> {
                registers.free(i);
                registers.pop();
            }
            case 1 -> moves.exchange(i);
            case 2, 3 -> moves.store(i, true);
            default -> {
                return compareToFlags(i, reg == 5, true, rflags);
            }
        }
        return rflags;
    }

    /** Bytes a memory form reads: 2, 4, 8 or 10; else 0. */
    public static int loadBytes(int esc, int reg) {
        return X87Memory.loadBytes(esc, reg);
    }

    /** Bytes a memory form writes: 2, 4, 8 or 10; else 0. */
    public static int storeBytes(int esc, int reg) {
        return X87Memory.storeBytes(esc, reg);
    }

    /**
     * Executes a form with {@link #loadBytes}.
     *
     * @param low the operand, or its low eight bytes
     * @param high bytes 8 and 9 of a ten-byte operand
     */
    public void load(int esc, int reg, long low, int high) {
        registers.checkPending();
        memory.load(esc, reg, low, high);
    }

    /**
     * Computes what a form with {@link #storeBytes} writes; changes nothing yet.
     *
     * @return false when an unmasked exception keeps memory unchanged; call {@link #commitStore}
     *     still
     */
    public boolean prepareStore(int esc, int reg) {
        return memory.prepareStore(esc, reg);
    }

    /** The operand to write, or its low eight bytes; valid after {@link #prepareStore}. */
    public long storeLow() {
        return memory.storeLow();
    }

    /** Bytes 8 and 9 of a ten-byte operand; valid after {@link #prepareStore}. */
    public int storeHigh() {
        return memory.storeHigh();
    }

    /** Completes the store: exceptions, C1 and the pop. */
    public void commitStore() {
        memory.commitStore();
    }

    /**
     * Bytes of the image FLDENV, FNSTENV (D9 /4, /6), FRSTOR and FNSAVE (DD /4, /6) move; else 0.
     */
    public static int imageBytes(int esc, int reg, boolean operand16) {
        int environment = operand16 ? X87Images.ENVIRONMENT_16 : X87Images.ENVIRONMENT_32;
        if (reg != 4 && reg != 6) {
            return 0;
        }
        return switch (esc) {
            case 1 -> environment;
            case 5 -> environment + X87Images.REGISTERS;
            default -> 0;
        };
    }

    /** Whether an image form loads (reg 4) rather than stores (reg 6). */
    public static boolean isImageLoad(int reg) {
        return reg == 4;
    }

    /** FLDENV and FRSTOR: takes the state from an image of {@link #imageBytes}. */
    public void loadImage(int esc, byte[] image, boolean operand16) {
        registers.checkPending();
        if (esc == FNSTENV_ESC) {
            images.getEnvironment(image, operand16);
        } else {
            images.getState(image, operand16);
        }
    }

    /**
     * FNSTENV and FNSAVE: writes an image of {@link #imageBytes}; the state stays until {@link
     * #commitImage}.
     */
    public void prepareImage(int esc, byte[] image, boolean operand16) {
        if (esc == FNSTENV_ESC) {
            images.putEnvironment(image, operand16);
        } else {
            images.putState(image, operand16);
        }
    }

    /** FNSTENV masks all exceptions, FNSAVE initialises the unit. */
    public void commitImage(int esc) {
        if (esc == FNSTENV_ESC) {
            registers.setControl(registers.control | ControlWord.MASKS);
        } else {
            registers.initialise();
        }
    }

    /** Writes bytes 0..159 of the FXSAVE area but MXCSR and its mask; see {@link FxsaveArea}. */
    public void fxsave(byte[] area, boolean rexW) {
        images.putFxsave(area, rexW);
    }

    /** Takes the x87 state from an FXSAVE area; check MXCSR first. */
    public void fxrstor(byte[] area, boolean rexW) {
        images.getFxsave(area, rexW);
    }

    public void initialise() {
        registers.initialise();
    }

    public int controlWord() {
        return registers.control;
    }

    public int statusWord() {
        return registers.statusWord();
    }

    /**
     * Begins an MMX instruction: #MF when an exception is pending, else TOP = 0 and all registers
     * valid.
     */
    public void enterMmx() {
        registers.checkPending();
        registers.top = 0;
        registers.empty = 0;
    }

    /** EMMS: all registers empty. */
    public void emms() {
        enterMmx();
        registers.empty = X87Registers.ALL_EMPTY;
    }

    /** MMi, the significand of R(i). */
    public long mm(int i) {
        return registers.sig[i];
    }

    /** Writes MMi; sign and exponent of R(i) become ones. */
    public void setMm(int i, long value) {
        registers.sig[i] = value;
        registers.se[i] = MMX_SE;
    }

    /** Sign and exponent of ST(i), for debuggers and tests. */
    public int signAndExponent(int i) {
        return registers.se(i);
    }

    /** Significand of ST(i), for debuggers and tests. */
    public long significand(int i) {
        return registers.sig(i);
    }
}

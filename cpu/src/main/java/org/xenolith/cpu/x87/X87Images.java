package org.xenolith.cpu.x87;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * The memory images of the state: environment (FNSTENV), full state (FNSAVE) and the x87 part of
 * the FXSAVE area. SDM vol. 1, 8.1.10 and 10.5.1.
 */
final class X87Images {
    /** Bytes of the protected-mode environment with 32-bit and 16-bit operand size. */
    static final int ENVIRONMENT_32 = 28;

    static final int ENVIRONMENT_16 = 14;

    /** Bytes the eight registers take behind an environment. */
    static final int REGISTERS = 80;

    private static final int REGISTER_BYTES = 10;

    private static final int TAG_VALID = 0;
    private static final int TAG_ZERO = 1;
    private static final int TAG_SPECIAL = 2;
    private static final int TAG_EMPTY = 3;

    private static final int UPPER_ONES = 0xffff0000;
    private static final int OPCODE_MASK = 0x7ff;

    private static final VarHandle LONG = view(long[].class);
    private static final VarHandle INT = view(int[].class);
    private static final VarHandle SHORT = view(short[].class);

    private final X87Registers registers;

    X87Images(X87Registers registers) {
        this.registers = registers;
    }

    private static VarHandle view(Class<?> type) {
        return MethodHandles.byteArrayViewVarHandle(type, ByteOrder.LITTLE_ENDIAN);
    }

    static int getUnsignedShort(byte[] image, int offset) {
        return (short) SHORT.get(image, offset) & 0xffff;
    }

    static void putShort(byte[] image, int offset, int value) {
        SHORT.set(image, offset, (short) value);
    }

    static int getInt(byte[] image, int offset) {
        return (int) INT.get(image, offset);
    }

    static void putInt(byte[] image, int offset, int value) {
        INT.set(image, offset, value);
    }

    static long getLong(byte[] image, int offset) {
        return (long) LONG.get(image, offset);
    }

    static void putLong(byte[] image, int offset, long value) {
        LONG.set(image, offset, value);
    }

    /** Writes control, status, tags and pointers, in 28 or 14 bytes. */
    void putEnvironment(byte[] image, boolean operand16) {
        int lastInstruction = (int) registers.lastInstruction;
        int lastData = (int) registers.lastData;
        if (operand16) {
            putShort(image, 0, registers.control);
            putShort(image, 2, registers.statusWord());
            putShort(image, 4, tagWord());
            putShort(image, 6, lastInstruction);
            putShort(image, 8, 0);
            putShort(image, 10, lastData);
            putShort(image, 12, 0);
        } else {
            putInt(image, 0, UPPER_ONES | registers.control);
            putInt(image, 4, UPPER_ONES | registers.statusWord());
            putInt(image, 8, UPPER_ONES | tagWord());
            putInt(image, 12, lastInstruction);
            putInt(image, 16, registers.lastOpcode << 16);
            putInt(image, 20, lastData);
            putInt(image, 24, UPPER_ONES);
        }
    }

    void getEnvironment(byte[] image, boolean operand16) {
        int step = operand16 ? 2 : 4;
        // The control word first: the summary bit follows from it and the status word.
        registers.control = ControlWord.sanitise(getUnsignedShort(image, 0));
        registers.setStatusWord(getUnsignedShort(image, step));
        setTagWord(getUnsignedShort(image, 2 * step));
        if (operand16) {
            registers.lastInstruction = getUnsignedShort(image, 6);
            registers.lastOpcode = 0;
            registers.lastData = getUnsignedShort(image, 10);
        } else {
            registers.lastInstruction = Integer.toUnsignedLong(getInt(image, 12));
            registers.lastOpcode = getUnsignedShort(image, 18) & OPCODE_MASK;
            registers.lastData = Integer.toUnsignedLong(getInt(image, 20));
        }
    }

    void putState(byte[] image, boolean operand16) {
        putEnvironment(image, operand16);
        int base = operand16 ? ENVIRONMENT_16 : ENVIRONMENT_32;
        for (int i = 0; i < X87Registers.COUNT; i++) {
            putLong(image, base + i * REGISTER_BYTES, registers.sig(i));
            putShort(image, base + i * REGISTER_BYTES + Long.BYTES, registers.se(i));
        }
    }

    void getState(byte[] image, boolean operand16) {
        getEnvironment(image, operand16);
        getRegisters(image, operand16 ? ENVIRONMENT_16 : ENVIRONMENT_32, REGISTER_BYTES);
    }

    private void getRegisters(byte[] image, int base, int stride) {
        int empty = registers.empty;
        for (int i = 0; i < X87Registers.COUNT; i++) {
            int offset = base + i * stride;
            registers.set(i, getUnsignedShort(image, offset + Long.BYTES), getLong(image, offset));
        }
        registers.empty = empty;
    }

    /**
     * The tag word as FNSTENV shows it: recomputed from the contents, two bits per physical
     * register.
     */
    private int tagWord() {
        int word = 0;
        for (int r = 0; r < X87Registers.COUNT; r++) {
            word |= tag(r) << 2 * r;
        }
        return word;
    }

    private int tag(int r) {
        int se = registers.se[r];
        long sig = registers.sig[r];
        if ((registers.empty >>> r & 1) != 0) {
            return TAG_EMPTY;
        }
        if (Float80.isZero(se, sig)) {
            return TAG_ZERO;
        }
        boolean special = sig >= 0 || Float80.exponent(se) == 0;
        return special || Float80.exponent(se) == Float80.EXPONENT ? TAG_SPECIAL : TAG_VALID;
    }

    /** Only empty or not is kept; the other tags follow from the contents. */
    private void setTagWord(int word) {
        registers.empty = 0;
        for (int r = 0; r < X87Registers.COUNT; r++) {
            if ((word >>> 2 * r & TAG_EMPTY) == TAG_EMPTY) {
                registers.empty |= 1 << r;
            }
        }
    }

    void putFxsave(byte[] area, boolean rexW) {
        putShort(area, FxsaveArea.CONTROL, registers.control);
        putShort(area, FxsaveArea.STATUS, registers.statusWord());
        putShort(area, FxsaveArea.TAGS, ~registers.empty & X87Registers.ALL_EMPTY);
        putShort(area, FxsaveArea.OPCODE, registers.lastOpcode);
        putPointer(area, FxsaveArea.INSTRUCTION, registers.lastInstruction, rexW);
        putPointer(area, FxsaveArea.DATA, registers.lastData, rexW);
        for (int i = 0; i < X87Registers.COUNT; i++) {
            int offset = FxsaveArea.REGISTERS + i * FxsaveArea.REGISTER_STRIDE;
            putLong(area, offset, registers.sig(i));
            putLong(area, offset + Long.BYTES, registers.se(i));
        }
    }

    void getFxsave(byte[] area, boolean rexW) {
        registers.control = ControlWord.sanitise(getUnsignedShort(area, FxsaveArea.CONTROL));
        registers.setStatusWord(getUnsignedShort(area, FxsaveArea.STATUS));
        registers.empty = ~area[FxsaveArea.TAGS] & X87Registers.ALL_EMPTY;
        registers.lastOpcode = getUnsignedShort(area, FxsaveArea.OPCODE) & OPCODE_MASK;
        registers.lastInstruction = getPointer(area, FxsaveArea.INSTRUCTION, rexW);
        registers.lastData = getPointer(area, FxsaveArea.DATA, rexW);
        getRegisters(area, FxsaveArea.REGISTERS, FxsaveArea.REGISTER_STRIDE);
    }

    /** Without REX.W the upper half holds a selector, which is zero in 64-bit mode. */
    private static void putPointer(byte[] area, int offset, long pointer, boolean rexW) {
        putLong(area, offset, rexW ? pointer : pointer & 0xffff_ffffL);
    }

    private static long getPointer(byte[] area, int offset, boolean rexW) {
        long pointer = getLong(area, offset);
        return rexW ? pointer : pointer & 0xffff_ffffL;
    }
}

package org.xenolith.cpu.translate;

import static org.xenolith.cpu.translate.Locals.FLAG_A;
import static org.xenolith.cpu.translate.Locals.FLAG_B;
import static org.xenolith.cpu.translate.Locals.HIGH_TEMP;
import static org.xenolith.cpu.translate.Locals.HOST;
import static org.xenolith.cpu.translate.Locals.INT_A;
import static org.xenolith.cpu.translate.Locals.INT_B;
import static org.xenolith.cpu.translate.Locals.LONG_TEMP;
import static org.xenolith.cpu.translate.Locals.LOW_TEMP;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.semantics.Flags;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.constant.MethodTypeDesc;

/**
 * XCHG with memory, XADD, CMPXCHG and CMPXCHG16B. Without a LOCK prefix the last three are atomic
 * for the vCPU's own interrupts only: a load and a store, as a kernel on one processor and its
 * per-CPU counters want it. XCHG with memory locks always.
 */
final class Exchanges {
    private Exchanges() {}

    static void xchg(UnitCode unit, GuestInstruction i) {
        int bits = Arithmetic.bits(i);
        Locked.updatable(unit, i, bits);
        unit.out.lload(HOST);
        Arithmetic.pushOperand(unit, i, 1, bits);
        Locked.call(unit, "exchange", bits);
        Arithmetic.popOperand(unit, i, 1, bits);
    }

    /** The register is written first: it may be the destination, too. */
    static void xadd(UnitCode unit, GuestInstruction i) {
        int bits = Arithmetic.bits(i);
        locate(unit, i, bits);
        Arithmetic.pushOperand(unit, i, 1, bits);
        Arithmetic.store(unit, bits, FLAG_B, INT_B);
        if (i.in.lock) {
            unit.out.lload(HOST);
            Arithmetic.load(unit, bits, FLAG_B, INT_B);
            Locked.call(unit, "add", bits);
        } else {
            fetch(unit, i, bits);
        }
        Arithmetic.store(unit, bits, FLAG_A, INT_A);
        Locked.result(unit, "add", bits);
        Arithmetic.load(unit, bits, FLAG_A, INT_A);
        Arithmetic.popOperand(unit, i, 1, bits);
        if (!i.in.lock) {
            Arithmetic.writeBack(unit, i, bits);
        }
        unit.flags.set(i, Flags.ADD, bits);
    }

    private static void locate(UnitCode unit, GuestInstruction i, int bits) {
        if (i.in.lock) {
            Locked.updatable(unit, i, bits);
        } else if (i.in.memory) {
            unit.memory.writable(i, bits);
        }
    }

    private static void fetch(UnitCode unit, GuestInstruction i, int bits) {
        if (i.in.memory) {
            unit.memory.getHost(bits);
        } else {
            Arithmetic.pushOperand(unit, i, 0, bits);
        }
    }

    /**
     * Memory must be writable also when unequal; then the accumulator is loaded, which zero-extends
     * in the 32-bit form.
     */
    static void cmpxchg(UnitCode unit, GuestInstruction i) {
        CodeBuilder out = unit.out;
        int bits = Arithmetic.bits(i);
        locate(unit, i, bits);
        unit.push(Cpu.RAX, bits, 0);
        Arithmetic.store(unit, bits, FLAG_A, INT_A);
        if (i.in.lock) {
            out.lload(HOST);
            Arithmetic.load(unit, bits, FLAG_A, INT_A);
            Arithmetic.pushOperand(unit, i, 1, bits);
            Locked.callCompareExchange(unit, bits);
        } else {
            fetch(unit, i, bits);
        }
        Arithmetic.store(unit, bits, FLAG_B, INT_B);
        Label equal = out.newLabel();
        Label done = out.newLabel();
        jumpIfEqual(unit, bits, equal);
        Arithmetic.load(unit, bits, FLAG_B, INT_B);
        unit.pop(Cpu.RAX, bits, 0);
        out.goto_(done).labelBinding(equal);
        if (!i.in.lock) {
            storeSource(unit, i, bits);
        }
        out.labelBinding(done);
        Locked.result(unit, "sub", bits);
        unit.flags.set(i, Flags.SUB, bits);
    }

    private static void jumpIfEqual(UnitCode unit, int bits, Label equal) {
        if (bits == 64) {
            unit.out.lload(FLAG_A).lload(FLAG_B).lcmp().ifeq(equal);
        } else {
            unit.out.iload(INT_A).iload(INT_B).if_icmpeq(equal);
        }
    }

    private static void storeSource(UnitCode unit, GuestInstruction i, int bits) {
        if (i.in.memory) {
            unit.memory.pushPut(bits);
            Arithmetic.pushOperand(unit, i, 1, bits);
            unit.memory.put(bits);
        } else {
            Arithmetic.pushOperand(unit, i, 1, bits);
            Arithmetic.popOperand(unit, i, 0, bits);
        }
    }

    /**
     * CMPXCHG16B without LOCK. An operand that is not a multiple of 16 misses, and the interpreter
     * faults.
     */
    static void cmpxchg16b(UnitCode unit, GuestInstruction i) {
        CodeBuilder out = unit.out;
        Locked.updatable(unit, i, 128);
        unit.memory.getHost(64);
        out.lstore(LOW_TEMP);
        unit.memory.pushGet(64);
        addHalf(unit);
        unit.memory.get(64);
        out.lstore(HIGH_TEMP);
        out.lload(LOW_TEMP);
        unit.pushLong(Cpu.RAX);
        out.lxor().lload(HIGH_TEMP);
        unit.pushLong(Cpu.RDX);
        out.lxor().lor().lstore(LONG_TEMP);
        if (i.flagsLive) {
            unit.flags.pushAll();
            out.lload(LONG_TEMP);
            out.invokestatic(
                    UnitCode.desc(Parts.class), "withZero", MethodTypeDesc.ofDescriptor("(IJ)I"));
            unit.flags.setExplicit();
        }
        exchangeHalves(unit);
    }

    /** From the lower quadword's address to the upper one's. */
    private static void addHalf(UnitCode unit) {
        unit.out.loadConstant(8L).ladd();
    }

    /** LONG_TEMP is 0 if what is in memory was expected. */
    private static void exchangeHalves(UnitCode unit) {
        CodeBuilder out = unit.out;
        Label equal = out.newLabel();
        Label done = out.newLabel();
        out.lload(LONG_TEMP).lconst_0().lcmp().ifeq(equal);
        out.lload(LOW_TEMP);
        unit.popLong(Cpu.RAX);
        out.lload(HIGH_TEMP);
        unit.popLong(Cpu.RDX);
        out.goto_(done).labelBinding(equal);
        unit.memory.pushPut(64);
        unit.pushLong(Cpu.RBX);
        unit.memory.put(64);
        unit.memory.pushPut(64);
        addHalf(unit);
        unit.pushLong(Cpu.RCX);
        unit.memory.put(64);
        out.labelBinding(done);
    }
}

package org.xenolith.cpu.translate;

import static org.xenolith.cpu.translate.Locals.HOST;
import static org.xenolith.cpu.translate.Locals.LONG_TEMP;
import static org.xenolith.cpu.translate.Locals.RIP;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.decode.Operand;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.constant.MethodTypeDesc;

/** 64-bit pushes and pops, and jumps to computed addresses. */
final class Stack {
    static final long SLOT = 8;

    private Stack() {}

    static void push(UnitCode unit, GuestInstruction i) {
        CodeBuilder out = unit.out;
        if (i.in.memory) {
            unit.memory.load(i, 64);
            out.lstore(LONG_TEMP);
        }
        below(unit);
        unit.memory.pushPut(64);
        if (i.in.memory) {
            out.lload(LONG_TEMP);
        } else if (i.b.operand(0) == Operand.IZ || i.b.operand(0) == Operand.IBS) {
            out.loadConstant(i.in.immediate);
        } else {
            unit.pushLong(i.in.rm);
        }
        unit.memory.put(64);
        move(unit, -SLOT);
    }

    /** Finds out where the slot below RSP is in host memory. */
    static void below(UnitCode unit) {
        unit.memory.pushWritable(64);
        unit.pushLong(Cpu.RSP);
        unit.out.loadConstant(SLOT).lsub();
        unit.memory.writableThere(64);
        unit.out.lstore(HOST);
    }

    static void move(UnitCode unit, long bytes) {
        unit.pushLong(Cpu.RSP);
        unit.out.loadConstant(bytes).ladd();
        unit.popLong(Cpu.RSP);
    }

    /** Loads the slot at an address in a register to LONG_TEMP. */
    static void loadSlot(UnitCode unit, int register) {
        unit.memory.pushLoad(64);
        unit.pushLong(register);
        unit.memory.loadThere(64);
        unit.out.lstore(LONG_TEMP);
    }

    static void pop(UnitCode unit, GuestInstruction i) {
        loadSlot(unit, Cpu.RSP);
        move(unit, SLOT);
        unit.out.lload(LONG_TEMP);
        unit.popLong(i.in.rm);
    }

    static void leave(UnitCode unit, GuestInstruction i) {
        loadSlot(unit, Cpu.RBP);
        unit.pushLong(Cpu.RBP);
        unit.out.loadConstant(SLOT).ladd();
        unit.popLong(Cpu.RSP);
        unit.out.lload(LONG_TEMP);
        unit.popLong(Cpu.RBP);
    }

    // ---- control

    /** Pushes the return address; a target that is computed goes to RIP. */
    static void call(UnitCode unit, GuestInstruction i) {
        if (!i.isDirect()) {
            loadTarget(unit, i);
            requireCanonical(unit);
        }
        below(unit);
        unit.memory.pushPut(64);
        unit.exits.pushCodeAddress(i.end);
        unit.memory.put(64);
        move(unit, -SLOT);
    }

    /**
     * JMP through register or memory: what follows goes where RIP says, and sees to it that a
     * target in another page is canonical.
     */
    static void jump(UnitCode unit, GuestInstruction i) {
        loadTarget(unit, i);
    }

    /** What follows goes where RIP says. */
    static void ret(UnitCode unit, GuestInstruction i) {
        loadSlot(unit, Cpu.RSP);
        unit.out.lload(LONG_TEMP).lstore(RIP);
        requireCanonical(unit);
        move(unit, SLOT + (i.in.immediate & 0xffff));
    }

    private static void loadTarget(UnitCode unit, GuestInstruction i) {
        if (i.in.memory) {
            unit.memory.load(i, 64);
        } else {
            unit.pushLong(i.in.rm);
        }
        unit.out.lstore(RIP);
    }

    /** Leaves to the interpreter, which faults, unless RIP may be set to what is in RIP. */
    static void requireCanonical(UnitCode unit) {
        CodeBuilder out = unit.out;
        Label fine = out.newLabel();
        out.lload(RIP);
        out.invokestatic(
                UnitCode.desc(Parts.class), "isCanonical", MethodTypeDesc.ofDescriptor("(J)Z"));
        out.ifne(fine);
        unit.exits.leaveSpecial();
        out.labelBinding(fine);
    }
}

package org.xenolith.cpu.translate;

import static org.xenolith.cpu.translate.Locals.CPU;
import static org.xenolith.cpu.translate.Locals.LONG_TEMP;
import static org.xenolith.cpu.translate.UnitCode.CPU_CLASS;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.interp.Binding;
import org.xenolith.cpu.semantics.Flags;
import org.xenolith.cpu.translate.Translations.Condition;
import org.xenolith.cpu.translate.Translations.Emitter;
import org.xenolith.cpu.translate.Translations.Entry;
import org.xenolith.cpu.translate.Translations.FlagUse;
import org.xenolith.cpu.translate.Translations.Flow;
import org.xenolith.cpu.translate.Translations.Memory;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.util.HashMap;
import java.util.Map;

/** Instructions whose operand is RFLAGS. */
final class StatusFlags {
    private static final ClassDesc PARTS = UnitCode.desc(Parts.class);
    private static final int AH_SHIFT = 8;

    private StatusFlags() {}

    private static Entry entry(FlagUse flags, Memory memory, Emitter emitter) {
        return entry(flags, memory, Translations::any, emitter);
    }

    private static Entry entry(FlagUse flags, Memory memory, Condition condition, Emitter emitter) {
        return new Entry(Flow.STRAIGHT, flags, FlagEmitter.UNKNOWN, memory, condition, emitter);
    }

    private static boolean isWide(Binding b) {
        return b.bits() == 64;
    }

    static Map<String, Entry> entries() {
        Map<String, Entry> entries = new HashMap<>();
        entries.put(
                "pushf",
                entry(FlagUse.NONE, Memory.ALWAYS, StatusFlags::isWide, StatusFlags::pushf));
        entries.put(
                "popf",
                entry(FlagUse.OVERWRITES, Memory.ALWAYS, StatusFlags::isWide, StatusFlags::popf));
        entries.put("lahf", entry(FlagUse.READS_ALL, Memory.NEVER, StatusFlags::lahf));
        entries.put("sahf", entry(FlagUse.CHANGES, Memory.NEVER, StatusFlags::sahf));
        entries.put("clc", entry(FlagUse.CHANGES, Memory.NEVER, StatusFlags::carry));
        entries.put("stc", entry(FlagUse.CHANGES, Memory.NEVER, StatusFlags::carry));
        entries.put("cmc", entry(FlagUse.CHANGES, Memory.NEVER, StatusFlags::carry));
        entries.put("cld", entry(FlagUse.NONE, Memory.NEVER, StatusFlags::direction));
        entries.put("std", entry(FlagUse.NONE, Memory.NEVER, StatusFlags::direction));
        return entries;
    }

    // ---- the stack

    private static void pushSystemFlags(UnitCode unit) {
        unit.out.aload(CPU).getfield(CPU_CLASS, "systemFlags", ConstantDescs.CD_int);
    }

    private static void pushf(UnitCode unit, GuestInstruction i) {
        Stack.below(unit);
        unit.memory.pushPut(64);
        unit.flags.pushAll();
        pushSystemFlags(unit);
        unit.out.invokestatic(PARTS, "pushedFlags", MethodTypeDesc.ofDescriptor("(II)J"));
        unit.memory.put(64);
        Stack.move(unit, -Stack.SLOT);
    }

    /** Leaves to the interpreter if others than the arithmetic flags change. */
    private static void popf(UnitCode unit, GuestInstruction i) {
        CodeBuilder out = unit.out;
        Stack.loadSlot(unit, Cpu.RSP);
        out.lload(LONG_TEMP);
        pushSystemFlags(unit);
        out.invokestatic(PARTS, "keepsSystemFlags", MethodTypeDesc.ofDescriptor("(JI)Z"));
        Label fine = out.newLabel();
        out.ifne(fine);
        unit.exits.leaveSpecial();
        out.labelBinding(fine);
        Stack.move(unit, Stack.SLOT);
        out.lload(LONG_TEMP).l2i().loadConstant(Flags.ARITHMETIC).iand();
        unit.flags.setExplicit();
    }

    // ---- registers

    private static void lahf(UnitCode unit, GuestInstruction i) {
        unit.flags.pushAll();
        unit.out.invokestatic(PARTS, "intoAh", MethodTypeDesc.ofDescriptor("(I)I"));
        unit.pop(Cpu.RAX, 8, AH_SHIFT);
    }

    private static void sahf(UnitCode unit, GuestInstruction i) {
        if (!i.flagsLive) {
            return;
        }
        unit.flags.pushAll();
        unit.pushLong(Cpu.RAX);
        unit.out.invokestatic(PARTS, "fromAh", MethodTypeDesc.ofDescriptor("(IJ)I"));
        unit.flags.setExplicit();
    }

    /** CLC, STC, CMC. */
    private static void carry(UnitCode unit, GuestInstruction i) {
        if (!i.flagsLive) {
            return;
        }
        switch (i.mnemonic()) {
            case "clc" -> unit.out.iconst_0();
            case "stc" -> unit.out.iconst_1();
            default -> {
                unit.flags.pushCarry();
                unit.out.iconst_1().ixor();
            }
        }
        unit.flags.replaceCarry();
    }

    /** CLD and STD, which a vCPU keeps in two places. */
    private static void direction(UnitCode unit, GuestInstruction i) {
        CodeBuilder out = unit.out;
        boolean down = i.mnemonic().equals("std");
        out.aload(CPU).loadConstant(down ? -1 : 1);
        out.putfield(CPU_CLASS, "stringStep", ConstantDescs.CD_int);
        out.aload(CPU);
        pushSystemFlags(unit);
        if (down) {
            out.loadConstant(Flags.DF).ior();
        } else {
            out.loadConstant(~Flags.DF).iand();
        }
        out.putfield(CPU_CLASS, "systemFlags", ConstantDescs.CD_int);
    }
}

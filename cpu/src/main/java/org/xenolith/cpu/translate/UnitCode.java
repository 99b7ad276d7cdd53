package org.xenolith.cpu.translate;

import static org.xenolith.cpu.translate.Locals.ASID;
import static org.xenolith.cpu.translate.Locals.BASE;
import static org.xenolith.cpu.translate.Locals.BUDGET;
import static org.xenolith.cpu.translate.Locals.CPU;
import static org.xenolith.cpu.translate.Locals.FIRST_REGISTER;
import static org.xenolith.cpu.translate.Locals.REASON;
import static org.xenolith.cpu.translate.Locals.REGISTERS;
import static org.xenolith.cpu.translate.Locals.REGISTER_COUNT;
import static org.xenolith.cpu.translate.Locals.RIP;
import static org.xenolith.cpu.translate.Locals.SITE;
import static org.xenolith.cpu.translate.Locals.START;
import static org.xenolith.cpu.translate.Locals.TLB;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.interp.Block;
import org.xenolith.cpu.mmu.SlotAccess;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;

/**
 * The method of a unit while it is written: its general registers, the starts of its blocks, its
 * prologue and epilogue, and what writes the rest. On the operand stack 64-bit values are longs,
 * narrower ones sign-extended ints.
 */
final class UnitCode {
    private static final long LOW_32 = 0xffff_ffffL;

    static final ClassDesc CPU_CLASS = desc(Cpu.class);
    static final ClassDesc LONG_ARRAY = ConstantDescs.CD_long.arrayType();
    private static final ClassDesc PARTS = desc(Parts.class);
    private static final ClassDesc MMU = desc(org.xenolith.cpu.mmu.Mmu.class);

    private static final MethodTypeDesc REQUIRE =
            MethodTypeDesc.of(ConstantDescs.CD_void, ConstantDescs.CD_long, ConstantDescs.CD_long);
    private static final MethodTypeDesc ASID_OF =
            MethodTypeDesc.of(ConstantDescs.CD_long, ConstantDescs.CD_long);
    private static final MethodTypeDesc MERGE =
            MethodTypeDesc.of(ConstantDescs.CD_long, ConstantDescs.CD_int, ConstantDescs.CD_long);

    final CodeBuilder out;

    final Exits exits;
    final FlagEmitter flags;
    final MemoryAccesses memory;
    final SimdState simd;
    final VectorRegisters xmm;

    /** Which general registers are in local variables, and which of them change: a bit each. */
    private int used;

    private int changed;

    /**
     * @param doubles halves of vector registers that are better kept as doubles, a bit each
     * @param slotAccessors the class whose fields lead to {@link SlotAccess}
     */
    UnitCode(CodeBuilder out, int doubles, ClassDesc slotAccessors) {
        this.out = out;
        exits = new Exits(out);
        flags = new FlagEmitter(this);
        memory = new MemoryAccesses(this, slotAccessors);
        simd = new SimdState(out, exits);
        xmm = new VectorRegisters(out, doubles);
    }

    static ClassDesc desc(Class<?> type) {
        return type.describeConstable().orElseThrow();
    }

    // ---- general registers

    private int slot(int register) {
        used |= 1 << register;
        return FIRST_REGISTER + 2 * register;
    }

    private int slotToWrite(int register) {
        changed |= 1 << register;
        return slot(register);
    }

    /** Pushes all 64 bits. */
    void pushLong(int register) {
        out.lload(slot(register));
    }

    /** Pops all 64 bits. */
    void popLong(int register) {
        out.lstore(slotToWrite(register));
    }

    /** Pushes the {@code bits} bits of a register that start at {@code shift}. */
    void push(int register, int bits, int shift) {
        pushLong(register);
        switch (bits) {
            case 64 -> {}
            case 32 -> out.l2i();
            case 16 -> out.l2i().i2s();
            default -> {
                if (shift != 0) {
                    out.bipush(shift).lushr();
                }
                out.l2i().i2b();
            }
        }
    }

    /** Pops into a part of a register: 32 bits clear the upper half, fewer keep the rest. */
    void pop(int register, int bits, int shift) {
        switch (bits) {
            case 64 -> {}
            case 32 -> zeroExtendInt();
            case 16 -> merge("merge16", register);
            default -> merge(shift == 0 ? "merge8" : "mergeHigh8", register);
        }
        popLong(register);
    }

    private void merge(String method, int register) {
        pushLong(register);
        out.invokestatic(PARTS, method, MERGE);
    }

    /** Turns the int on the stack into a long with a clear upper half. */
    void zeroExtendInt() {
        out.i2l().loadConstant(LOW_32).land();
    }

    // ---- blocks

    /**
     * What the block before has tested holds no more.
     *
     * @param known of the halves that are doubles
     * @param slots whether its memory operands use slots
     */
    void startBlock(Magnitude[] known, boolean slots) {
        memory.startBlock(slots);
        simd.startBlock();
        xmm.startBlock(known);
    }

    /**
     * Writes tests in front of a loop, which leave in front of it; behind them what they show holds
     * each time at the loop's head.
     *
     * @param head where it is, in bytes from the page's start
     */
    void enterLoop(int head, DoubleFacts loop) {
        boolean marked = false;
        for (int half = 0; half < VectorRegisters.HALVES; half++) {
            if (loop.changes(half)) {
                xmm.forget(half);
            } else if (loop.tested()[half] != null) {
                if (!marked) {
                    marked = true;
                    exits.markBlock(head);
                }
                DoubleLane.require(this, half, loop.tested()[half]);
            }
        }
    }

    /**
     * Leaves in front of a block if the budget does not allow {@code need} instructions, or {@link
     * Cpu#needed}.
     */
    void checkBudget(RegionBlock block) {
        exits.markBlock(block.start);
        out.getstatic(MemoryAccesses.ACCESSORS, "REQUIRE_BUDGET", ConstantDescs.CD_MethodHandle);
        out.lload(BUDGET);
        if (block.need > Block.MAX_INSTRUCTIONS) {
            out.loadConstant((long) (block.need - Block.MAX_INSTRUCTIONS)).lsub();
        }
        out.aload(CPU).getfield(CPU_CLASS, "needed", ConstantDescs.CD_long);
        out.invokevirtual(ConstantDescs.CD_MethodHandle, "invokeExact", REQUIRE);
    }

    void charge(int instructions) {
        out.lload(BUDGET).loadConstant((long) instructions).lsub().lstore(BUDGET);
    }

    // ---- frame

    /** Loads what is used; written last, when that is known. */
    void prologue() {
        out.aload(CPU).getfield(CPU_CLASS, "r", LONG_ARRAY).astore(REGISTERS);
        out.aload(CPU).invokevirtual(CPU_CLASS, "mmu", MethodTypeDesc.of(MMU));
        out.dup().invokevirtual(MMU, "tlb", MethodTypeDesc.of(LONG_ARRAY)).astore(TLB);
        loadRegister(Cpu.CODE_BASE, BASE);
        out.lload(BASE);
        // Memory in the other half of the address space is left to the interpreter.
        out.invokevirtual(MMU, "asid", ASID_OF).lstore(ASID);
        out.aload(CPU).getfield(CPU_CLASS, "budget", ConstantDescs.CD_long).lstore(BUDGET);
        out.iconst_0().istore(SITE);
        for (int i = 0; i < REGISTER_COUNT; i++) {
            if ((used & 1 << i) != 0) {
                loadRegister(i, FIRST_REGISTER + 2 * i);
            }
        }
        flags.load();
        simd.load();
        xmm.load();
        simd.leaveUnlessQuick();
    }

    /** Behind the prologue: leaves at once, if that is all that is asked for. */
    void rehearse() {
        Label runs = out.newLabel();
        out.iload(START).ifge(runs);
        out.lload(BASE).lstore(RIP);
        exits.leaveOn();
        out.labelBinding(runs);
    }

    private void loadRegister(int register, int local) {
        out.aload(REGISTERS).loadConstant(register).laload().lstore(local);
    }

    /** The one way out. */
    void epilogue() {
        exits.join();
        for (int i = 0; i <= Cpu.R15; i++) {
            if ((changed & 1 << i) != 0) {
                out.aload(REGISTERS).loadConstant(i).lload(FIRST_REGISTER + 2 * i).lastore();
            }
        }
        xmm.store();
        flags.store();
        storeLong("rip", RIP);
        storeLong("budget", BUDGET);
        out.iload(REASON).ireturn();
    }

    /** Stores a local variable to an int of the vCPU. */
    void storeInt(String field, int local) {
        out.aload(CPU).iload(local).putfield(CPU_CLASS, field, ConstantDescs.CD_int);
    }

    /** Stores a local variable to a long of the vCPU. */
    void storeLong(String field, int local) {
        out.aload(CPU).lload(local).putfield(CPU_CLASS, field, ConstantDescs.CD_long);
    }
}

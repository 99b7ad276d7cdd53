package org.xenolith.cpu.translate;

import static org.xenolith.cpu.translate.Locals.ASID;
import static org.xenolith.cpu.translate.Locals.BASE;
import static org.xenolith.cpu.translate.Locals.BUDGET;
import static org.xenolith.cpu.translate.Locals.CPU;
import static org.xenolith.cpu.translate.Locals.FIRST_REGISTER;
import static org.xenolith.cpu.translate.Locals.FIRST_XMM;
import static org.xenolith.cpu.translate.Locals.FLAG_A;
import static org.xenolith.cpu.translate.Locals.FLAG_B;
import static org.xenolith.cpu.translate.Locals.FLAG_READY;
import static org.xenolith.cpu.translate.Locals.FLAG_RESULT;
import static org.xenolith.cpu.translate.Locals.FLAG_RULE;
import static org.xenolith.cpu.translate.Locals.MXCSR;
import static org.xenolith.cpu.translate.Locals.QUICK;
import static org.xenolith.cpu.translate.Locals.REASON;
import static org.xenolith.cpu.translate.Locals.REGISTERS;
import static org.xenolith.cpu.translate.Locals.RIP;
import static org.xenolith.cpu.translate.Locals.SITE;
import static org.xenolith.cpu.translate.Locals.START;
import static org.xenolith.cpu.translate.Locals.TASK_SWITCHED;
import static org.xenolith.cpu.translate.Locals.TLB;
import static org.xenolith.cpu.translate.Locals.XMM_ARRAY;

import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.interp.Block;
import org.xenolith.cpu.mmu.SlotAccess;
import org.xenolith.cpu.semantics.simd.Mxcsr;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;

/**
 * The method of a unit while it is written: its local variables, guest registers and memory
 * accesses. On the operand stack 64-bit values are longs, narrower ones sign-extended ints.
 */
final class UnitCode {
    private static final int HALVES = 32;
    static final Magnitude[] NOTHING_KNOWN = new Magnitude[HALVES];

    private static final long LOW_32 = 0xffff_ffffL;

    static final ClassDesc CPU_CLASS = desc(Cpu.class);
    static final ClassDesc LONG_ARRAY = ConstantDescs.CD_long.arrayType();
    private static final ClassDesc PARTS = desc(Parts.class);
    private static final ClassDesc MMU = desc(org.xenolith.cpu.mmu.Mmu.class);

    private static final MethodTypeDesc TO_DOUBLE = MethodTypeDesc.ofDescriptor("(J)D");
    private static final MethodTypeDesc TO_BITS = MethodTypeDesc.ofDescriptor("(D)J");
    private static final MethodTypeDesc REQUIRE =
            MethodTypeDesc.of(ConstantDescs.CD_void, ConstantDescs.CD_long, ConstantDescs.CD_long);
    private static final MethodTypeDesc ASID_OF =
            MethodTypeDesc.of(ConstantDescs.CD_long, ConstantDescs.CD_long);
    private static final MethodTypeDesc MERGE =
            MethodTypeDesc.of(ConstantDescs.CD_long, ConstantDescs.CD_int, ConstantDescs.CD_long);

    final CodeBuilder out;

    /** Which registers are in local variables, and which of them change: a bit each. */
    private int used;

    private int changed;
    private int usedXmm;
    private int changedXmm;
    private boolean usesFlags;
    private boolean usesFpu;
    private boolean usesMxcsr;

    /** Halves of vector registers that are doubles in this unit, the others being longs. */
    private final int doubles;

    /** What is known of them where the unit is just written; null for nothing. */
    private Magnitude[] magnitudes = NOTHING_KNOWN;

    /** What the running block has written and tested of them. */
    private int changedHere;

    private Magnitude[] testedHere = new Magnitude[HALVES];

    /** The running block has tested CR0.TS. */
    private boolean fpuRequired;

    private boolean quickRequired;

    final Exits exits;
    final FlagEmitter flags;
    final MemoryAccesses memory;

    /**
     * @param doubles halves of vector registers that are better kept as doubles, a bit each
     * @param slotAccessors the class whose fields lead to {@link SlotAccess}
     */
    UnitCode(CodeBuilder out, int doubles, ClassDesc slotAccessors) {
        this.out = out;
        this.doubles = doubles;
        exits = new Exits(out);
        flags = new FlagEmitter(this);
        memory = new MemoryAccesses(this, slotAccessors);
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

    // ---- vector registers

    private int slotOfXmm(int half) {
        usedXmm |= 1 << half;
        return FIRST_XMM + 2 * half;
    }

    private boolean isDouble(int half) {
        return (doubles & 1 << half) != 0;
    }

    /**
     * Pushes a half as bits.
     *
     * @param half twice the register's number, 1 more for the upper quadword
     */
    void pushXmm(int half) {
        if (isDouble(half)) {
            pushDouble(half);
            toBits();
        } else {
            out.lload(slotOfXmm(half));
        }
    }

    void popXmm(int half) {
        if (isDouble(half)) {
            toDouble();
            popDouble(half, null);
        } else {
            markChanged(half);
            out.lstore(slotOfXmm(half));
        }
    }

    /** Copies a half, in whatever form the two are. */
    void copyXmm(int from, int to) {
        if (isDouble(from) && isDouble(to)) {
            pushDouble(from);
            popDouble(to, magnitudes[from]);
        } else {
            pushXmm(from);
            popXmm(to);
        }
    }

    /** Sets a half to 0. */
    void clearXmm(int half) {
        if (isDouble(half)) {
            out.dconst_0();
            popDouble(half, Magnitude.ZERO);
        } else {
            out.lconst_0();
            popXmm(half);
        }
    }

    /** Pushes a half that is a double. */
    void pushDouble(int half) {
        out.dload(slotOfXmm(half));
    }

    /** Pops into a half that is a double, and notes what is known of it. */
    void popDouble(int half, Magnitude magnitude) {
        markChanged(half);
        out.dstore(slotOfXmm(half));
        magnitudes[half] = magnitude;
    }

    private void markChanged(int half) {
        changedXmm |= 1 << half;
        changedHere |= 1 << half;
    }

    Magnitude magnitude(int half) {
        return magnitudes[half];
    }

    /** A test has shown this of a half that is a double, or the unit was left. */
    void setTested(int half, Magnitude shown) {
        magnitudes[half] = shown;
        testedHere[half] = Magnitude.stricter(testedHere[half], shown);
    }

    /** What the block did so far. */
    DoubleFacts facts() {
        return new DoubleFacts(changedHere, testedHere);
    }

    /**
     * Writes tests in front of a loop, which leave in front of it; behind them what they show holds
     * each time at the loop's head.
     *
     * @param head where it is, in bytes from the page's start
     */
    void enterLoop(int head, DoubleFacts loop) {
        boolean marked = false;
        for (int half = 0; half < HALVES; half++) {
            if (loop.changes(half)) {
                magnitudes[half] = null;
            } else if (loop.tested()[half] != null) {
                if (!marked) {
                    marked = true;
                    exits.markBlock(head);
                }
                QuickDoubles.require(this, half, loop.tested()[half]);
            }
        }
    }

    /** What is known of the halves, to be merged where ways meet. */
    Magnitude[] magnitudes() {
        return magnitudes.clone();
    }

    /** Turns the long on the stack into a double, bit by bit. */
    void toDouble() {
        out.invokestatic(ConstantDescs.CD_Double, "longBitsToDouble", TO_DOUBLE);
    }

    private void toBits() {
        out.invokestatic(ConstantDescs.CD_Double, "doubleToRawLongBits", TO_BITS);
    }

    /**
     * Lets the unit be entered only while results are as Java rounds them, and a lost fraction
     * changes nothing. No instruction in a unit changes that.
     */
    void requireQuick() {
        usesMxcsr = true;
        quickRequired = true;
        exits.expectRough();
    }

    /** Leaves when CR0.TS is set, as each vector instruction does. */
    void requireFpu() {
        if (fpuRequired) {
            return;
        }
        fpuRequired = true;
        usesFpu = true;
        Label fine = out.newLabel();
        out.iload(TASK_SWITCHED).ifeq(fine);
        exits.leaveSpecial();
        out.labelBinding(fine);
    }

    /** Pushes the vCPU's MXCSR. */
    void pushMxcsr() {
        usesMxcsr = true;
        out.aload(MXCSR);
    }

    /**
     * Pushes whether {@link Doubles} may be quick: as MXCSR was when the unit was entered, since no
     * instruction in a unit sets it, and the flag of lost precision stays.
     */
    void pushQuick() {
        usesMxcsr = true;
        out.iload(QUICK);
    }

    // ---- flags, for FlagEmitter

    void markFlags() {
        usesFlags = true;
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
        fpuRequired = false;
        magnitudes = known.clone();
        changedHere = 0;
        testedHere = new Magnitude[HALVES];
    }

    /**
     * Leaves in front of a block if the budget does not allow {@code need} instructions, or {@link
     * Cpu#needed}.
     */
    void checkBudget(RegionBlock block) {
        exits.markBlock(block.start);
        out.getstatic(MemoryAccesses.ACCESSORS, "REQUIRE_BUDGET", ConstantDescs.CD_MethodHandle)
                .lload(BUDGET);
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

    /** Loads what {@link #used} says; written last, when that is known. */
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
        for (int i = 0; i < 20; i++) {
            if ((used & 1 << i) != 0) {
                loadRegister(i, FIRST_REGISTER + 2 * i);
            }
        }
        if (usesFlags) {
            loadFlag("flagRule", ConstantDescs.CD_int).istore(FLAG_RULE);
            loadFlag("flagReady", ConstantDescs.CD_int).istore(FLAG_READY);
            loadFlag("flagA", ConstantDescs.CD_long).lstore(FLAG_A);
            loadFlag("flagB", ConstantDescs.CD_long).lstore(FLAG_B);
            loadFlag("flagResult", ConstantDescs.CD_long).lstore(FLAG_RESULT);
        }
        if (usesFpu) {
            loadFlag("taskSwitched", ConstantDescs.CD_boolean).istore(TASK_SWITCHED);
        }
        if (usesMxcsr) {
            ClassDesc mxcsr = desc(Mxcsr.class);
            out.aload(CPU).getfield(CPU_CLASS, "mxcsr", mxcsr).dup().astore(MXCSR);
            String quick = quickRequired ? "isNearestAndInexact" : "isPlainAndInexact";
            out.invokevirtual(mxcsr, quick, MethodTypeDesc.of(ConstantDescs.CD_boolean));
            out.istore(QUICK);
        }
        if (usedXmm != 0) {
            out.aload(CPU).getfield(CPU_CLASS, "xmm", LONG_ARRAY).astore(XMM_ARRAY);
        }
        for (int i = 0; i < 32; i++) {
            if ((usedXmm & 1 << i) != 0) {
                out.aload(XMM_ARRAY).loadConstant(i).laload();
                loadHalf(i);
            }
        }
        if (quickRequired) {
            out.iload(START).istore(SITE).iload(QUICK);
            exits.leaveUnless();
        }
    }

    /** Behind the prologue: leaves at once, if that is all that is asked for. */
    void rehearse() {
        Label runs = out.newLabel();
        out.iload(START).ifge(runs);
        out.lload(BASE).lstore(RIP);
        exits.leaveOn();
        out.labelBinding(runs);
    }

    private void loadHalf(int half) {
        if (isDouble(half)) {
            toDouble();
            out.dstore(FIRST_XMM + 2 * half);
        } else {
            out.lstore(FIRST_XMM + 2 * half);
        }
    }

    private void loadRegister(int register, int local) {
        out.aload(REGISTERS).loadConstant(register).laload().lstore(local);
    }

    private CodeBuilder loadFlag(String field, ClassDesc type) {
        return out.aload(CPU).getfield(CPU_CLASS, field, type);
    }

    /** The one way out. */
    void epilogue() {
        exits.join();
        for (int i = 0; i < 16; i++) {
            if ((changed & 1 << i) != 0) {
                out.aload(REGISTERS).loadConstant(i).lload(FIRST_REGISTER + 2 * i).lastore();
            }
        }
        for (int i = 0; i < 32; i++) {
            if ((changedXmm & 1 << i) != 0) {
                out.aload(XMM_ARRAY).loadConstant(i);
                pushXmm(i);
                out.lastore();
            }
        }
        if (usesFlags) {
            out.aload(CPU).iload(FLAG_RULE);
            out.putfield(CPU_CLASS, "flagRule", ConstantDescs.CD_int);
            out.aload(CPU).iload(FLAG_READY);
            out.putfield(CPU_CLASS, "flagReady", ConstantDescs.CD_int);
            storeLong("flagA", FLAG_A);
            storeLong("flagB", FLAG_B);
            storeLong("flagResult", FLAG_RESULT);
        }
        storeLong("rip", RIP);
        storeLong("budget", BUDGET);
        out.iload(REASON).ireturn();
    }

    private void storeLong(String field, int local) {
        out.aload(CPU).lload(local).putfield(CPU_CLASS, field, ConstantDescs.CD_long);
    }
}

package org.xenolith.cpu.translate;

import static org.xenolith.cpu.translate.Locals.CPU;
import static org.xenolith.cpu.translate.Locals.MXCSR;
import static org.xenolith.cpu.translate.Locals.QUICK;
import static org.xenolith.cpu.translate.Locals.SITE;
import static org.xenolith.cpu.translate.Locals.START;
import static org.xenolith.cpu.translate.Locals.TASK_SWITCHED;

import org.xenolith.cpu.semantics.simd.Mxcsr;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;

/**
 * What the vector instructions of a unit depend on besides their registers: CR0.TS, which has each
 * of them fault, and MXCSR.
 */
final class SimdState {
    private static final ClassDesc MXCSR_CLASS = UnitCode.desc(Mxcsr.class);
    private static final MethodTypeDesc ASK = MethodTypeDesc.of(ConstantDescs.CD_boolean);

    private final CodeBuilder out;
    private final Exits exits;

    private boolean usesFpu;
    private boolean usesMxcsr;
    private boolean quickRequired;

    /** The running block has tested CR0.TS. */
    private boolean fpuRequired;

    SimdState(CodeBuilder out, Exits exits) {
        this.out = out;
        this.exits = exits;
    }

    /** What the block before has tested holds no more. */
    void startBlock() {
        fpuRequired = false;
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

    /**
     * Lets the unit be entered only while results are as Java rounds them, and a lost fraction
     * changes nothing. No instruction in a unit changes that.
     */
    void requireQuick() {
        usesMxcsr = true;
        quickRequired = true;
        exits.expectRough();
    }

    /** Loads what is used; written last, when that is known. */
    void load() {
        if (usesFpu) {
            out.aload(CPU).getfield(UnitCode.CPU_CLASS, "taskSwitched", ConstantDescs.CD_boolean);
            out.istore(TASK_SWITCHED);
        }
        if (usesMxcsr) {
            out.aload(CPU).getfield(UnitCode.CPU_CLASS, "mxcsr", MXCSR_CLASS);
            out.dup().astore(MXCSR);
            String quick = quickRequired ? "isNearestAndInexact" : "isPlainAndInexact";
            out.invokevirtual(MXCSR_CLASS, quick, ASK).istore(QUICK);
        }
    }

    /** At the end of the prologue: leaves if {@link #requireQuick} does not let the unit run. */
    void leaveUnlessQuick() {
        if (quickRequired) {
            out.iload(START).istore(SITE).iload(QUICK);
            exits.leaveUnless();
        }
    }
}

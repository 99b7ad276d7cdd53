package org.xenolith.cpu.translate;

import static org.xenolith.cpu.translate.Locals.CPU;
import static org.xenolith.cpu.translate.Locals.FIRST_XMM;
import static org.xenolith.cpu.translate.Locals.XMM_ARRAY;

import java.lang.classfile.CodeBuilder;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;

/**
 * The vector registers of a unit, in halves: each is a long, or a double where {@link QuickDoubles}
 * calculates with it. A half's number is twice the register's, 1 more for the upper quadword.
 */
final class VectorRegisters {
    static final int HALVES = 32;
    static final Magnitude[] NOTHING_KNOWN = new Magnitude[HALVES];

    private static final MethodTypeDesc TO_DOUBLE = MethodTypeDesc.ofDescriptor("(J)D");
    private static final MethodTypeDesc TO_BITS = MethodTypeDesc.ofDescriptor("(D)J");

    private final CodeBuilder out;

    /** Halves that are doubles in this unit, the others being longs: a bit each. */
    private final int doubles;

    /** Which halves are in local variables, and which of them change: a bit each. */
    private int used;

    private int changed;

    /** What is known of the doubles where the unit is just written; null for nothing. */
    private Magnitude[] magnitudes = NOTHING_KNOWN;

    /** What the running block has written and tested of them. */
    private int changedHere;

    private Magnitude[] testedHere = new Magnitude[HALVES];

    VectorRegisters(CodeBuilder out, int doubles) {
        this.out = out;
        this.doubles = doubles;
    }

    // ---- in either form

    private int slot(int half) {
        used |= 1 << half;
        return FIRST_XMM + 2 * half;
    }

    private boolean isDouble(int half) {
        return (doubles & 1 << half) != 0;
    }

    /** Pushes a half as bits. */
    void push(int half) {
        if (isDouble(half)) {
            pushDouble(half);
            toBits();
        } else {
            out.lload(slot(half));
        }
    }

    void pop(int half) {
        if (isDouble(half)) {
            toDouble();
            popDouble(half, null);
        } else {
            markChanged(half);
            out.lstore(slot(half));
        }
    }

    /** Copies a half, in whatever form the two are. */
    void copy(int from, int to) {
        if (isDouble(from) && isDouble(to)) {
            pushDouble(from);
            popDouble(to, magnitudes[from]);
        } else {
            push(from);
            pop(to);
        }
    }

    /** Sets a half to 0. */
    void clear(int half) {
        if (isDouble(half)) {
            out.dconst_0();
            popDouble(half, Magnitude.ZERO);
        } else {
            out.lconst_0();
            pop(half);
        }
    }

    private void markChanged(int half) {
        changed |= 1 << half;
        changedHere |= 1 << half;
    }

    // ---- doubles

    /** Pushes a half that is a double. */
    void pushDouble(int half) {
        out.dload(slot(half));
    }

    /** Pops into a half that is a double, and notes what is known of it. */
    void popDouble(int half, Magnitude magnitude) {
        markChanged(half);
        out.dstore(slot(half));
        magnitudes[half] = magnitude;
    }

    /** Turns the long on the stack into a double, bit by bit. */
    void toDouble() {
        out.invokestatic(ConstantDescs.CD_Double, "longBitsToDouble", TO_DOUBLE);
    }

    private void toBits() {
        out.invokestatic(ConstantDescs.CD_Double, "doubleToRawLongBits", TO_BITS);
    }

    Magnitude magnitude(int half) {
        return magnitudes[half];
    }

    /** What is known of the halves, to be merged where ways meet. */
    Magnitude[] magnitudes() {
        return magnitudes.clone();
    }

    /** A test has shown this of a half that is a double, or the unit was left. */
    void setTested(int half, Magnitude shown) {
        magnitudes[half] = shown;
        testedHere[half] = Magnitude.stricter(testedHere[half], shown);
    }

    /** What was known of a half does not hold here. */
    void forget(int half) {
        magnitudes[half] = null;
    }

    // ---- blocks

    /**
     * What the block before has tested holds no more.
     *
     * @param known of the halves that are doubles
     */
    void startBlock(Magnitude[] known) {
        magnitudes = known.clone();
        changedHere = 0;
        testedHere = new Magnitude[HALVES];
    }

    /** What the block did so far. */
    DoubleFacts facts() {
        return new DoubleFacts(changedHere, testedHere);
    }

    // ---- frame

    /** Loads those that are used; written last, when that is known. */
    void load() {
        if (used != 0) {
            out.aload(CPU).getfield(UnitCode.CPU_CLASS, "xmm", UnitCode.LONG_ARRAY);
            out.astore(XMM_ARRAY);
        }
        for (int half = 0; half < HALVES; half++) {
            if ((used & 1 << half) != 0) {
                out.aload(XMM_ARRAY).loadConstant(half).laload();
                loadHalf(half);
            }
        }
    }

    private void loadHalf(int half) {
        if (isDouble(half)) {
            toDouble();
            out.dstore(FIRST_XMM + 2 * half);
        } else {
            out.lstore(FIRST_XMM + 2 * half);
        }
    }

    /** Writes back those that have changed. */
    void store() {
        for (int half = 0; half < HALVES; half++) {
            if ((changed & 1 << half) != 0) {
                out.aload(XMM_ARRAY).loadConstant(half);
                push(half);
                out.lastore();
            }
        }
    }
}

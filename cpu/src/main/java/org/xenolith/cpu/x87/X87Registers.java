package org.xenolith.cpu.x87;

import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.Vector;

/**
 * The register stack with its tags, the control and status words, and what an exception does to
 * them. SDM vol. 1, 8.1.
 */
final class X87Registers {
    static final int COUNT = 8;
    static final int ALL_EMPTY = 0xff;
    private static final int INDEX = COUNT - 1;

    /** Significands by physical register R0..R7; an MMX register is this half of its R. */
    final long[] sig = new long[COUNT];

    /** Sign and exponent by physical register. */
    final int[] se = new int[COUNT];

    /** Bit i is set when R(i) is empty: the abridged tag word inverted. */
    int empty = ALL_EMPTY;

    /** Physical register that is ST(0). */
    int top;

    int control = ControlWord.INITIAL;

    /** Status word without TOP. Invariant: ES and B are set exactly when an unmasked flag is. */
    int status;

    /** Pointers are kept for images only; instructions do not record themselves. */
    int lastOpcode;

    long lastInstruction;
    long lastData;

    void initialise() {
        empty = ALL_EMPTY;
        top = 0;
        control = ControlWord.INITIAL;
        status = 0;
        lastOpcode = 0;
        lastInstruction = 0;
        lastData = 0;
    }

    int physical(int i) {
        return top + i & INDEX;
    }

    boolean isEmpty(int i) {
        return (empty >>> physical(i) & 1) != 0;
    }

    int se(int i) {
        return se[physical(i)];
    }

    long sig(int i) {
        return sig[physical(i)];
    }

    /** Writes ST(i) and tags it valid. */
    void set(int i, int newSe, long newSig) {
        int r = physical(i);
        se[r] = newSe;
        sig[r] = newSig;
        empty &= ~(1 << r);
    }

    void set(int i, Float80Result value) {
        set(i, value.se, value.sig);
    }

    void setIndefinite(int i) {
        set(i, Float80.INDEFINITE_SE, Float80.INDEFINITE_SIG);
    }

    void push(int newSe, long newSig) {
        rotate(-1);
        set(0, newSe, newSig);
    }

    void pop() {
        free(0);
        rotate(1);
    }

    void free(int i) {
        empty |= 1 << physical(i);
    }

    void rotate(int count) {
        top = top + count & INDEX;
    }

    int statusWord() {
        return status | top << StatusWord.TOP_SHIFT;
    }

    void setStatusWord(int word) {
        top = (word & StatusWord.TOP) >>> StatusWord.TOP_SHIFT;
        status = word & 0xffff & ~StatusWord.TOP;
        updateSummary();
    }

    void setControl(int word) {
        control = ControlWord.sanitise(word);
        updateSummary();
    }

    void clearExceptions() {
        status &= StatusWord.CONDITIONS;
    }

    private void updateSummary() {
        status &= ~(StatusWord.ERROR_SUMMARY | StatusWord.BUSY);
        if ((status & ~control & StatusWord.EXCEPTIONS) != 0) {
            status |= StatusWord.ERROR_SUMMARY | StatusWord.BUSY;
        }
    }

    /**
     * Delivers an unmasked exception of an earlier instruction, as every waiting instruction does
     * first.
     */
    void checkPending() {
        if ((status & StatusWord.ERROR_SUMMARY) != 0) {
            throw GuestFault.of(Vector.X87_ERROR);
        }
    }

    void clearC1() {
        status &= ~StatusWord.C1;
    }

    void setConditions(int mask, int value) {
        status = status & ~mask | value;
    }

    /**
     * Records what an operation raised, and C1.
     *
     * @return whether the destination register may be written
     */
    boolean commit(Float80Result result) {
        return commit(result.flags, result.roundedUp);
    }

    boolean commit(int flags, boolean roundedUp) {
        int unmaskedBefore = flags & ~control & StatusWord.BEFORE_OPERATION;
        boolean done = unmaskedBefore == 0;
        raise(done ? flags : flags & StatusWord.BEFORE_OPERATION);
        setConditions(StatusWord.C1, done && roundedUp ? StatusWord.C1 : 0);
        return done;
    }

    void raise(int flags) {
        status |= flags;
        updateSummary();
    }

    /**
     * Raises a stack overflow; true when it is masked, so that the indefinite takes the value's
     * place.
     */
    boolean stackOverflow() {
        status |= StatusWord.C1;
        raise(StatusWord.INVALID | StatusWord.STACK_FAULT);
        return (control & StatusWord.INVALID) != 0;
    }

    /**
     * Raises a stack underflow; true when it is masked, so that the indefinite takes the value's
     * place.
     */
    boolean stackUnderflow() {
        status &= ~StatusWord.C1;
        raise(StatusWord.INVALID | StatusWord.STACK_FAULT);
        return (control & StatusWord.INVALID) != 0;
    }
}

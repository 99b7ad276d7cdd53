package org.xenolith.cpu.translate;

import static org.xenolith.cpu.translate.Locals.BASE;
import static org.xenolith.cpu.translate.Locals.BUDGET;
import static org.xenolith.cpu.translate.Locals.REASON;
import static org.xenolith.cpu.translate.Locals.RIP;
import static org.xenolith.cpu.translate.Locals.SITE;

import org.xenolith.cpu.interp.TranslatedUnit;
import org.xenolith.cpu.mmu.Ram;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.classfile.instruction.SwitchCase;
import java.util.List;

/**
 * The ways out of a unit: on at another address, or in front of an instruction that the interpreter
 * is to execute. All meet in front of the epilogue, with RIP, the budget and the reason in local
 * variables.
 */
final class Exits {
    /**
     * A place where the unit may be left is one int: its offset from the page's start, and above it
     * how many instructions have been charged that are not executed then.
     */
    private static final int OFFSET_BITS = 16;

    private static final int OFFSET_MASK = (1 << OFFSET_BITS) - 1;

    private final CodeBuilder out;

    /** To go on where RIP says. */
    private final Label on;

    /** To leave at the place in SITE for the reason in REASON. */
    private final Label plain;

    /** To leave at the place in SITE because of an odd number. */
    private final Label rough;

    private boolean usesRough;

    /** In front of the current instruction. */
    private int site;

    Exits(CodeBuilder out) {
        this.out = out;
        on = out.newLabel();
        plain = out.newLabel();
        rough = out.newLabel();
    }

    // ---- places

    /** Says where a miss of the following instruction leaves to. */
    void startInstruction(GuestInstruction i, int instructionsToEnd) {
        site = instructionsToEnd << OFFSET_BITS | i.start;
    }

    /** Makes the current instruction the place where a {@code TlbMiss} leaves to. */
    void markSite() {
        out.loadConstant(site).istore(SITE);
    }

    /**
     * Makes the start of a block the place, before the block is charged.
     *
     * @param start where it is, in bytes from the page's start
     */
    void markBlock(int start) {
        out.loadConstant(start).istore(SITE);
    }

    // ---- leaving in front of the current instruction

    /** Leaves because it is one for the interpreter. */
    void leaveSpecial() {
        markSite();
        out.loadConstant(TranslatedUnit.SPECIAL).istore(REASON).goto_(plain);
    }

    /** Leaves if the boolean on the stack is false. */
    void leaveUnless() {
        usesRough = true;
        out.ifeq(rough);
    }

    /** Leaves if the int on the stack is below 0. */
    void leaveIfNegative() {
        usesRough = true;
        out.iflt(rough);
    }

    /** The prologue, which is written after {@link #join}, will call {@link #leaveUnless}. */
    void expectRough() {
        usesRough = true;
    }

    // ---- going on

    /** Goes on at the address in {@link Locals#RIP}. */
    void leaveOn() {
        out.goto_(on);
    }

    /** Goes on at the address in {@link Locals#RIP} if it is in the unit's page. */
    void goOnInside(List<SwitchCase> targets) {
        if (!targets.isEmpty()) {
            Label outside = out.newLabel();
            out.lload(RIP).lload(BASE).lsub().loadConstant(Ram.PAGE_MASK).land();
            out.lconst_0().lcmp().ifne(outside);
            out.lload(RIP).lload(BASE).lsub().l2i().lookupswitch(on, targets);
            out.labelBinding(outside);
        }
    }

    /** Goes on at an offset from the page's start. */
    void leaveTo(int offset) {
        pushCodeAddress(offset);
        out.lstore(RIP);
        leaveOn();
    }

    /** Pushes the linear address at an offset from the page's start. */
    void pushCodeAddress(int offset) {
        out.lload(BASE).loadConstant((long) offset).ladd();
    }

    // ---- handlers and end

    /**
     * The handler of misses and of spent budgets: on the stack is a {@code TlbMiss} or a {@link
     * Budget.Spent}. One for both, since C2 leaves out a handler that nothing has come to yet.
     * Without a branch, for the same reason: where the budget is compared nothing is to refund.
     */
    void missedOrSpent() {
        out.pop().iload(SITE).loadConstant(OFFSET_BITS).iushr();
        out.loadConstant(1).isub().loadConstant(Integer.SIZE - 1).iushr();
        out.loadConstant(TranslatedUnit.BUDGET - TranslatedUnit.MISS).imul();
        out.loadConstant(TranslatedUnit.MISS).iadd().istore(REASON).goto_(plain);
    }

    /** The handler of odd numbers: on the stack is a {@link RoughDouble}. */
    void foundRough() {
        usesRough = true;
        out.pop().goto_(rough);
    }

    /** Where all ways out meet. */
    void join() {
        Label done = out.newLabel();
        if (usesRough) {
            // Not reached from above.
            out.labelBinding(rough);
            out.loadConstant(TranslatedUnit.ROUGH).istore(REASON);
        }
        out.labelBinding(plain);
        out.lload(BASE).iload(SITE).loadConstant(OFFSET_MASK).iand().i2l().ladd().lstore(RIP);
        out.lload(BUDGET).iload(SITE).loadConstant(OFFSET_BITS).iushr().i2l().ladd();
        out.lstore(BUDGET).goto_(done);
        out.labelBinding(on);
        out.iconst_0().istore(REASON);
        out.labelBinding(done);
    }
}

package org.xenolith.cpu.interp;

import org.xenolith.cpu.decode.Operand;

/**
 * A comparison and the conditional branch behind it as one operation: the pair ends every other
 * block, and a dispatch costs as much as the work. The flags are left as the comparison alone
 * leaves them.
 */
abstract class FusedBranch extends Branch {
    final byte dst;
    final byte dstShift;
    final byte src;
    final int immediate;

    FusedBranch(Binding compare, Binding branch) {
        super(branch);
        OperandForm form = OperandForm.of(compare);
        int first = OperandForm.registerOf(compare, 0);
        boolean bytes = OperandForm.isByte(compare, 0);
        dst = (byte) (bytes ? compare.byteRegister(first) : first);
        dstShift = (byte) (bytes ? compare.byteShift(first) : 0);
        src = (byte) (form == OperandForm.RR ? OperandForm.registerOf(compare, 1) : 0);
        immediate = bytes ? (byte) compare.in.immediate : (int) compare.in.immediate;
    }

    /** The fused operation, or null where there is none for the pair. */
    static Op tryFuse(Binding compare, Binding branch) {
        if (compare.in.row == null || branch.in.row == null || !isConditional(branch)) {
            return null;
        }
        if (Branch.cutsTarget(branch.in)) {
            return null;
        }
        boolean test = compare.in.row.mnemonic().equals("test");
        if (!test && !compare.in.row.mnemonic().equals("cmp")) {
            return null;
        }
        int bits = OperandForm.isByte(compare, 0) ? 8 : compare.bits();
        OperandForm form = OperandForm.of(compare);
        int condition = branch.in.opcode & 15;
        if (form == OperandForm.RR && bits >= 32) {
            return test
                    ? FusedTestOps.create("RR" + bits, condition, compare, branch)
                    : FusedCmpOps.create("RR" + bits, condition, compare, branch);
        }
        if (form == OperandForm.RI && bits != 16) {
            return test
                    ? FusedTestOps.create("RI" + bits, condition, compare, branch)
                    : FusedCmpOps.create("RI" + bits, condition, compare, branch);
        }
        if (form == OperandForm.RR && bits == 8 && test && compare.in.reg == compare.in.rm) {
            return FusedTestOps.create("RR8", condition, compare, branch);
        }
        return null;
    }

    private static boolean isConditional(Binding branch) {
        Operand operand = branch.operandCount() == 1 ? branch.operand(0) : null;
        String mnemonic = branch.in.row.mnemonic();
        return (operand == Operand.JB || operand == Operand.JZ)
                && mnemonic.startsWith("j")
                && !mnemonic.equals("jmp")
                && !mnemonic.equals("jrcxz");
    }
}

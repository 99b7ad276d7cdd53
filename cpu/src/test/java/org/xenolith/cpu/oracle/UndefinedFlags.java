package org.xenolith.cpu.oracle;

import org.xenolith.cpu.decode.Instruction;
import org.xenolith.cpu.semantics.Flags;

/** Which flags the manual leaves undefined: there two processors may differ. SDM vol. 2. */
final class UndefinedFlags {
    private UndefinedFlags() {}

    /**
     * @param rcx before the instruction: some take their count from CL
     * @return arithmetic flags that may have any value after the instruction
     */
    static long after(Instruction in, long rcx) {
        int bits = width(in);
        int count = count(in, rcx) & (bits == 64 ? 63 : 31);
        return switch (in.row.mnemonic()) {
            case "and", "or", "xor", "test" -> Flags.AF;
            case "shl", "shr", "sar" ->
                    count == 0
                            ? 0
                            : Flags.AF
                                    | (count == 1 ? 0 : Flags.OF)
                                    | (count >= bits ? Flags.CF : 0);
            case "rol", "ror", "rcl", "rcr" -> count == 1 ? 0 : Flags.OF;
            case "shld", "shrd" ->
                    count == 0
                            ? 0
                            : Flags.AF
                                    | (count == 1 ? 0 : Flags.OF)
                                    | (count > bits ? Flags.ARITHMETIC : 0);
            case "mul", "imul" -> Flags.SF | Flags.ZF | Flags.AF | Flags.PF;
            case "div", "idiv" -> Flags.ARITHMETIC;
            // With REP a later processor runs TZCNT or LZCNT, whose flags mean something else.
            case "bsf", "bsr" -> in.rep ? Flags.ARITHMETIC : Flags.ARITHMETIC & ~Flags.ZF;
            case "bt", "bts", "btr", "btc" -> Flags.ARITHMETIC & ~Flags.CF & ~Flags.ZF;
            case "aaa", "aas" -> Flags.OF | Flags.SF | Flags.ZF | Flags.PF;
            case "daa", "das" -> Flags.OF;
            case "aam", "aad" -> Flags.OF | Flags.AF | Flags.CF;
            default -> 0;
        };
    }

    /** Shift count before masking, for instructions whose last operand is one. */
    static int count(Instruction in, long rcx) {
        if (in.row.operands().isEmpty()) {
            return 0;
        }
        return switch (in.row.operands().getLast()) {
            case ONE -> 1;
            case CL -> (int) rcx;
            default -> (int) in.immediate;
        };
    }

    private static int width(Instruction in) {
        return switch (in.row.operands().isEmpty() ? null : in.row.operands().getFirst()) {
            case EB, GB, AL, ZB -> 8;
            case null, default -> in.operandSize * 8;
        };
    }
}

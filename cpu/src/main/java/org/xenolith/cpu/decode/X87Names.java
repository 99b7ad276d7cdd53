package org.xenolith.cpu.decode;

/** Names of the x87 instructions, opcodes D8 to DF. SDM vol. 2, A.5 (escape opcodes). */
final class X87Names {
    /** Memory forms by opcode and ModRM.reg: mnemonic and operand width. */
    private static final String[][] MEMORY = {
        {"fadd 4", "fmul 4", "fcom 4", "fcomp 4", "fsub 4", "fsubr 4", "fdiv 4", "fdivr 4"},
        {"fld 4", "", "fst 4", "fstp 4", "fldenv 0", "fldcw 2", "fnstenv 0", "fnstcw 2"},
        {"fiadd 4", "fimul 4", "ficom 4", "ficomp 4", "fisub 4", "fisubr 4", "fidiv 4", "fidivr 4"},
        {"fild 4", "fisttp 4", "fist 4", "fistp 4", "", "fld 10", "", "fstp 10"},
        {"fadd 8", "fmul 8", "fcom 8", "fcomp 8", "fsub 8", "fsubr 8", "fdiv 8", "fdivr 8"},
        {"fld 8", "fisttp 8", "fst 8", "fstp 8", "frstor 0", "", "fnsave 0", "fnstsw 2"},
        {"fiadd 2", "fimul 2", "ficom 2", "ficomp 2", "fisub 2", "fisubr 2", "fidiv 2", "fidivr 2"},
        {"fild 2", "fisttp 2", "fist 2", "fistp 2", "fbld 10", "fild 8", "fbstp 10", "fistp 8"}
    };

    /** Register forms by opcode and ModRM.reg; {@code i} stands for the register in ModRM.rm. */
    private static final String[][] REGISTER = {
        {
            "fadd st,i", "fmul st,i", "fcom i", "fcomp i",
            "fsub st,i", "fsubr st,i", "fdiv st,i", "fdivr st,i"
        },
        {"fld i", "fxch i", "", "fstp1 i", "", "", "", ""},
        {"fcmovb st,i", "fcmove st,i", "fcmovbe st,i", "fcmovu st,i", "", "", "", ""},
        {
            "fcmovnb st,i", "fcmovne st,i", "fcmovnbe st,i", "fcmovnu st,i",
            "", "fucomi st,i", "fcomi st,i", ""
        },
        {
            "fadd i,st", "fmul i,st", "fcom2 i", "fcomp3 i",
            "fsubr i,st", "fsub i,st", "fdivr i,st", "fdiv i,st"
        },
        {"ffree i", "fxch4 i", "fst i", "fstp i", "fucom i", "fucomp i", "", ""},
        {
            "faddp i,st", "fmulp i,st", "fcomp5 i", "",
            "fsubrp i,st", "fsubp i,st", "fdivrp i,st", "fdivp i,st"
        },
        {"ffreep i", "fxch7 i", "fstp8 i", "fstp9 i", "", "fucomip st,i", "fcomip st,i", ""}
    };

    /** D9 E0 to D9 FF: no operands. */
    private static final String[] CONSTANTS_AND_FUNCTIONS = {
        "fchs", "fabs", "", "", "ftst", "fxam", "", "",
        "fld1", "fldl2t", "fldl2e", "fldpi", "fldlg2", "fldln2", "fldz", "",
        "f2xm1", "fyl2x", "fptan", "fpatan", "fxtract", "fprem1", "fdecstp", "fincstp",
        "fprem", "fyl2xp1", "fsqrt", "fsincos", "frndint", "fscale", "fsin", "fcos"
    };

    private static final int FIRST_ESCAPE = 0xd8;

    private X87Names() {}

    static String text(Instruction instruction, long vaddr) {
        int escape = instruction.opcode - FIRST_ESCAPE;
        String form =
                instruction.memory
                        ? MEMORY[escape][instruction.reg & 7]
                        : registerForm(instruction.opcode, instruction.modRm);
        if (form.isEmpty()) {
            return "(bad)";
        }
        int blank = form.indexOf(' ');
        if (blank < 0) {
            return form;
        }
        String operands = form.substring(blank + 1);
        operands =
                instruction.memory
                        ? Disassembler.memory(instruction, Integer.parseInt(operands))
                        : operands.replace("i", "st(" + (instruction.rm & 7) + ")");
        return Disassembler.withComment(instruction, vaddr, form.substring(0, blank), operands);
    }

    private static String registerForm(int opcode, int modRm) {
        return switch (opcode << 8 | modRm) {
            case 0xd9d0 -> "fnop";
            case 0xdae9 -> "fucompp";
            case 0xdbe0 -> "fneni";
            case 0xdbe1 -> "fndisi";
            case 0xdbe2 -> "fnclex";
            case 0xdbe3 -> "fninit";
            case 0xdbe4 -> "fnsetpm";
            case 0xded9 -> "fcompp";
            case 0xdfe0 -> "fnstsw ax";
            default -> regularRegisterForm(opcode, modRm);
        };
    }

    private static String regularRegisterForm(int opcode, int modRm) {
        if (opcode == 0xd9 && modRm >= 0xe0) {
            return CONSTANTS_AND_FUNCTIONS[modRm - 0xe0];
        }
        return REGISTER[opcode - FIRST_ESCAPE][modRm >>> 3 & 7];
    }
}

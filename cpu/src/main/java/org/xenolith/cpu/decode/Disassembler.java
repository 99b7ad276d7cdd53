package org.xenolith.cpu.decode;

import java.util.StringJoiner;

/** Writes instructions in Intel syntax, as objdump does, for crash reports and traces. */
public final class Disassembler {
    private static final String[] QUADWORD_NAMES = {
        "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
        "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"
    };
    private static final String[] DOUBLEWORD_NAMES = {
        "eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi",
        "r8d", "r9d", "r10d", "r11d", "r12d", "r13d", "r14d", "r15d"
    };
    private static final String[] WORD_NAMES = {
        "ax", "cx", "dx", "bx", "sp", "bp", "si", "di",
        "r8w", "r9w", "r10w", "r11w", "r12w", "r13w", "r14w", "r15w"
    };
    private static final String[] BYTE_NAMES = {
        "al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil",
        "r8b", "r9b", "r10b", "r11b", "r12b", "r13b", "r14b", "r15b"
    };
    private static final String[] HIGH_BYTE_NAMES = {"ah", "ch", "dh", "bh"};
    private static final String[] SEGMENT_NAMES = {"es", "cs", "ss", "ds", "fs", "gs", "?", "?"};
    private static final String[] COMPARE_PREDICATES = {
        "eq", "lt", "le", "unord", "neq", "nlt", "nle", "ord"
    };

    /** Width of 16 byte and 10 byte memory operands, of far pointers, and of M operands. */
    private static final int XMMWORD = 16, TBYTE = 10, FWORD = 6, UNSIZED = 0;

    private static final int RAX = 0, RBX = 3, RSI = 6, RDI = 7;

    private Disassembler() {}

    /**
     * The instruction as text, such as {@code add rax,QWORD PTR [rbx+0x10]}; {@code (bad)} if its
     * row is null.
     *
     * @param vaddr where the instruction stands: decides what branch targets and RIP-relative
     *     addresses read
     */
    public static String disassemble(Instruction instruction, long vaddr) {
        if (instruction.row == null) {
            return "(bad)";
        }
        if (instruction.row.has(OpcodeRow.ESCAPE)) {
            return X87Names.text(instruction, vaddr);
        }
        if (instruction.row.mnemonic().equals("enter")) {
            return "enter " + hex(instruction.immediate) + "," + hex(instruction.immediate2);
        }
        if (instruction.row.mnemonic().equals("xlat")) {
            return "xlat " + stringSource(instruction, RBX, 1);
        }
        String alias = nameWithImmediate(instruction);
        StringJoiner operands = new StringJoiner(",");
        for (Operand operand : instruction.row.operands()) {
            if (alias == null || operand != Operand.IB) {
                operands.add(operandText(instruction, operand, vaddr));
            }
        }
        String mnemonic = alias == null ? mnemonic(instruction) : alias;
        return withComment(instruction, vaddr, prefix(instruction) + mnemonic, operands.toString());
    }

    static String withComment(
            Instruction instruction, long vaddr, String mnemonic, String operands) {
        String text = operands.isEmpty() ? mnemonic : mnemonic + " " + operands;
        return instruction.ripRelative
                ? text + " # " + hex(vaddr + instruction.length + instruction.displacement)
                : text;
    }

    private static String prefix(Instruction instruction) {
        if (instruction.lock) {
            return "lock ";
        }
        boolean compares = instruction.row.has(OpcodeRow.REPZ);
        if (instruction.row.has(OpcodeRow.REP)) {
            if (instruction.rep) {
                return compares ? "repz " : "rep ";
            }
            if (instruction.repne) {
                return "repnz ";
            }
        }
        return "";
    }

    /** The row's mnemonic, or the name the manual gives it at this operand or address size. */
    private static String mnemonic(Instruction instruction) {
        String mnemonic = instruction.row.mnemonic();
        return switch (mnemonic) {
            case "cbw" -> bySize(instruction, "cbw", "cwde", "cdqe");
            case "cwd" -> bySize(instruction, "cwd", "cdq", "cqo");
            case "iret" -> bySize(instruction, "iretw", "iret", "iretq");
            case "sysret" -> bySize(instruction, "sysret", "sysret", "sysretq");
            case "retf" -> bySize(instruction, "retfw", "retf", "retfq");
            case "pushf", "popf", "pusha", "popa" ->
                    mnemonic + (instruction.operandSize == 2 ? "w" : "");
            case "jrcxz" -> bySize(instruction.addressSize, "jcxz", "jecxz", "jrcxz");
            case "callf" -> "call";
            case "jmpf" -> "jmp";
            case "mov" -> isWide(instruction) ? "movabs" : mnemonic;
            default -> mnemonic;
        };
    }

    private static String bySize(
            Instruction instruction, String word, String doubleword, String quadword) {
        return bySize(instruction.operandSize, word, doubleword, quadword);
    }

    private static String bySize(int size, String word, String doubleword, String quadword) {
        return switch (size) {
            case 2 -> word;
            case 4 -> doubleword;
            default -> quadword;
        };
    }

    private static boolean isWide(Instruction instruction) {
        return instruction.row.operands().stream()
                .anyMatch(
                        operand ->
                                switch (operand) {
                                    case IV -> instruction.operandSize == 8;
                                    case OB, OV -> instruction.addressSize == 8;
                                    default -> false;
                                });
    }

    /** The name that says what the immediate does, or null where there is none. */
    private static String nameWithImmediate(Instruction instruction) {
        String mnemonic = instruction.row.mnemonic();
        if (!instruction.row.has(OpcodeRow.SIMD)) {
            return null;
        }
        return switch (mnemonic) {
            case "cmpps", "cmppd", "cmpss", "cmpsd" ->
                    instruction.immediate < COMPARE_PREDICATES.length
                            ? "cmp"
                                    + COMPARE_PREDICATES[(int) instruction.immediate]
                                    + mnemonic.substring(3)
                            : null;
            case "pclmulqdq" ->
                    switch ((int) instruction.immediate) {
                        case 0 -> "pclmullqlqdq";
                        case 1 -> "pclmulhqlqdq";
                        case 0x10 -> "pclmullqhqdq";
                        case 0x11 -> "pclmulhqhqdq";
                        default -> null;
                    };
            default -> null;
        };
    }

    private static String operandText(Instruction instruction, Operand operand, long vaddr) {
        int operandSize = instruction.operandSize;
        int sizeByRexW = (instruction.rex & 8) != 0 ? 8 : 4;
        return switch (operand) {
            case EB -> rmText(instruction, 1);
            case EW -> rmText(instruction, 2);
            case ED, RD -> rmText(instruction, 4);
            case EV, RV -> rmText(instruction, operandSize);
            case EY, RY -> rmText(instruction, sizeByRexW);
            case EQ, RQ -> rmText(instruction, instruction.code32 ? 4 : 8);
            case GB -> register(instruction, instruction.reg, 1);
            case GW -> register(instruction, instruction.reg, 2);
            case GD -> register(instruction, instruction.reg, 4);
            case GV -> register(instruction, instruction.reg, operandSize);
            case GY -> register(instruction, instruction.reg, sizeByRexW);
            case M -> memory(instruction, UNSIZED);
            case MB -> memory(instruction, 1);
            case MW -> memory(instruction, 2);
            case MD -> memory(instruction, 4);
            case MQ -> memory(instruction, 8);
            case MV -> memory(instruction, operandSize);
            case MY -> memory(instruction, sizeByRexW);
            case MX -> memory(instruction, XMMWORD);
            case MP -> memory(instruction, farPointerSize(instruction));
            case MA -> memory(instruction, 2 * operandSize);
            case ZB -> register(instruction, instruction.rm, 1);
            case ZV -> register(instruction, instruction.rm, operandSize);
            case ZQ -> register(instruction, instruction.rm, 8);
            case IB, IW, IV -> hex(instruction.immediate);
            case IBS, IZ -> hex(truncate(instruction.immediate, operandSize));
            case ONE -> "1";
            case JB, JZ -> hex(branchTarget(instruction, vaddr));
            case AP -> hex(instruction.immediate2) + ":" + hex(instruction.immediate);
            case OB, OV -> memory(instruction, UNSIZED);
            case AL -> "al";
            case CL -> "cl";
            case DX -> "dx";
            case RAX -> registerName(RAX, portSize(instruction));
            case XB -> stringSource(instruction, RSI, 1);
            case XV -> stringSource(instruction, RSI, portSize(instruction));
            case YB -> stringDestination(instruction, 1);
            case YV -> stringDestination(instruction, portSize(instruction));
            case SW -> SEGMENT_NAMES[instruction.reg & 7];
            case CD -> "cr" + instruction.reg;
            case DD -> "dr" + instruction.reg;
            case ES -> "es";
            case CS -> "cs";
            case SS -> "ss";
            case DS -> "ds";
            case FS -> "fs";
            case GS -> "gs";
            case PQ -> "mm" + (instruction.reg & 7);
            case NQ -> "mm" + (instruction.rm & 7);
            case QD -> mmxOrMemory(instruction, 4);
            case QQ -> mmxOrMemory(instruction, 8);
            case VX, VSS, VSD, VD, VQ -> "xmm" + instruction.reg;
            case UX, UQ -> "xmm" + instruction.rm;
            case WX -> xmmOrMemory(instruction, XMMWORD);
            case WW -> xmmOrMemory(instruction, 2);
            case WSS, WD -> xmmOrMemory(instruction, 4);
            case WSD, WQ -> xmmOrMemory(instruction, 8);
            case XMM0 -> "xmm0";
        };
    }

    private static long branchTarget(Instruction instruction, long vaddr) {
        long target = vaddr + instruction.length + instruction.immediate;
        return instruction.code32 ? truncate(target, instruction.operandSize) : target;
    }

    /** Port instructions know no 64-bit operands. */
    private static int portSize(Instruction instruction) {
        return switch (instruction.row.mnemonic()) {
            case "in", "out", "ins", "outs" -> Math.min(instruction.operandSize, 4);
            default -> instruction.operandSize;
        };
    }

    private static int farPointerSize(Instruction instruction) {
        return switch (instruction.operandSize) {
            case 2 -> 4;
            case 4 -> FWORD;
            default -> TBYTE;
        };
    }

    private static long truncate(long value, int size) {
        return size == 8 ? value : value & (1L << size * 8) - 1;
    }

    private static String rmText(Instruction instruction, int size) {
        return instruction.memory
                ? memory(instruction, size)
                : register(instruction, instruction.rm, size);
    }

    private static String mmxOrMemory(Instruction instruction, int size) {
        return instruction.memory ? memory(instruction, size) : "mm" + (instruction.rm & 7);
    }

    private static String xmmOrMemory(Instruction instruction, int size) {
        return instruction.memory ? memory(instruction, size) : "xmm" + instruction.rm;
    }

    private static String register(Instruction instruction, int number, int size) {
        boolean highByte = size == 1 && instruction.rex == 0 && number >= 4;
        return highByte ? HIGH_BYTE_NAMES[number - 4] : registerName(number, size);
    }

    private static String registerName(int number, int size) {
        return switch (size) {
            case 1 -> BYTE_NAMES[number];
            case 2 -> WORD_NAMES[number];
            case 4 -> DOUBLEWORD_NAMES[number];
            default -> QUADWORD_NAMES[number];
        };
    }

    /** The memory operand with its width, such as {@code DWORD PTR fs:[rax+rcx*4-0x8]}. */
    static String memory(Instruction instruction, int size) {
        StringBuilder text = new StringBuilder(sizeName(size));
        if (instruction.segmentOverride) {
            text.append(segmentName(instruction)).append(':');
        }
        boolean absolute =
                !instruction.ripRelative
                        && instruction.base == Instruction.NO_REGISTER
                        && instruction.index == Instruction.NO_REGISTER;
        if (absolute) {
            String segment = instruction.segmentOverride ? "" : "ds:";
            return text.append(segment)
                    .append(hex(truncate(instruction.displacement, instruction.addressSize)))
                    .toString();
        }
        return text.append('[').append(addressText(instruction)).append(']').toString();
    }

    private static String addressText(Instruction instruction) {
        StringBuilder text = new StringBuilder();
        int size = instruction.addressSize;
        if (instruction.ripRelative) {
            text.append(size == 8 ? "rip" : "eip");
        } else if (instruction.base != Instruction.NO_REGISTER) {
            text.append(registerName(instruction.base, size));
        }
        if (instruction.index != Instruction.NO_REGISTER) {
            text.append(text.isEmpty() ? "" : "+")
                    .append(registerName(instruction.index, size))
                    .append(size == 2 ? "" : "*" + (1 << instruction.scale));
        }
        return text.append(displacementText(instruction)).toString();
    }

    /** A displacement that is encoded is written, even when it is 0. */
    private static String displacementText(Instruction instruction) {
        boolean encoded =
                instruction.modRm >>> 6 != 0
                        || instruction.ripRelative
                        || instruction.base == Instruction.NO_REGISTER;
        if (!encoded) {
            return "";
        }
        long displacement = instruction.displacement;
        return displacement < 0 ? "-" + hex(-displacement) : "+" + hex(displacement);
    }

    private static String segmentName(Instruction instruction) {
        return switch (instruction.segment) {
            case Instruction.ES -> "es";
            case Instruction.CS -> "cs";
            case Instruction.SS -> "ss";
            case Instruction.FS -> "fs";
            case Instruction.GS -> "gs";
            default -> "ds";
        };
    }

    private static String stringSource(Instruction instruction, int register, int size) {
        return sizeName(size)
                + segmentName(instruction)
                + ":["
                + registerName(register, instruction.addressSize)
                + "]";
    }

    private static String stringDestination(Instruction instruction, int size) {
        return sizeName(size) + "es:[" + registerName(RDI, instruction.addressSize) + "]";
    }

    private static String sizeName(int size) {
        return switch (size) {
            case UNSIZED -> "";
            case 1 -> "BYTE PTR ";
            case 2 -> "WORD PTR ";
            case 4 -> "DWORD PTR ";
            case FWORD -> "FWORD PTR ";
            case 8 -> "QWORD PTR ";
            case TBYTE -> "TBYTE PTR ";
            case XMMWORD -> "XMMWORD PTR ";
            default -> throw new IllegalArgumentException("operand of " + size + " bytes");
        };
    }

    private static String hex(long value) {
        return "0x" + Long.toHexString(value);
    }
}

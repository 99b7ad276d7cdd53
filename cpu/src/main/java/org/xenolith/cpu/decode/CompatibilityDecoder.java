package org.xenolith.cpu.decode;

import static org.xenolith.cpu.decode.Decoder.TRUNCATED;

/**
 * Decodes one instruction of 32-bit code: there is no REX, all six segments count, and addresses
 * have 32 or 16 bits. What 64-bit code has in common with it is {@link Decoder}'s. SDM vol. 2,
 * chapter 2 and appendix A.
 */
final class CompatibilityDecoder {
    /** Kinds of a byte before the opcode: a segment override's holds the segment's number. */
    private static final int NO_PREFIX = 0, SEGMENT = 0x40, LEGACY = 0x80, PAYLOAD = 0x3f;

    private static final byte[] BYTE_KIND = byteKinds();

    private static final OpcodeIndex INDEX = new OpcodeIndex(CodeSize.CODE_32);

    private static final int[] OPCODES = INDEX.opcodes;
    private static final OpcodeRow[] ROWS = INDEX.rows;
    private static final int[] FORMS = INDEX.forms;

    /** Base registers that make the stack segment the default: SP, BP and what they are part of. */
    private static final int RSP = 4, RBP = 5;

    private static final int RBX = 3, RSI = 6, RDI = 7;

    /** ModRM.rm that with mod 0 means an address without registers, if addresses have 16 bits. */
    private static final int ABSOLUTE_16 = 6;

    /** By ModRM.rm, if addresses have 16 bits. SDM vol. 2, table 2-1. */
    private static final byte[] BASE_16 = {RBX, RBX, RBP, RBP, RSI, RDI, RBP, RBX};

    private static final byte[] INDEX_16 = {
        RSI,
        RDI,
        RSI,
        RDI,
        Instruction.NO_REGISTER,
        Instruction.NO_REGISTER,
        Instruction.NO_REGISTER,
        Instruction.NO_REGISTER
    };

    private CompatibilityDecoder() {}

    /** As {@link Decoder#decode(byte[], int, int, Instruction)}. */
    static int decode(byte[] code, int offset, int available, Instruction out) {
        int limit = offset + Math.min(available, Decoder.MAX_LENGTH);
        int position = offset;
        int prefixes = 0;
        int segment = Instruction.NO_REGISTER;
        while (position < limit) {
            int kind = BYTE_KIND[code[position] & 0xff] & 0xff;
            if (kind == NO_PREFIX) {
                break;
            }
            if ((kind & SEGMENT) != 0) {
                segment = kind & PAYLOAD;
            } else {
                prefixes = Decoder.withPrefix(prefixes, kind & PAYLOAD);
            }
            position++;
        }
        setPrefixes(out, prefixes, segment);
        int end = decodeUnprefixed(code, position, limit, prefixes, out);
        if (end == TRUNCATED) {
            return available >= Decoder.MAX_LENGTH ? Decoder.TOO_LONG : Decoder.NEED_MORE;
        }
        return out.length = end - offset;
    }

    /** Decodes opcode, ModRM and what follows; returns the end of it, or {@code TRUNCATED}. */
    private static int decodeUnprefixed(
            byte[] code, int start, int limit, int prefixes, Instruction out) {
        int opcode = Decoder.readOpcode(code, start, limit);
        if (opcode == TRUNCATED) {
            return TRUNCATED;
        }
        int position = start + Decoder.opcodeLength(opcode);
        int selectors = OPCODES[opcode];
        int modRm = -1;
        if ((selectors & OpcodeIndex.HAS_MODRM) != 0) {
            if (position >= limit) {
                return TRUNCATED;
            }
            modRm = code[position++] & 0xff;
        }
        int slot = slot(selectors, modRm, prefixes);
        int form = FORMS[slot];
        out.row = ROWS[slot];
        out.opcode = opcode & 0xff;
        out.modRm = modRm;
        Decoder.clearOperands(out);
        setRegisters(out, opcode, form);
        if (out.row == null) {
            return position;
        }
        if (out.memory) {
            position = readAddress(code, position, limit, out);
            if (position == TRUNCATED) {
                return TRUNCATED;
            }
        }
        int end = Decoder.readImmediates(code, position, limit, form, out);
        if (end != TRUNCATED && out.lock && !Decoder.mayLock(out, form)) {
            out.row = null;
        }
        return end;
    }

    private static int slot(int selectors, int modRm, int prefixes) {
        int selector = modRm < 0 ? 0 : OpcodeIndex.modRmSelector(selectors, modRm);
        if ((selectors & OpcodeIndex.BY_PREFIX) != 0) {
            selector = selector * OpcodeIndex.PREFIX_SLOTS + Decoder.mandatoryPrefix(prefixes) * 2;
        }
        return (selectors & OpcodeIndex.FIRST_SLOT) + selector;
    }

    private static void setPrefixes(Instruction out, int prefixes, int segment) {
        out.code32 = true;
        out.rex = 0;
        out.rep = (prefixes & Decoder.REP) != 0;
        out.repne = (prefixes & Decoder.REPNE) != 0;
        out.lock = (prefixes & Decoder.LOCK) != 0;
        out.addressSize = (prefixes & Decoder.ADDRESS_SIZE) != 0 ? 2 : 4;
        out.operandSize = (prefixes & Decoder.OPERAND_SIZE) != 0 ? 2 : 4;
        out.segmentOverride = segment != Instruction.NO_REGISTER;
        out.segment = out.segmentOverride ? segment : Instruction.DS;
    }

    private static void setRegisters(Instruction out, int opcode, int form) {
        if (out.modRm < 0) {
            out.reg = 0;
            out.rm = opcode & 7;
            return;
        }
        out.reg = out.modRm >>> 3 & 7;
        out.rm = out.modRm & 7;
        out.memory = out.modRm < Decoder.MOD_REGISTER && (form & OpcodeIndex.MOD_IGNORED) == 0;
    }

    /** Reads SIB and displacement; returns the position behind them, or {@code TRUNCATED}. */
    private static int readAddress(byte[] code, int start, int limit, Instruction out) {
        int end =
                out.addressSize == 2
                        ? readAddress16(code, start, limit, out)
                        : Decoder.readAddress(code, start, limit, out);
        // What counts from RIP in 64-bit mode is absolute here.
        out.ripRelative = false;
        if (!out.segmentOverride && (out.base == RBP || out.base == RSP)) {
            out.segment = Instruction.SS;
        }
        return end;
    }

    private static int readAddress16(byte[] code, int position, int limit, Instruction out) {
        int mod = out.modRm >>> 6;
        boolean absolute = mod == 0 && out.rm == ABSOLUTE_16;
        if (!absolute) {
            out.base = BASE_16[out.rm];
            out.index = INDEX_16[out.rm];
        }
        int size = absolute ? 2 : mod;
        if (limit - position < size) {
            return TRUNCATED;
        }
        if (size != 0) {
            out.displacement = size == 1 ? code[position] : Decoder.readShort(code, position);
        }
        return position + size;
    }

    private static byte[] byteKinds() {
        byte[] kinds = new byte[256];
        kinds[0x26] = SEGMENT | Instruction.ES;
        kinds[0x2e] = SEGMENT | Instruction.CS;
        kinds[0x36] = SEGMENT | Instruction.SS;
        kinds[0x3e] = SEGMENT | Instruction.DS;
        kinds[0x64] = SEGMENT | Instruction.FS;
        kinds[0x65] = SEGMENT | Instruction.GS;
        kinds[0x66] = (byte) (LEGACY | Decoder.OPERAND_SIZE);
        kinds[0x67] = (byte) (LEGACY | Decoder.ADDRESS_SIZE);
        kinds[0xf0] = (byte) (LEGACY | Decoder.LOCK);
        kinds[0xf2] = (byte) (LEGACY | Decoder.REPNE);
        kinds[0xf3] = (byte) (LEGACY | Decoder.REP);
        return kinds;
    }
}

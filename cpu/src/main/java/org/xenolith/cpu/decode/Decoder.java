package org.xenolith.cpu.decode;

/**
 * Decodes one instruction: of 64-bit mode here, of 32-bit code in {@link CompatibilityDecoder}.
 * Allocates nothing and keeps no state. SDM vol. 2, chapter 2.
 */
public final class Decoder {
    /** Returned when the instruction goes on behind the last available byte. */
    public static final int NEED_MORE = -1;

    /** Returned when the instruction would be longer than 15 bytes: #GP(0). */
    public static final int TOO_LONG = -2;

    /** The longest instruction, in bytes. */
    public static final int MAX_LENGTH = 15;

    /** Prefixes seen, as bits. The lower three select in {@link #MANDATORY_PREFIX}. */
    static final int OPERAND_SIZE = 1,
            REP = 1 << 1,
            REPNE = 1 << 2,
            ADDRESS_SIZE = 1 << 3,
            LOCK = 1 << 4;

    private static final int SEGMENT_FS = 1 << 5,
            SEGMENT_GS = 1 << 6,
            MANDATORY_BITS = OPERAND_SIZE | REP | REPNE;

    /** Kinds of a byte before the opcode; others are the prefix's bit plus {@link #LEGACY}. */
    private static final int NO_PREFIX = 0, REX = 0x40, LEGACY = 0x80;

    private static final int REX_W = 8, REX_R = 4, REX_X = 2, REX_B = 1;

    private static final byte[] BYTE_KIND = byteKinds();

    /** F2 and F3 take precedence over 66. */
    private static final byte[] MANDATORY_PREFIX = {
        Encoding.NONE,
        Encoding.P66,
        Encoding.F3,
        Encoding.F3,
        Encoding.F2,
        Encoding.F2,
        Encoding.F2,
        Encoding.F2
    };

    private static final OpcodeIndex INDEX = new OpcodeIndex(CodeSize.CODE_64);

    private static final int[] OPCODES = INDEX.opcodes;
    private static final OpcodeRow[] ROWS = INDEX.rows;
    private static final int[] FORMS = INDEX.forms;

    /** {@code 90+r}, which {@code 90} alone hides although REX.B brings it back. */
    private static final OpcodeRow XCHG_ROW = INDEX.row(0x91);

    private static final int NOP_OR_XCHG = 0x90;

    private static final int ESCAPE = 0x0f, ESCAPE_38 = 0x38, ESCAPE_3A = 0x3a;

    /** Length of the opcode in bytes, by map. */
    private static final byte[] ESCAPED_LENGTH = {1, 2, 3, 3};

    /** ModRM from which on mod names a register. */
    static final int MOD_REGISTER = 0xc0;

    /** What the readers return when bytes run out, in place of a position. */
    static final int TRUNCATED = -1;

    private Decoder() {}

    /**
     * Decodes the instruction that begins at {@code code[offset]} in a code segment of that size.
     *
     * @see #decode(byte[], int, int, Instruction)
     */
    public static int decode(
            CodeSize size, byte[] code, int offset, int available, Instruction out) {
        return switch (size) {
            case CODE_64 -> decode(code, offset, available, out);
            case CODE_32 -> CompatibilityDecoder.decode(code, offset, available, out);
        };
    }

    /**
     * Decodes the instruction of 64-bit mode that begins at {@code code[offset]}.
     *
     * @param available bytes that may be read from there on, 0 or more
     * @param out receives the result, complete unless a negative value is returned; its row is null
     *     when the bytes are no instruction (#UD), and then the rest describes only what was read
     * @return length in bytes, {@link #NEED_MORE} or {@link #TOO_LONG}
     */
    public static int decode(byte[] code, int offset, int available, Instruction out) {
        int limit = offset + Math.min(available, MAX_LENGTH);
        int position = offset;
        int prefixes = 0;
        int rex = 0;
        while (position < limit) {
            int kind = BYTE_KIND[code[position] & 0xff] & 0xff;
            if (kind == NO_PREFIX) {
                break;
            }
            if (kind == REX) {
                rex = code[position];
            } else {
                rex = 0;
                prefixes = withPrefix(prefixes, kind & ~LEGACY);
            }
            position++;
        }
        int end = decodeUnprefixed(code, position, limit, prefixes, rex, out);
        if (end == TRUNCATED) {
            return available >= MAX_LENGTH ? TOO_LONG : NEED_MORE;
        }
        return out.length = end - offset;
    }

    /** Decodes opcode, ModRM and what follows; returns the end of it, or {@link #TRUNCATED}. */
    private static int decodeUnprefixed(
            byte[] code, int start, int limit, int prefixes, int rex, Instruction out) {
        int opcode = readOpcode(code, start, limit);
        if (opcode == TRUNCATED) {
            return TRUNCATED;
        }
        int position = start + opcodeLength(opcode);
        int selectors = OPCODES[opcode];
        int modRm = -1;
        int selector = 0;
        if ((selectors & OpcodeIndex.HAS_MODRM) != 0) {
            if (position >= limit) {
                return TRUNCATED;
            }
            modRm = code[position++] & 0xff;
            selector = OpcodeIndex.modRmSelector(selectors, modRm);
        }
        if ((selectors & OpcodeIndex.BY_PREFIX) != 0) {
            selector =
                    selector * OpcodeIndex.PREFIX_SLOTS
                            + mandatoryPrefix(prefixes) * 2
                            + (rex >>> 3 & 1);
        }
        int slot = (selectors & OpcodeIndex.FIRST_SLOT) + selector;
        int form = FORMS[slot];
        out.row = ROWS[slot];
        out.opcode = opcode & 0xff;
        out.modRm = modRm;
        clearOperands(out);
        setPrefixes(out, prefixes, rex);
        setOperandSize(out, prefixes, rex, form);
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
        int end = readImmediates(code, position, limit, form, out);
        // Only now: what cannot be fetched, or is too long, faults before what is undefined.
        if (end != TRUNCATED && out.lock && !mayLock(out, form)) {
            out.row = null;
        }
        return end;
    }

    /** Returns the opcode as an index of {@link OpcodeIndex#opcodes}. */
    static int readOpcode(byte[] code, int start, int limit) {
        if (start >= limit) {
            return TRUNCATED;
        }
        int first = code[start] & 0xff;
        if (first != ESCAPE) {
            return first;
        }
        if (limit - start < 2) {
            return TRUNCATED;
        }
        int second = code[start + 1] & 0xff;
        if (second != ESCAPE_38 && second != ESCAPE_3A) {
            return Encoding.MAP_0F | second;
        }
        if (limit - start < 3) {
            return TRUNCATED;
        }
        int map = second == ESCAPE_38 ? Encoding.MAP_0F38 : Encoding.MAP_0F3A;
        return map | code[start + 2] & 0xff;
    }

    static int opcodeLength(int opcode) {
        return ESCAPED_LENGTH[opcode >>> 8];
    }

    /** The prefix among 66, F2 and F3 that selects the instruction, as {@link Encoding} says. */
    static int mandatoryPrefix(int prefixes) {
        return MANDATORY_PREFIX[prefixes & MANDATORY_BITS];
    }

    static void clearOperands(Instruction out) {
        out.memory = false;
        out.ripRelative = false;
        out.base = Instruction.NO_REGISTER;
        out.index = Instruction.NO_REGISTER;
        out.scale = 0;
        out.displacement = 0;
        out.immediate = 0;
        out.immediate2 = 0;
    }

    private static void setRegisters(Instruction out, int opcode, int form) {
        int rexB = (out.rex & REX_B) << 3;
        if (out.modRm >= 0) {
            out.reg = out.modRm >>> 3 & 7 | (out.rex & REX_R) << 1;
            out.rm = out.modRm & 7 | rexB;
            out.memory = out.modRm < MOD_REGISTER && (form & OpcodeIndex.MOD_IGNORED) == 0;
            return;
        }
        out.reg = 0;
        out.rm = opcode & 7 | rexB;
        if (opcode == NOP_OR_XCHG && rexB != 0) {
            out.row = XCHG_ROW;
        }
    }

    /** Of F2 and F3, and of FS and GS, the last one counts; other prefixes add up. */
    static int withPrefix(int prefixes, int bit) {
        return switch (bit) {
            case REP, REPNE -> prefixes & ~(REP | REPNE) | bit;
            case SEGMENT_FS, SEGMENT_GS -> prefixes & ~(SEGMENT_FS | SEGMENT_GS) | bit;
            default -> prefixes | bit;
        };
    }

    private static void setPrefixes(Instruction out, int prefixes, int rex) {
        out.code32 = false;
        out.rex = rex;
        out.rep = (prefixes & REP) != 0;
        out.repne = (prefixes & REPNE) != 0;
        out.lock = (prefixes & LOCK) != 0;
        out.addressSize = (prefixes & ADDRESS_SIZE) != 0 ? 4 : 8;
        out.segmentOverride = (prefixes & (SEGMENT_FS | SEGMENT_GS)) != 0;
        out.segment =
                (prefixes & SEGMENT_FS) != 0
                        ? Instruction.FS
                        : (prefixes & SEGMENT_GS) != 0 ? Instruction.GS : Instruction.NO_REGISTER;
    }

    private static void setOperandSize(Instruction out, int prefixes, int rex, int form) {
        if ((rex & REX_W) != 0 || (form & OpcodeIndex.FORCE_64) != 0) {
            out.operandSize = 8;
        } else if ((prefixes & OPERAND_SIZE) != 0) {
            out.operandSize = 2;
        } else {
            out.operandSize = (form & OpcodeIndex.DEFAULT_64) != 0 ? 8 : 4;
        }
    }

    static boolean mayLock(Instruction out, int form) {
        return out.memory && (form & OpcodeIndex.LOCKABLE) != 0;
    }

    /** Reads SIB and displacement; returns the position behind them, or {@link #TRUNCATED}. */
    static int readAddress(byte[] code, int start, int limit, Instruction out) {
        int position = start;
        int mod = out.modRm >>> 6;
        int base = out.modRm & 7;
        if (base == 4) {
            if (position >= limit) {
                return TRUNCATED;
            }
            int sib = code[position++] & 0xff;
            base = sib & 7;
            int index = sib >>> 3 & 7 | (out.rex & REX_X) << 2;
            if (index != 4) {
                out.index = index;
                out.scale = sib >>> 6;
            }
        } else if (mod == 0 && base == 5) {
            out.ripRelative = true;
        }
        boolean noBase = mod == 0 && base == 5;
        if (!noBase) {
            out.base = base | (out.rex & REX_B) << 3;
        }
        if (mod == 1) {
            if (position >= limit) {
                return TRUNCATED;
            }
            out.displacement = code[position];
            return position + 1;
        }
        if (mod == 2 || noBase) {
            if (limit - position < 4) {
                return TRUNCATED;
            }
            out.displacement = readInt(code, position);
            return position + 4;
        }
        return position;
    }

    /** Reads what follows the address; returns the position behind it, or {@link #TRUNCATED}. */
    static int readImmediates(byte[] code, int position, int limit, int form, Instruction out) {
        int size = form >>> OpcodeIndex.IMMEDIATE_SIZE_SHIFT;
        if (size == 0) {
            if ((form & OpcodeIndex.IMMEDIATE_Z) != 0) {
                size = Math.min(out.operandSize, 4);
            } else if ((form & OpcodeIndex.IMMEDIATE_V) != 0) {
                size = out.operandSize;
            } else {
                return (form & OpcodeIndex.MOFFS) == 0
                        ? position
                        : readMoffs(code, position, limit, out);
            }
        }
        if (limit - position < size) {
            return TRUNCATED;
        }
        out.immediate = readImmediate(code, position, size, form);
        return (form & OpcodeIndex.SECOND_IMMEDIATE) == 0
                ? position + size
                : readSecondImmediate(code, position + size, limit, form, out);
    }

    private static long readImmediate(byte[] code, int position, int size, int form) {
        boolean signed = (form & OpcodeIndex.SIGN_EXTENDED) != 0;
        return switch (size) {
            case 1 -> signed ? code[position] : code[position] & 0xffL;
            case 2 -> signed ? readShort(code, position) : readShort(code, position) & 0xffffL;
            case 4 -> signed ? readInt(code, position) : readInt(code, position) & 0xffff_ffffL;
            default -> readLong(code, position);
        };
    }

    private static int readSecondImmediate(
            byte[] code, int position, int limit, int form, Instruction out) {
        int size = (form & OpcodeIndex.SECOND_IS_WORD) != 0 ? 2 : 1;
        if (limit - position < size) {
            return TRUNCATED;
        }
        out.immediate2 = readImmediate(code, position, size, 0);
        return position + size;
    }

    private static int readMoffs(byte[] code, int position, int limit, Instruction out) {
        if (limit - position < out.addressSize) {
            return TRUNCATED;
        }
        out.memory = true;
        out.displacement = readImmediate(code, position, out.addressSize, 0);
        return position + out.addressSize;
    }

    static short readShort(byte[] code, int position) {
        return (short) (code[position] & 0xff | code[position + 1] << 8);
    }

    private static int readInt(byte[] code, int position) {
        return readShort(code, position) & 0xffff | readShort(code, position + 2) << 16;
    }

    private static long readLong(byte[] code, int position) {
        return readInt(code, position) & 0xffff_ffffL | (long) readInt(code, position + 4) << 32;
    }

    private static byte[] byteKinds() {
        byte[] kinds = new byte[256];
        for (int rex = 0x40; rex < 0x50; rex++) {
            kinds[rex] = REX;
        }
        // CS, DS, ES and SS overrides mean nothing; 3E before an indirect jump is CET's notrack.
        for (int ignored : new int[] {0x26, 0x2e, 0x36, 0x3e}) {
            kinds[ignored] = (byte) LEGACY;
        }
        kinds[0x64] = (byte) (LEGACY | SEGMENT_FS);
        kinds[0x65] = (byte) (LEGACY | SEGMENT_GS);
        kinds[0x66] = (byte) (LEGACY | OPERAND_SIZE);
        kinds[0x67] = (byte) (LEGACY | ADDRESS_SIZE);
        kinds[0xf0] = (byte) (LEGACY | LOCK);
        kinds[0xf2] = (byte) (LEGACY | REPNE);
        kinds[0xf3] = (byte) (LEGACY | REP);
        return kinds;
    }
}

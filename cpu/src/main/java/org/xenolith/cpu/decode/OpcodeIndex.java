package org.xenolith.cpu.decode;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * The opcode table of one code size, arranged for its decoder. Each opcode owns a run of slots, one
 * for each value of what else selects the instruction there: part of ModRM, mandatory prefix,
 * REX.W. Most own one.
 */
final class OpcodeIndex {
    /** Bits of {@link #opcodes}: first slot, and what else selects among the opcode's slots. */
    static final int FIRST_SLOT = 0xffff,
            HAS_MODRM = 1 << 16,
            BY_MOD_AND_REG = 1 << 17,
            BY_MODRM = 1 << 18,
            BY_PREFIX = 1 << 19;

    /** Slots per ModRM selection of a {@link #BY_PREFIX} opcode: four prefixes, REX.W or not. */
    static final int PREFIX_SLOTS = 8;

    /** Bits of {@link #forms}: what of a row the decoder needs. */
    static final int DEFAULT_64 = 1,
            FORCE_64 = 1 << 1,
            LOCKABLE = 1 << 2,
            MOD_IGNORED = 1 << 3,
            MOFFS = 1 << 4,
            // The size of the immediate follows the operand size as for IZ, or as for IV.
            IMMEDIATE_Z = 1 << 5,
            IMMEDIATE_V = 1 << 6,
            SIGN_EXTENDED = 1 << 7,
            // A second immediate, of one byte or two.
            SECOND_IMMEDIATE = 1 << 8,
            SECOND_IS_WORD = 1 << 9;

    /** Where {@link #forms} keeps the immediate's size in bytes, unless Z or V. */
    static final int IMMEDIATE_SIZE_SHIFT = 16;

    private static final int MAPS_SIZE = 4 * 256;

    /** By map and opcode byte. */
    final int[] opcodes = new int[MAPS_SIZE];

    /** By slot; null where the bytes are no instruction. */
    final OpcodeRow[] rows;

    /** By slot; 0 where the row is null. */
    final int[] forms;

    /**
     * A row with what its columns say.
     *
     * @param memory whether it holds where ModRM names memory
     * @param register whether it holds where ModRM names a register
     */
    private record Line(OpcodeRow row, Encoding encoding, boolean memory, boolean register) {
        static Line of(OpcodeRow row) {
            return new Line(
                    row, Encoding.parse(row.encoding()), allowsMemory(row), allowsRegister(row));
        }
    }

    OpcodeIndex(CodeSize size) {
        List<Line> lines = new ArrayList<>();
        for (OpcodeRow row : OpcodeTable.rows()) {
            if (row.existsIn(size)) {
                lines.add(Line.of(row));
            }
        }
        lines.sort(Comparator.comparingInt(line -> line.encoding.rank()));
        rows = new OpcodeRow[allotSlots(lines)];
        lines.forEach(this::fillSlots);
        forms = Arrays.stream(rows).mapToInt(OpcodeIndex::form).toArray();
    }

    /** The row of an opcode that owns one slot. */
    OpcodeRow row(int opcode) {
        return rows[opcodes[opcode] & FIRST_SLOT];
    }

    /** Gives each opcode its run of slots; slot 0 stays empty and serves all undefined opcodes. */
    private int allotSlots(List<Line> lines) {
        for (Line line : lines) {
            Encoding encoding = line.encoding;
            for (int i = 0; i < encoding.opcodes(); i++) {
                opcodes[encoding.opcode() + i] |= selectors(line);
            }
        }
        int used = 1;
        boolean[] known = knownOpcodes(lines);
        for (int opcode = 0; opcode < MAPS_SIZE; opcode++) {
            if (known[opcode]) {
                int slots = slotsOf(opcodes[opcode]);
                opcodes[opcode] |= used;
                used += slots;
            }
        }
        return used;
    }

    private static boolean[] knownOpcodes(List<Line> lines) {
        boolean[] known = new boolean[MAPS_SIZE];
        for (Line line : lines) {
            Encoding encoding = line.encoding;
            Arrays.fill(known, encoding.opcode(), encoding.opcode() + encoding.opcodes(), true);
        }
        return known;
    }

    private static int slotsOf(int selectors) {
        int slots = (selectors & BY_MODRM) != 0 ? 256 : (selectors & BY_MOD_AND_REG) != 0 ? 16 : 1;
        return (selectors & BY_PREFIX) != 0 ? slots * PREFIX_SLOTS : slots;
    }

    private static int selectors(Line line) {
        Encoding encoding = line.encoding;
        int selectors = encoding.prefix() != Encoding.ANY || encoding.rexW() ? BY_PREFIX : 0;
        return selectors
                | switch (encoding.modRm()) {
                    case ABSENT -> 0;
                    case OPERANDS_ONLY ->
                            HAS_MODRM | (line.memory && line.register ? 0 : BY_MOD_AND_REG);
                    case REG -> HAS_MODRM | BY_MOD_AND_REG;
                    case WHOLE -> HAS_MODRM | BY_MODRM;
                };
    }

    private void fillSlots(Line line) {
        Encoding encoding = line.encoding;
        for (int i = 0; i < encoding.opcodes(); i++) {
            int opcode = opcodes[encoding.opcode() + i];
            if ((opcode & HAS_MODRM) == 0) {
                fillPrefixSlots(line, opcode, 0);
                continue;
            }
            for (int modRm = 0; modRm < 256; modRm++) {
                if (holdsFor(line, modRm)) {
                    fillPrefixSlots(line, opcode, modRmSelector(opcode, modRm));
                }
            }
        }
    }

    private static boolean holdsFor(Line line, int modRm) {
        Encoding encoding = line.encoding;
        boolean register = modRm >= 0xc0;
        int reg = modRm >>> 3 & 7;
        int value = encoding.modRm() == Encoding.ModRmPart.WHOLE ? modRm : reg;
        boolean wanted = value >= encoding.firstModRm() && value <= encoding.lastModRm();
        return wanted && (register ? line.register : line.memory);
    }

    /** The part of the slot number that ModRM decides. */
    static int modRmSelector(int opcode, int modRm) {
        if ((opcode & BY_MODRM) != 0) {
            return modRm;
        }
        if ((opcode & BY_MOD_AND_REG) == 0) {
            return 0;
        }
        return modRm >>> 3 & 7 | (modRm >= 0xc0 ? 8 : 0);
    }

    private void fillPrefixSlots(Line line, int opcode, int selector) {
        Encoding encoding = line.encoding;
        int first = opcode & FIRST_SLOT;
        if ((opcode & BY_PREFIX) == 0) {
            rows[first + selector] = line.row;
            return;
        }
        for (int slot = 0; slot < PREFIX_SLOTS; slot++) {
            boolean prefixHolds =
                    encoding.prefix() == Encoding.ANY || encoding.prefix() == slot >>> 1;
            if (prefixHolds && (!encoding.rexW() || (slot & 1) != 0)) {
                rows[first + selector * PREFIX_SLOTS + slot] = line.row;
            }
        }
    }

    private static boolean allowsMemory(OpcodeRow row) {
        return row.operands().stream()
                .noneMatch(
                        operand ->
                                switch (operand) {
                                    case RD, RV, RY, NQ, UX, UQ -> true;
                                    default -> false;
                                });
    }

    private static boolean allowsRegister(OpcodeRow row) {
        return row.operands().stream()
                .noneMatch(
                        operand ->
                                switch (operand) {
                                    case M, MB, MW, MD, MQ, MV, MY, MX, MP, MA -> true;
                                    default -> false;
                                });
    }

    private static int form(OpcodeRow row) {
        if (row == null) {
            return 0;
        }
        int form = row.has(OpcodeRow.LOCKABLE) ? LOCKABLE : 0;
        form |= row.has(OpcodeRow.DEFAULT_64) ? DEFAULT_64 : 0;
        form |= row.has(OpcodeRow.FORCE_64) ? FORCE_64 : 0;
        int immediates = 0;
        for (Operand operand : row.operands()) {
            int part = operandForm(operand);
            boolean second = isImmediate(part) && immediates++ > 0;
            form |= second ? SECOND_IMMEDIATE : part;
        }
        return form;
    }

    private static boolean isImmediate(int form) {
        return form >>> IMMEDIATE_SIZE_SHIFT != 0 || (form & (IMMEDIATE_Z | IMMEDIATE_V)) != 0;
    }

    private static int operandForm(Operand operand) {
        return switch (operand) {
            case IB -> 1 << IMMEDIATE_SIZE_SHIFT;
            case IBS, JB -> 1 << IMMEDIATE_SIZE_SHIFT | SIGN_EXTENDED;
            case IW -> 2 << IMMEDIATE_SIZE_SHIFT;
            case IZ, JZ -> IMMEDIATE_Z | SIGN_EXTENDED;
            case IV -> IMMEDIATE_V;
            case AP -> IMMEDIATE_Z | SECOND_IMMEDIATE | SECOND_IS_WORD;
            case OB, OV -> MOFFS;
            case CD, DD -> MOD_IGNORED;
            default -> 0;
        };
    }
}

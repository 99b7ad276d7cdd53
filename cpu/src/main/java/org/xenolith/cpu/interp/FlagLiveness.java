package org.xenolith.cpu.interp;

import org.xenolith.cpu.decode.Instruction;
import org.xenolith.cpu.decode.OpcodeRow;
import org.xenolith.cpu.decode.OpcodeTable;
import org.xenolith.cpu.decode.Operand;

import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * Which instructions of a block write arithmetic flags that nobody can read: a later one overwrites
 * all six, and none from there to here accesses memory. So flags are exact wherever a fault may
 * leave the block, and behind each store, which may have replaced the overwriting instruction. Only
 * a stop in between would show stale ones; the interpreter makes none, see {@link
 * Op#leavesFlagsExact}.
 *
 * <p>Writing the flags before each memory access costs nothing that can be measured: 340-376 MIPS
 * either way with the bytecode interpreter of docs/performance.md, 307-338 with SHA-256.
 */
final class FlagLiveness {
    /** Set all six flags from their operands alone, whatever those are. */
    private static final Set<String> OVERWRITES =
            Set.of("add", "sub", "and", "or", "xor", "cmp", "test", "neg", "imul", "mul", "popcnt");

    /**
     * Do not need the flags to do their work, and can raise no fault on registers. Some write a few
     * and keep the rest: where all six are overwritten later, neither what these write nor what
     * they keep is seen.
     */
    private static final Set<String> INDIFFERENT =
            Set.of(
                    "mov", "movzx", "movsx", "movsxd", "lea", "nop", "xchg", "bswap", "not", "cbw",
                    "cwd", "inc", "dec", "rol", "ror", "bt", "bts", "btr", "btc", "bsf", "bsr",
                    "shl", "shr", "sar");

    private static final Set<Operand> SYSTEM_REGISTERS =
            EnumSet.of(Operand.SW, Operand.CD, Operand.DD);

    private enum Effect {
        OVERWRITES,
        INDIFFERENT,
        OTHER
    }

    private static final Effect[] EFFECTS = effects();

    private FlagLiveness() {}

    private static Effect[] effects() {
        List<OpcodeRow> rows = OpcodeTable.rows();
        Effect[] effects = new Effect[rows.size()];
        for (OpcodeRow row : rows) {
            effects[row.id()] = effect(row);
        }
        return effects;
    }

    private static Effect effect(OpcodeRow row) {
        if (OVERWRITES.contains(row.mnemonic())) {
            return Effect.OVERWRITES;
        }
        boolean indifferent = INDIFFERENT.contains(row.mnemonic());
        return indifferent && !mayFaultOnRegisters(row) ? Effect.INDIFFERENT : Effect.OTHER;
    }

    /** MOV of segment, control and debug registers. */
    private static boolean mayFaultOnRegisters(OpcodeRow row) {
        return row.operands().stream().anyMatch(SYSTEM_REGISTERS::contains);
    }

    /**
     * Finds them among the first {@code count} instructions.
     *
     * @param followed jumps without an operation
     * @param dead is filled with the answer
     */
    static void find(Instruction[] block, boolean[] followed, int count, boolean[] dead) {
        boolean overwritten = false;
        for (int i = count - 1; i >= 0; i--) {
            dead[i] = overwritten && !mayStore(block[i]);
            if (followed[i]) {
                continue;
            }
            overwritten =
                    switch (effect(block[i])) {
                        case OVERWRITES -> true;
                        case INDIFFERENT -> overwritten;
                        case OTHER -> false;
                    };
        }
    }

    private static Effect effect(Instruction in) {
        if (in.row == null || in.row.has(OpcodeRow.ENDS_BLOCK) || accessesMemory(in)) {
            return Effect.OTHER;
        }
        return EFFECTS[in.row.id()];
    }

    /** LEA and NOP have a memory operand and leave it alone. */
    private static boolean accessesMemory(Instruction in) {
        return in.memory && !in.row.mnemonic().equals("lea") && !in.row.mnemonic().equals("nop");
    }

    /** Behind a store the next instruction may be another one, so the flags must be there. */
    private static boolean mayStore(Instruction in) {
        if (in.row == null || EFFECTS[in.row.id()] == Effect.OTHER) {
            return true;
        }
        return in.memory
                && switch (in.row.operands().getFirst()) {
                    case GB, GW, GD, GV, GY -> false;
                    default -> true;
                };
    }
}

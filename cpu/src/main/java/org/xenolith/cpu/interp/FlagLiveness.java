package org.xenolith.cpu.interp;

import org.xenolith.cpu.decode.Instruction;
import org.xenolith.cpu.decode.OpcodeRow;
import org.xenolith.cpu.decode.OpcodeTable;

import java.util.List;
import java.util.Set;

/**
 * Which instructions of a block write arithmetic flags that nobody reads: a later one in the block
 * overwrites all six first. At a fault in between they may then be stale, which a guest can only
 * see in the frame that the fault pushes; its return restarts an instruction before the overwriting
 * one.
 *
 * <p>Known limit: a store in between that replaces the overwriting instruction itself, in the block
 * that runs, by one that reads flags lets that one read stale flags.
 */
final class FlagLiveness {
    /** Set all six flags from their operands alone, whatever those are. */
    private static final Set<String> OVERWRITES =
            Set.of("add", "sub", "and", "or", "xor", "cmp", "test", "neg", "imul", "mul", "popcnt");

    /**
     * Do not need the flags to do their work. Some write a few and keep the rest: where all six are
     * overwritten later, neither what these write nor what they keep is seen.
     */
    private static final Set<String> INDIFFERENT =
            Set.of(
                    "mov", "movzx", "movsx", "movsxd", "lea", "push", "pop", "nop", "xchg", "bswap",
                    "not", "cbw", "cwd", "leave", "call", "movups", "movaps", "movdqa", "movdqu",
                    "movq", "movd", "inc", "dec", "rol", "ror", "bt", "bts", "btr", "btc", "bsf",
                    "bsr", "shl", "shr", "sar");

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
            effects[row.id()] =
                    OVERWRITES.contains(row.mnemonic())
                            ? Effect.OVERWRITES
                            : INDIFFERENT.contains(row.mnemonic())
                                    ? Effect.INDIFFERENT
                                    : Effect.OTHER;
        }
        return effects;
    }

    /**
     * @param followed jumps without an operation
     */
    static boolean[] dead(Instruction[] block, boolean[] followed, int count) {
        boolean[] dead = new boolean[count];
        boolean overwritten = false;
        for (int i = count - 1; i >= 0; i--) {
            dead[i] = overwritten;
            if (followed[i]) {
                continue;
            }
            OpcodeRow row = block[i].row;
            Effect effect =
                    row == null || row.has(OpcodeRow.ENDS_BLOCK) ? Effect.OTHER : EFFECTS[row.id()];
            overwritten =
                    switch (effect) {
                        case OVERWRITES -> true;
                        case INDIFFERENT -> overwritten;
                        case OTHER -> false;
                    };
        }
        return dead;
    }
}

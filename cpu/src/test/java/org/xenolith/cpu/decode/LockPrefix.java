package org.xenolith.cpu.decode;

import java.util.Set;

/**
 * Where a LOCK prefix is legal: these instructions with a destination in memory. Written down from
 * the manual once more, so that a mark that the opcode tables lack is noticed. SDM vol. 2, LOCK.
 */
public final class LockPrefix {
    private static final Set<String> ALLOWED =
            Set.of(
                    "add",
                    "adc",
                    "and",
                    "btc",
                    "btr",
                    "bts",
                    "cmpxchg",
                    "cmpxchg8b",
                    "cmpxchg16b",
                    "dec",
                    "inc",
                    "neg",
                    "not",
                    "or",
                    "sbb",
                    "sub",
                    "xor",
                    "xadd",
                    "xchg");

    private static final Set<Operand> DESTINATIONS =
            Set.of(Operand.EB, Operand.EV, Operand.MQ, Operand.MX);

    private LockPrefix() {}

    static boolean isAllowed(String mnemonic) {
        return ALLOWED.contains(mnemonic);
    }

    /** Whether uses of the row that have a memory operand may be locked. */
    public static boolean isAllowed(OpcodeRow row) {
        return isAllowed(row.mnemonic())
                && !row.operands().isEmpty()
                && DESTINATIONS.contains(row.operands().getFirst());
    }
}

package org.xenolith.cpu.decode;

import java.util.List;

/**
 * One line of the opcode tables: an encoding and what it means.
 *
 * @param id dense index of the row, for per-row tables elsewhere
 * @param encoding the line as the manual writes it, e.g. {@code "66 0F 6F /r"} or {@code "83 /0
 *     ib"}
 * @param mnemonic lower-case Intel mnemonic, the same for all forms: {@code add}, {@code jcc} rows
 *     carry their condition ({@code jne})
 * @param operands destination first, as in the manual
 * @param flags {@code LOCKABLE} and other properties, an OR of the constants below
 */
public record OpcodeRow(
        int id, String encoding, String mnemonic, List<Operand> operands, int flags) {
    /** A LOCK prefix is legal with a memory destination. */
    public static final int LOCKABLE = 1;

    /** In 64-bit mode the operand size is 64 bit without REX.W (push, pop). */
    public static final int DEFAULT_64 = 1 << 1;

    /** In 64-bit mode the operand size is 64 bit whatever the prefixes say (near branches). */
    public static final int FORCE_64 = 1 << 2;

    /** Ends a decoded block: the next instruction is not simply the following one. */
    public static final int ENDS_BLOCK = 1 << 3;

    /** A string instruction that takes REP. */
    public static final int REP = 1 << 4;

    /** REP and REPNE differ (scas, cmps). */
    public static final int REPZ = 1 << 5;

    /** Part of the x87 (D8-DF): operands are found in ModRM. */
    public static final int ESCAPE = 1 << 6;

    /** MMX, SSE and later vector instructions, bound through their own table. */
    public static final int SIMD = 1 << 7;

    /** Known, but nothing a PV guest may execute: raises #GP(0) or #UD. */
    public static final int PRIVILEGED = 1 << 8;

    /** In 64-bit mode the encoding means something else or nothing; the manual's i64. */
    public static final int INVALID_64 = 1 << 9;

    /** In 32-bit code the encoding means something else or nothing; the manual's o64. */
    public static final int ONLY_64 = 1 << 10;

    /** Whether the row is one of those that code of this size has. */
    public boolean existsIn(CodeSize size) {
        return !has(
                switch (size) {
                    case CODE_64 -> INVALID_64;
                    case CODE_32 -> ONLY_64;
                });
    }

    public boolean has(int flag) {
        return (flags & flag) != 0;
    }
}

package org.xenolith.cpu;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Writes machine code for tests, one method a mnemonic. Operand width in bits comes first;
 * registers are {@link Cpu#RAX} to {@link Cpu#R15}; jumps name a {@link Label}. Branches are always
 * rel32.
 */
public final class Assembler {
    /** A place in the code, bound before or after its use. */
    public static final class Label {
        private long vaddr = -1;

        /** Linear address, once bound. */
        public long vaddr() {
            return vaddr;
        }
    }

    /**
     * A memory operand: base + (index << scale) + displacement. The displacement takes 32 bits
     * always.
     *
     * @param base register, or {@link #NONE}
     * @param index register, or {@link #NONE}
     */
    public record Memory(int base, int index, int scale, int displacement) {}

    /**
     * The two-operand instructions that share their encodings; the order is that of the opcodes.
     */
    public enum Alu {
        ADD,
        OR,
        ADC,
        SBB,
        AND,
        SUB,
        XOR,
        CMP
    }

    /** Shifts and rotates, in the order of ModRM.reg. */
    public enum Shift {
        ROL,
        ROR,
        RCL,
        RCR,
        SHL,
        SHR,
        SAL,
        SAR
    }

    /** Bit tests, in the order of the opcodes. */
    public enum BitTest {
        BT,
        BTS,
        BTR,
        BTC
    }

    /** The conditions of Jcc, SETcc and CMOVcc, in the order of their encoding. */
    public enum Condition {
        O,
        NO,
        B,
        AE,
        E,
        NE,
        BE,
        A,
        S,
        NS,
        P,
        NP,
        L,
        GE,
        LE,
        G
    }

    public static final int NONE = -1;

    private static final int OPERAND_SIZE = 0x66, ADDRESS_SIZE = 0x67;
    private static final int LOCK = 0xf0, REPNE = 0xf2, REP = 0xf3;
    private static final int REX = 0x40, REX_W = 8, REX_R = 4, REX_X = 2, REX_B = 1;
    private static final int TWO_BYTE = 0x0f;
    private static final int MOD_DISPLACEMENT_32 = 2 << 6, MOD_REGISTER = 3 << 6;
    private static final int SIB_FOLLOWS = 4, NO_INDEX = 4, NO_BASE = 5;

    private record Fixup(int at, Label label) {}

    private final long origin;
    private final ByteArrayOutputStream code = new ByteArrayOutputStream();
    private final List<Fixup> fixups = new ArrayList<>();

    /**
     * @param origin linear address of the first byte
     */
    public Assembler(long origin) {
        this.origin = origin;
    }

    /** {@code [base + displacement]}. */
    public static Memory at(int base, int displacement) {
        return new Memory(base, NONE, 0, displacement);
    }

    /** {@code [base]}. */
    public static Memory at(int base) {
        return at(base, 0);
    }

    /** Linear address of the next byte. */
    public long here() {
        return origin + code.size();
    }

    /** The code; every label used must be bound. */
    public byte[] bytes() {
        byte[] bytes = code.toByteArray();
        for (Fixup fixup : fixups) {
            if (fixup.label.vaddr < 0) {
                throw new IllegalStateException("jump to a label that is nowhere");
            }
            long displacement = fixup.label.vaddr - (origin + fixup.at + 4);
            for (int i = 0; i < 4; i++) {
                bytes[fixup.at + i] = (byte) (displacement >>> 8 * i);
            }
        }
        return bytes;
    }

    public Assembler bind(Label label) {
        label.vaddr = here();
        return this;
    }

    /** A label bound here. */
    public Label mark() {
        Label label = new Label();
        bind(label);
        return label;
    }

    /** Fills with NOP up to an address. */
    public Assembler padTo(long vaddr) {
        while (here() < vaddr) {
            nop();
        }
        return this;
    }

    /** Bytes that no mnemonic below makes; say in the test what they are. */
    public Assembler bytes(int... values) {
        for (int value : values) {
            code.write(value);
        }
        return this;
    }

    // ---- moves
    // -----------------------------------------------------------------------------------------

    /** MOV r64, imm64. */
    public Assembler mov(int dst, long immediate) {
        code.write(REX | REX_W | (dst >= 8 ? REX_B : 0));
        code.write(0xb8 + (dst & 7));
        return immediate(64, immediate);
    }

    public Assembler mov(int bits, int dst, int src) {
        return registers(bits, opcode(bits, 0x88), src, dst);
    }

    public Assembler load(int bits, int dst, Memory from) {
        return memory(bits, opcode(bits, 0x8a), dst, from);
    }

    public Assembler store(int bits, Memory to, int src) {
        return memory(bits, opcode(bits, 0x88), src, to);
    }

    /** MOV m, imm. */
    public Assembler storeImmediate(int bits, Memory to, int immediate) {
        memory(bits, opcode(bits, 0xc6), 0, to);
        return immediate(Math.min(bits, 32), immediate);
    }

    /** MOV m32, r32, RIP-relative: to where a label is. */
    public Assembler store32(Label to, int src) {
        return ripRelative(0, 0x89, src, to);
    }

    /** LEA r64, RIP-relative: the address of a label. */
    public Assembler lea(int dst, Label of) {
        return ripRelative(REX_W, 0x8d, dst, of);
    }

    public Assembler xchg(int bits, Memory at, int register) {
        return memory(bits, opcode(bits, 0x86), register, at);
    }

    public Assembler cmov(Condition condition, int bits, int dst, int src) {
        return registers(bits, TWO_BYTE << 8 | 0x40 + condition.ordinal(), dst, src);
    }

    public Assembler cmov(Condition condition, int bits, int dst, Memory from) {
        return memory(bits, TWO_BYTE << 8 | 0x40 + condition.ordinal(), dst, from);
    }

    public Assembler cmpxchg(int bits, Memory at, int src) {
        return memory(bits, TWO_BYTE << 8 | opcode(bits, 0xb0), src, at);
    }

    public Assembler cmpxchg(int bits, int dst, int src) {
        return registers(bits, TWO_BYTE << 8 | opcode(bits, 0xb0), src, dst);
    }

    public Assembler cmpxchg16b(Memory at) {
        return memory(64, TWO_BYTE << 8 | 0xc7, 1, at);
    }

    public Assembler xadd(int bits, Memory at, int src) {
        return memory(bits, TWO_BYTE << 8 | opcode(bits, 0xc0), src, at);
    }

    public Assembler xadd(int bits, int dst, int src) {
        return registers(bits, TWO_BYTE << 8 | opcode(bits, 0xc0), src, dst);
    }

    public Assembler push(int register) {
        return withRegister(0x50, register);
    }

    public Assembler push(Memory from) {
        return memory(32, 0xff, 6, from);
    }

    public Assembler pop(int register) {
        return withRegister(0x58, register);
    }

    public Assembler pop(Memory to) {
        return memory(32, 0x8f, 0, to);
    }

    public Assembler pushf() {
        return bytes(0x9c);
    }

    public Assembler popf() {
        return bytes(0x9d);
    }

    public Assembler enter(int size, int level) {
        return bytes(0xc8, size & 0xff, size >> 8, level);
    }

    /** MOV SS, r32. */
    public Assembler movToSs(int src) {
        return registers(32, 0x8e, 2, src);
    }

    // ---- arithmetic
    // ------------------------------------------------------------------------------------

    public Assembler alu(Alu operation, int bits, int dst, int src) {
        return registers(bits, opcode(bits, operation.ordinal() << 3), src, dst);
    }

    public Assembler alu(Alu operation, int bits, Memory dst, int src) {
        return memory(bits, opcode(bits, operation.ordinal() << 3), src, dst);
    }

    public Assembler aluImmediate(Alu operation, int bits, int dst, int immediate) {
        registers(bits, opcode(bits, 0x80), operation.ordinal(), dst);
        return immediate(Math.min(bits, 32), immediate);
    }

    public Assembler test(int bits, int dst, int src) {
        return registers(bits, opcode(bits, 0x84), src, dst);
    }

    public Assembler test(int bits, Memory dst, int src) {
        return memory(bits, opcode(bits, 0x84), src, dst);
    }

    public Assembler testImmediate(int bits, int dst, int immediate) {
        registers(bits, opcode(bits, 0xf6), 0, dst);
        return immediate(Math.min(bits, 32), immediate);
    }

    public Assembler testImmediate(int bits, Memory dst, int immediate) {
        memory(bits, opcode(bits, 0xf6), 0, dst);
        return immediate(Math.min(bits, 32), immediate);
    }

    public Assembler inc(int bits, int dst) {
        return registers(bits, opcode(bits, 0xfe), 0, dst);
    }

    public Assembler inc(int bits, Memory dst) {
        return memory(bits, opcode(bits, 0xfe), 0, dst);
    }

    public Assembler dec(int bits, int dst) {
        return registers(bits, opcode(bits, 0xfe), 1, dst);
    }

    public Assembler dec(int bits, Memory dst) {
        return memory(bits, opcode(bits, 0xfe), 1, dst);
    }

    public Assembler not(int bits, Memory dst) {
        return memory(bits, opcode(bits, 0xf6), 2, dst);
    }

    public Assembler aluImmediate(Alu operation, int bits, Memory dst, int immediate) {
        memory(bits, opcode(bits, 0x80), operation.ordinal(), dst);
        return immediate(Math.min(bits, 32), immediate);
    }

    /** At a constant offset. */
    public Assembler bit(BitTest operation, int bits, Memory dst, int offset) {
        memory(bits, TWO_BYTE << 8 | 0xba, 4 + operation.ordinal(), dst);
        return immediate(8, offset);
    }

    /** At an offset in a register. */
    public Assembler bitAt(BitTest operation, int bits, Memory dst, int offset) {
        return memory(bits, TWO_BYTE << 8 | 0xa3 + 8 * operation.ordinal(), offset, dst);
    }

    /** Shift or rotate by CL. */
    public Assembler shift(Shift operation, int bits, int dst) {
        return registers(bits, opcode(bits, 0xd2), operation.ordinal(), dst);
    }

    public Assembler div(int bits, int divisor) {
        return registers(bits, opcode(bits, 0xf6), 6, divisor);
    }

    public Assembler idiv(int bits, int divisor) {
        return registers(bits, opcode(bits, 0xf6), 7, divisor);
    }

    public Assembler bsf(int bits, int dst, int src) {
        return registers(bits, TWO_BYTE << 8 | 0xbc, dst, src);
    }

    public Assembler bsr(int bits, int dst, int src) {
        return registers(bits, TWO_BYTE << 8 | 0xbd, dst, src);
    }

    public Assembler stc() {
        return bytes(0xf9);
    }

    public Assembler cld() {
        return bytes(0xfc);
    }

    public Assembler std() {
        return bytes(0xfd);
    }

    // ---- strings, control, others
    // ----------------------------------------------------------------------

    public Assembler movs(int bits) {
        return string(bits, 0xa4);
    }

    public Assembler stos(int bits) {
        return string(bits, 0xaa);
    }

    public Assembler lods(int bits) {
        return string(bits, 0xac);
    }

    public Assembler cmps(int bits) {
        return string(bits, 0xa6);
    }

    public Assembler scas(int bits) {
        return string(bits, 0xae);
    }

    public Assembler ins(int bits) {
        return string(bits, 0x6c);
    }

    public Assembler outs(int bits) {
        return string(bits, 0x6e);
    }

    /** Prefix F3 for the next instruction. */
    public Assembler rep() {
        return bytes(REP);
    }

    /** Prefix F2 for the next instruction. */
    public Assembler repne() {
        return bytes(REPNE);
    }

    /** Prefix F0 for the next instruction. */
    public Assembler lock() {
        return bytes(LOCK);
    }

    /** Prefix 66 for the next instruction; the widths above add it by themselves. */
    public Assembler operandSizePrefix() {
        return bytes(OPERAND_SIZE);
    }

    /** Prefix 67 for the next instruction: addresses of 32 bits. */
    public Assembler addressSizePrefix() {
        return bytes(ADDRESS_SIZE);
    }

    public Assembler jmp(Label target) {
        return bytes(0xe9).reference(target);
    }

    public Assembler jmp(int register) {
        return registers(32, 0xff, 4, register);
    }

    public Assembler jmp(Memory target) {
        return memory(32, 0xff, 4, target);
    }

    public Assembler jcc(Condition condition, Label target) {
        return bytes(TWO_BYTE, 0x80 + condition.ordinal()).reference(target);
    }

    public Assembler call(Label target) {
        return bytes(0xe8).reference(target);
    }

    public Assembler call(Memory target) {
        return memory(32, 0xff, 2, target);
    }

    public Assembler ret() {
        return bytes(0xc3);
    }

    public Assembler iretq() {
        return bytes(REX | REX_W, 0xcf);
    }

    public Assembler interrupt(int vector) {
        return bytes(0xcd, vector);
    }

    /** SYSCALL: how test code ends. */
    public Assembler syscall() {
        return bytes(TWO_BYTE, 0x05);
    }

    public Assembler nop() {
        return bytes(0x90);
    }

    public Assembler pause() {
        return bytes(REP, 0x90);
    }

    public Assembler mfence() {
        return bytes(TWO_BYTE, 0xae, 0xf0);
    }

    // ---- vectors and x87
    // -------------------------------------------------------------------------------

    /**
     * A vector instruction {@code xmm, xmm}.
     *
     * @param prefix 0x66, 0xf2, 0xf3, or 0 for none
     * @param opcode the byte behind 0F, or the two, of which the first is 38 or 3A
     */
    public Assembler sse(int prefix, int opcode, int dst, int src) {
        if (prefix != 0) {
            code.write(prefix);
        }
        return registers(32, behindEscape(opcode), dst, src);
    }

    /** As {@link #sse(int, int, int, int)}, with a memory source. */
    public Assembler sse(int prefix, int opcode, int dst, Memory from) {
        if (prefix != 0) {
            code.write(prefix);
        }
        return memory(32, behindEscape(opcode), dst, from);
    }

    private static int behindEscape(int opcode) {
        return opcode > 0xff ? TWO_BYTE << 16 | opcode : TWO_BYTE << 8 | opcode;
    }

    /** FSTP m32fp. */
    public Assembler fstp(Memory to) {
        return memory(32, 0xd9, 3, to);
    }

    /** FLDENV m28byte. */
    public Assembler fldenv(Memory from) {
        return memory(32, 0xd9, 4, from);
    }

    /** FLDCW m2byte. */
    public Assembler fldcw(Memory from) {
        return memory(32, 0xd9, 5, from);
    }

    public Assembler clflush(Memory at) {
        return memory(32, TWO_BYTE << 8 | 0xae, 7, at);
    }

    /** FNSTENV m28byte. */
    public Assembler fnstenv(Memory to) {
        return memory(32, 0xd9, 6, to);
    }

    // ---- encoding
    // --------------------------------------------------------------------------------------

    /** Byte forms have the even opcode, wider ones the odd one behind it. */
    private static int opcode(int bits, int byteForm) {
        return bits == 8 ? byteForm : byteForm + 1;
    }

    private Assembler string(int bits, int byteForm) {
        prefixes(bits, 0);
        return bytes(opcode(bits, byteForm));
    }

    private Assembler withRegister(int opcode, int register) {
        if (register >= 8) {
            code.write(REX | REX_B);
        }
        return bytes(opcode + (register & 7));
    }

    private Assembler registers(int bits, int opcode, int reg, int rm) {
        boolean byteRegister = bits == 8 && (reg >= Cpu.RSP || rm >= Cpu.RSP);
        prefixes(bits, (reg >= 8 ? REX_R : 0) | (rm >= 8 ? REX_B : 0) | (byteRegister ? REX : 0));
        opcodeBytes(opcode);
        return bytes(MOD_REGISTER | (reg & 7) << 3 | rm & 7);
    }

    private Assembler memory(int bits, int opcode, int reg, Memory m) {
        prefixes(
                bits,
                (reg >= 8 ? REX_R : 0)
                        | (m.index >= 8 ? REX_X : 0)
                        | (m.base >= 8 ? REX_B : 0)
                        | (bits == 8 && reg >= Cpu.RSP ? REX : 0));
        opcodeBytes(opcode);
        int base = m.base == NONE ? NO_BASE : m.base & 7;
        int index = m.index == NONE ? NO_INDEX : m.index & 7;
        code.write((m.base == NONE ? 0 : MOD_DISPLACEMENT_32) | (reg & 7) << 3 | SIB_FOLLOWS);
        code.write(m.scale << 6 | index << 3 | base);
        return immediate(32, m.displacement);
    }

    private Assembler ripRelative(int rex, int opcode, int reg, Label label) {
        return bytes(REX | rex | (reg >= 8 ? REX_R : 0), opcode, (reg & 7) << 3 | NO_BASE)
                .reference(label);
    }

    private void prefixes(int bits, int rex) {
        if (bits == 16) {
            code.write(OPERAND_SIZE);
        }
        int all = rex | (bits == 64 ? REX_W : 0);
        if (all != 0) {
            code.write(REX | all);
        }
    }

    private void opcodeBytes(int opcode) {
        if (opcode > 0xffff) {
            code.write(opcode >> 16);
        }
        if (opcode > 0xff) {
            code.write(opcode >> 8);
        }
        code.write(opcode);
    }

    private Assembler immediate(int bits, long value) {
        for (int i = 0; i < bits; i += 8) {
            code.write((int) (value >>> i));
        }
        return this;
    }

    private Assembler reference(Label target) {
        fixups.add(new Fixup(code.size(), target));
        return immediate(32, 0);
    }

    @Override
    public String toString() {
        return Long.toHexString(origin) + ": " + Arrays.toString(bytes());
    }
}

package org.xenolith.cpu;

import static org.xenolith.cpu.Assembler.at;

import org.xenolith.cpu.Assembler.Alu;
import org.xenolith.cpu.Assembler.Condition;
import org.xenolith.cpu.Assembler.Memory;
import org.xenolith.cpu.Assembler.Shift;

import java.util.function.Consumer;
import java.util.random.RandomGenerator;

/**
 * Instructions without jumps for {@link RandomProgram}. Each is chosen with all its operands before
 * it is written, so that a program can be written again with some of them left out.
 */
final class RandomInstructions {
    /** RBX and RBP point at data; R13 to R15 belong to the program's jumps and loops. */
    static final int[] FREE = {
        Cpu.RAX, Cpu.RCX, Cpu.RDX, Cpu.RSI, Cpu.RDI, Cpu.R8, Cpu.R9, Cpu.R10, Cpu.R11, Cpu.R12
    };

    /** Of the first eight, for encodings written here without REX.R and REX.B. */
    private static final int[] LOW = {Cpu.RAX, Cpu.RCX, Cpu.RDX, Cpu.RSI, Cpu.RDI};

    private static final int[] WIDTHS = {8, 16, 32, 64};
    private static final int PAGE = 0x1000;
    private static final int FS = 0x64, ADDRESS_SIZE = 0x67;

    private final RandomGenerator random;
    private final boolean faults;

    RandomInstructions(RandomGenerator random, boolean faults) {
        this.random = random;
        this.faults = faults;
    }

    Consumer<Assembler> next() {
        return switch (random.nextInt(16)) {
            case 0, 1, 2, 3, 4 -> arithmetic();
            case 5, 6, 7 -> onMemory();
            case 8, 9, 10 -> move();
            case 11 -> bitsAndShifts();
            case 12 -> seldom();
            default -> vector();
        };
    }

    // ---- choices

    int register() {
        return FREE[random.nextInt(FREE.length)];
    }

    Condition condition() {
        return Condition.values()[random.nextInt(Condition.values().length)];
    }

    private int low() {
        return LOW[random.nextInt(LOW.length)];
    }

    private int width() {
        return WIDTHS[random.nextInt(WIDTHS.length)];
    }

    private int wide() {
        return random.nextBoolean() ? 32 : 64;
    }

    private Alu alu() {
        return Alu.values()[random.nextInt(Alu.values().length)];
    }

    /** Mostly around the middle of a page; now and then across two, or where there is none. */
    private Memory memory() {
        int kind = random.nextInt(100);
        if (faults && kind == 0) {
            return at(Cpu.RBX, edge());
        }
        if (kind < 3) {
            return at(Cpu.RBX, PAGE - 1 - random.nextInt(8));
        }
        return at(random.nextBoolean() ? Cpu.RBX : Cpu.RBP, random.nextInt(512) - 256);
    }

    /** Not mapped, read-only, and accesses that begin where they may and end where not. */
    private int edge() {
        return switch (random.nextInt(4)) {
            case 0 -> 0x10_0000;
            case 1 -> RandomProgram.READ_ONLY - RandomProgram.MIDDLE + random.nextInt(PAGE);
            case 2 -> RandomProgram.READ_ONLY - RandomProgram.MIDDLE - 1 - random.nextInt(8);
            default -> RandomProgram.END - RandomProgram.MIDDLE - 1 - random.nextInt(8);
        };
    }

    private Memory aligned() {
        Memory m = memory();
        return faults && random.nextInt(50) == 0 ? m : at(m.base(), m.displacement() & ~15);
    }

    // ---- general registers

    private Consumer<Assembler> arithmetic() {
        Alu operation = alu();
        int to = register();
        int from = register();
        int bits = width();
        int immediate = random.nextInt(3) == 0 ? random.nextInt(256) - 128 : random.nextInt();
        Condition condition = condition();
        return switch (random.nextInt(9)) {
            case 0, 1, 2, 3 -> code -> code.alu(operation, bits, to, from);
            case 4, 5 -> code -> code.aluImmediate(operation, bits, to, immediate);
            case 6 -> code -> code.inc(bits, to);
            case 7 -> code -> code.dec(bits, to);
            default -> code -> code.cmov(condition, Math.max(bits, 16), to, from);
        };
    }

    private Consumer<Assembler> onMemory() {
        Alu operation = alu();
        Memory m = memory();
        int register = register();
        int bits = width();
        Condition condition = condition();
        return switch (random.nextInt(6)) {
            case 0, 1, 2 -> code -> code.alu(operation, bits, m, register);
            case 3 -> code -> code.inc(bits, m);
            case 4 -> code -> code.cmov(condition, Math.max(bits, 16), register, m);
            default -> scaled(operation, bits, register);
        };
    }

    /** An index of eight bits first, and then an operand that adds it. */
    private Consumer<Assembler> scaled(Alu operation, int bits, int register) {
        int index = register();
        int scale = random.nextInt(4);
        Memory m = new Memory(Cpu.RBX, index, scale, random.nextInt(64));
        int prefix = new int[] {0, 0, FS, ADDRESS_SIZE}[random.nextInt(4)];
        boolean wild = faults && random.nextInt(20) == 0;
        return code -> {
            if (!wild) {
                code.aluImmediate(Alu.AND, 32, index, 0xff);
            }
            if (prefix != 0) {
                code.bytes(prefix);
            }
            code.alu(operation, bits, m, register);
        };
    }

    private Consumer<Assembler> move() {
        Memory m = memory();
        int register = register();
        int other = register();
        int bits = width();
        Alu operation = alu();
        int immediate = random.nextInt();
        return switch (random.nextInt(7)) {
            case 0, 1 -> code -> code.load(bits, register, m);
            case 2, 3 -> code -> code.store(bits, m, register);
            case 4 -> code -> code.mov(bits, register, other);
            case 5 -> code -> code.storeImmediate(bits, m, immediate);
            default ->
                    code -> {
                        code.push(register);
                        code.alu(operation, bits, register, other);
                        code.pop(other);
                    };
        };
    }

    private Consumer<Assembler> bitsAndShifts() {
        Shift shift = Shift.values()[random.nextInt(Shift.values().length)];
        int bits = width();
        int register = register();
        int selected = random.nextInt(16);
        int three = random.nextInt(3);
        return switch (random.nextInt(10)) {
            case 0 -> code -> code.shift(shift, bits, register);
            case 1, 2 -> shiftByConstant();
            case 3 -> twoRegisters(0x0f, 0xaf); // IMUL
            case 4 -> twoRegisters(0x0f, 0xb6 + 8 * random.nextInt(2)); // MOVZX, MOVSX of a byte
            case 5 -> twoRegisters(0x0f, 0xb7 + 8 * random.nextInt(2)); // MOVZX, MOVSX of a word
            case 6 -> twoRegisters(0x0f, 0xa3 + 8 * random.nextInt(4)); // BT, BTS, BTR, BTC
            case 7 -> twoRegisters(0x0f, 0xbc + random.nextInt(2)); // BSF, BSR
            case 8 -> code -> code.bytes(0x0f, 0xc8 | three); // BSWAP
            default -> code -> code.bytes(0x0f, 0x90 | selected, 0xc0 | three); // SETcc
        };
    }

    private Consumer<Assembler> twoRegisters(int first, int second) {
        int modRm = 0xc0 | low() << 3 | low();
        int rex = random.nextBoolean() ? 0x48 : 0x40;
        return code -> code.bytes(rex, first, second, modRm);
    }

    private Consumer<Assembler> shiftByConstant() {
        int modRm = 0xc0 | random.nextInt(8) << 3 | low();
        int rex = random.nextBoolean() ? 0x48 : 0x40;
        int count = random.nextInt(64);
        return code -> code.bytes(rex, 0xc1, modRm, count);
    }

    /** What mostly ends a unit, and what may fault for other reasons than memory. */
    private Consumer<Assembler> seldom() {
        Memory m = memory();
        int register = register();
        int low = low();
        int bits = wide();
        int count = random.nextInt(20);
        return switch (random.nextInt(8)) {
            case 0 -> code -> code.xchg(bits, m, register);
            case 1 -> code -> code.lock().alu(Alu.ADD, bits, m, register);
            case 2 -> code -> code.cmpxchg(bits, m, register);
            case 3 -> code -> code.pushf().pop(register);
            case 4 -> code -> code.bytes(0x48, 0xf7, 0xe0 | low); // MUL
            case 5 ->
                    code ->
                            code.mov(Cpu.RSI, GuestCode.DATA + 64)
                                    .mov(Cpu.RDI, GuestCode.DATA + RandomProgram.MIDDLE - 8)
                                    .mov(Cpu.RCX, count)
                                    .rep()
                                    .movs(bits);
            case 6 -> divide(bits, register);
            default -> code -> code.bytes(0x48, 0x99); // CQO
        };
    }

    /** By anything, or by what cannot overflow. */
    private Consumer<Assembler> divide(int bits, int divisor) {
        boolean any = faults && random.nextInt(4) == 0;
        int by = divisor == Cpu.RAX || divisor == Cpu.RDX ? Cpu.RCX : divisor;
        return code -> {
            if (!any) {
                code.aluImmediate(Alu.OR, 64, by, 1).mov(Cpu.RDX, 0);
            }
            code.div(bits, by);
        };
    }

    // ---- vector registers

    /** Opcodes behind 66 0F with lanes of integers, and behind 0F or 66 0F with bits. */
    private static final int[] LANES = {
        0xfc, 0xfd, 0xfe, 0xd4, 0xf8, 0xf9, 0xfa, 0xfb, 0x74, 0x75, 0x76, 0x64, 0x65, 0x66, 0xda,
        0xde, 0xea, 0xee, 0xf4, 0xd5, 0xdb, 0xdf, 0xeb, 0xef, 0x60, 0x61, 0x62, 0x6c, 0x68, 0x69,
        0x6a, 0x6d, 0x54, 0x55, 0x56, 0x57, 0x14, 0x15
    };

    /** ADD, MUL, SUB, MIN, DIV, MAX, SQRT behind 0F, of four kinds by prefix. */
    private static final int[] FLOATING = {0x58, 0x59, 0x5c, 0x5d, 0x5e, 0x5f, 0x51};

    /** MOVLPS, MOVHPS, from and to memory, and their kin of doubles. */
    private static final int[] HALVES = {0x12, 0x13, 0x16, 0x17};

    private static final int[] PREFIXES = {0, 0x66, 0xf2, 0xf3};

    private Consumer<Assembler> vector() {
        int to = random.nextInt(16);
        int from = random.nextInt(16);
        int register = register();
        Memory any = memory();
        Memory aligned = aligned();
        int lanes = LANES[random.nextInt(LANES.length)];
        int floating = FLOATING[random.nextInt(FLOATING.length)];
        int prefix = PREFIXES[random.nextInt(PREFIXES.length)];
        int scalar = random.nextInt(4) == 0 ? 0xf3 : 0xf2;
        int odd = random.nextInt(2);
        return switch (random.nextInt(14)) {
            case 0, 1, 2 -> code -> code.sse(0x66, lanes, to, from);
            case 3 -> code -> code.sse(0x66, lanes, to, aligned);
            case 4 -> code -> code.sse(scalar, floating, to, from);
            case 5 -> code -> code.sse(scalar, floating, to, any);
            case 6 -> code -> code.sse(packed(prefix), floating, to, from);
            case 7 -> code -> code.sse(packed(prefix), 0x2e | odd, to, from); // UCOMISD, COMISD
            case 8 -> code -> code.sse(scalar, 0x2a, to, register); // CVTSI2SD
            case 9 -> code -> code.sse(scalar, 0x2c | odd, register, from); // CVTTSD2SI, CVTSD2SI
            case 10 -> moveVector(to, from, any, aligned, prefix);
            case 11 -> moveVector(to, from, any, aligned, prefix);
            case 12 -> shuffle(to, from);
            default -> code -> code.sse(0x66, (from & 1) == 0 ? 0x6e : 0x7e, to, register); // MOVD
        };
    }

    /** The packed form: of singles without a prefix, of doubles with 66. */
    private static int packed(int prefix) {
        return prefix == 0xf2 || prefix == 0xf3 ? 0x66 : prefix;
    }

    private Consumer<Assembler> moveVector(
            int to, int from, Memory any, Memory aligned, int prefix) {
        int half = HALVES[random.nextInt(HALVES.length)];
        return switch (random.nextInt(10)) {
            case 0 -> code -> code.sse(prefix, 0x10, to, any);
            case 1 -> code -> code.sse(prefix, 0x11, to, any);
            case 8 -> code -> code.sse(packed(prefix), half, to, any);
            case 9 -> code -> code.sse(0xf2 | from & 1, 0x5a, to, from); // CVTSD2SS, CVTSS2SD
            case 2 -> code -> code.sse(prefix, 0x10, to, from);
            case 3 -> code -> code.sse(0x66, 0x6f, to, aligned);
            case 4 -> code -> code.sse(0x66, 0x7f, to, aligned);
            case 5 -> code -> code.sse(0xf3, 0x6f, to, any);
            case 6 -> code -> code.sse(0xf3, 0x7e, to, any);
            default -> code -> code.sse(0x66, 0xd6, to, any);
        };
    }

    /** PSHUFD and kin, SHUFPS and SHUFPD, shifts by a constant. */
    private Consumer<Assembler> shuffle(int to, int from) {
        int immediate = random.nextInt(256);
        int count = random.nextInt(70);
        int prefix = PREFIXES[1 + random.nextInt(3)];
        int width = 0x71 + random.nextInt(3);
        int kind = new int[] {2, 6, width == 0x73 ? 3 : 4}[random.nextInt(3)];
        return switch (random.nextInt(3)) {
            case 0 -> code -> code.sse(prefix, 0x70, to, from).bytes(immediate);
            case 1 -> code -> code.sse(packed(prefix), 0xc6, to, from).bytes(immediate);
            default -> code -> code.sse(0x66, width, kind, to).bytes(count);
        };
    }
}

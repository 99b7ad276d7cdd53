package org.xenolith.cpu;

import static org.xenolith.cpu.Assembler.at;

import org.xenolith.cpu.Assembler.Alu;
import org.xenolith.cpu.Assembler.BitTest;
import org.xenolith.cpu.Assembler.Condition;
import org.xenolith.cpu.Assembler.Memory;
import org.xenolith.cpu.Assembler.Shift;
import org.xenolith.cpu.semantics.Flags;

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
        return switch (random.nextInt(18)) {
            case 0, 1, 2, 3, 4 -> arithmetic();
            case 5, 6, 7 -> onMemory();
            case 8, 9, 10 -> move();
            case 11 -> bitsAndShifts();
            case 12 -> seldom();
            case 13 -> exchange();
            case 14 -> random.nextBoolean() ? string() : flags();
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

    private Consumer<Assembler> seldom() {
        int register = register();
        int low = low();
        int bits = wide();
        return switch (random.nextInt(6)) {
            case 0 -> code -> code.bytes(0x48, 0xf7, 0xe0 | low); // MUL
            case 1 -> code -> code.bytes(0x48, 0x99); // CQO
            case 2 -> narrowProduct(low);
            case 3 -> code -> code.bytes(0x8c, 0xd8 | low); // MOV r32, DS
            case 4 -> twoRegisters(0x0f, random.nextBoolean() ? 0xa5 : 0xad); // SHLD, SHRD by CL
            default -> divide(bits, register);
        };
    }

    /** MUL and IMUL of 8 or 16 bits. */
    private Consumer<Assembler> narrowProduct(int by) {
        int opcode = 0xf6 + random.nextInt(2);
        int modRm = 0xe0 + 8 * random.nextInt(2) + by;
        return code -> code.operandSizePrefix().bytes(opcode, modRm);
    }

    // ---- read-modify-writes, with LOCK and without

    private static final Alu[] LOCKABLE = {
        Alu.ADD, Alu.OR, Alu.AND, Alu.SUB, Alu.XOR, Alu.ADC, Alu.SBB
    };

    private Consumer<Assembler> exchange() {
        Memory m = inPlace();
        int register = register();
        int other = register();
        int bits = width();
        boolean lock = random.nextBoolean();
        return switch (random.nextInt(8)) {
            case 0 -> code -> code.xchg(bits, m, register);
            case 1 -> code -> code.xadd(bits, register, other).cmpxchg(bits, other, register);
            case 2 -> code -> locked(code, lock).xadd(bits, m, register);
            case 3, 4 -> comparison(bits, m, register, lock);
            case 5 -> bit(Math.max(bits, 16), m, register, lock);
            case 6 -> step(bits, m, lock);
            default -> arithmetic(bits, m, register, lock);
        };
    }

    private static Assembler locked(Assembler code, boolean lock) {
        return lock ? code.lock() : code;
    }

    /** Mostly aligned, as locked operands are. */
    private Memory inPlace() {
        Memory m = memory();
        return faults && random.nextInt(4) == 0 ? m : at(m.base(), m.displacement() & ~7);
    }

    /** In half of all cases, what is compared is equal. */
    private Consumer<Assembler> comparison(int bits, Memory m, int register, boolean lock) {
        boolean equal = random.nextBoolean();
        Memory both = at(m.base(), m.displacement() & ~15);
        if (random.nextInt(4) == 0) {
            return code -> {
                if (equal) {
                    code.load(64, Cpu.RAX, both);
                    code.load(64, Cpu.RDX, at(both.base(), both.displacement() + 8));
                }
                locked(code, lock).cmpxchg16b(both);
            };
        }
        return code -> {
            if (equal) {
                code.load(bits, Cpu.RAX, m);
            }
            locked(code, lock).cmpxchg(bits, m, register);
        };
    }

    /** At an offset of up to 127 bits, or now and then at one that is far away. */
    private Consumer<Assembler> bit(int bits, Memory m, int offset, boolean lock) {
        BitTest operation = BitTest.values()[random.nextInt(4)];
        boolean far = faults && random.nextInt(20) == 0;
        int constant = random.nextInt(256);
        boolean isConstant = random.nextInt(3) == 0;
        return code -> {
            if (isConstant) {
                lockedBit(code, operation, lock).bit(operation, bits, m, constant);
                return;
            }
            if (!far) {
                code.aluImmediate(Alu.AND, 32, offset, 0x7f);
            }
            lockedBit(code, operation, lock).bitAt(operation, bits, m, offset);
        };
    }

    private static Assembler lockedBit(Assembler code, BitTest operation, boolean lock) {
        return locked(code, lock && operation != BitTest.BT);
    }

    private Consumer<Assembler> step(int bits, Memory m, boolean lock) {
        return switch (random.nextInt(3)) {
            case 0 -> code -> locked(code, lock).inc(bits, m);
            case 1 -> code -> locked(code, lock).dec(bits, m);
            default -> code -> locked(code, lock).not(bits, m);
        };
    }

    private Consumer<Assembler> arithmetic(int bits, Memory m, int register, boolean lock) {
        Alu operation = LOCKABLE[random.nextInt(LOCKABLE.length)];
        int immediate = random.nextInt();
        return random.nextInt(3) == 0
                ? code -> locked(code, lock).aluImmediate(operation, bits, m, immediate)
                : code -> locked(code, lock).alu(operation, bits, m, register);
    }

    // ---- strings and flags

    /** Between places of the data, at times the same: of one element, or with REP. */
    private Consumer<Assembler> string() {
        int bits = width();
        int from = random.nextInt(RandomProgram.MIDDLE + 200);
        int to = random.nextBoolean() ? from + random.nextInt(40) - 20 : random.nextInt(3 * PAGE);
        int count = random.nextInt(4) == 0 ? random.nextInt(1200) : random.nextInt(20);
        // What leaves a unit each time is not for programs that C2 shall compile.
        boolean down = faults && random.nextInt(8) == 0;
        boolean repeat = random.nextInt(3) != 0;
        int kind = random.nextInt(repeat && faults ? 4 : 3);
        boolean places = random.nextInt(4) != 0;
        return code -> {
            if (places) {
                code.mov(Cpu.RSI, GuestCode.DATA + from).mov(Cpu.RDI, GuestCode.DATA + to);
            }
            code.mov(Cpu.RCX, count);
            if (down) {
                code.std();
            }
            if (repeat) {
                code.rep();
            }
            element(code, kind, bits);
            if (!repeat) {
                code.lods(bits).cmps(bits).scas(bits);
            }
            code.cld();
        };
    }

    private static void element(Assembler code, int kind, int bits) {
        switch (kind) {
            case 0, 1 -> code.movs(bits);
            case 2 -> code.stos(bits);
            default -> code.scas(bits);
        }
    }

    /** The system flags are kept in most cases; TF is never set. */
    private Consumer<Assembler> flags() {
        int register = register();
        int system = faults && random.nextInt(4) == 0 ? Flags.DF | Flags.NT | Flags.AC : 0;
        int keep = Flags.ARITHMETIC | system;
        return switch (random.nextInt(7)) {
            case 0 -> code -> code.pushf().pop(register);
            case 1 ->
                    code -> {
                        code.aluImmediate(Alu.AND, 64, register, keep);
                        code.push(register).popf();
                    };
            case 2 -> code -> code.bytes(0x9f); // LAHF
            case 3 -> code -> code.bytes(0x9e); // SAHF
            case 4 -> code -> code.bytes(0xf5); // CMC
            case 5 -> code -> code.bytes(0xf8); // CLC
            default -> code -> code.stc();
        };
    }

    // ---- division

    /** By anything, or by what cannot overflow. */
    private Consumer<Assembler> divide(int bits, int divisor) {
        boolean any = faults && random.nextInt(4) == 0;
        int by = divisor == Cpu.RAX || divisor == Cpu.RDX ? Cpu.RCX : divisor;
        boolean narrow = random.nextInt(4) == 0;
        return code -> {
            if (narrow) {
                code.aluImmediate(Alu.OR, 32, by, 0x8080).aluImmediate(Alu.AND, 32, Cpu.RAX, 0xfff);
                code.mov(Cpu.RDX, 0).div(bits / 4, by);
                return;
            }
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
        0x6a, 0x6d, 0x54, 0x55, 0x56, 0x57, 0x14, 0x15, 0x63, 0x67, 0x6b, 0xd1, 0xd2, 0xd3, 0xd8,
        0xd9, 0xdc, 0xdd, 0xe0, 0xe1, 0xe2, 0xe3, 0xe4, 0xe5, 0xe8, 0xe9, 0xec, 0xed, 0xf1, 0xf2,
        0xf3, 0xf5, 0xf6
    };

    /** Conversions of packed numbers: each with the prefixes that make one. */
    private static final int[][] CONVERSIONS = {
        {0, 0x5a},
        {0x66, 0x5a},
        {0, 0x5b},
        {0x66, 0x5b},
        {0xf3, 0x5b},
        {0x66, 0xe6},
        {0xf2, 0xe6},
        {0xf3, 0xe6}
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
        return switch (random.nextInt(16)) {
            case 14 -> bits(to, from);
            case 15 -> packed(to, from);
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

    /** PMOVMSKB, PEXTRW, PINSRW, MOVMSKPS, MOVMSKPD, and a store past the caches. */
    private Consumer<Assembler> bits(int to, int from) {
        int register = register();
        int immediate = random.nextInt(256);
        Memory aligned = aligned();
        return switch (random.nextInt(6)) {
            case 0 -> code -> code.sse(0x66, 0xd7, register, from);
            case 1 -> code -> code.sse(0x66, 0xc5, register, from).bytes(immediate);
            case 2 -> code -> code.sse(0x66, 0xc4, to, register).bytes(immediate);
            case 3 -> code -> code.sse(0, 0x50, register, from);
            case 4 -> code -> code.sse(0x66, 0x50, register, from);
            default -> code -> code.sse(0x66, 0xe7, to, aligned); // MOVNTDQ
        };
    }

    private Consumer<Assembler> packed(int to, int from) {
        int[] conversion = CONVERSIONS[random.nextInt(CONVERSIONS.length)];
        int prefix = PREFIXES[random.nextInt(PREFIXES.length)];
        int predicate = random.nextInt(8);
        return random.nextBoolean()
                ? code -> code.sse(conversion[0], conversion[1], to, from)
                : code -> code.sse(prefix, 0xc2, to, from).bytes(predicate); // CMPPS and its kin
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

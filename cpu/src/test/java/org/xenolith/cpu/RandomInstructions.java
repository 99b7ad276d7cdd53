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
    private final RandomUpdates updates;
    private final RandomVectors vectors;

    RandomInstructions(RandomGenerator random, boolean faults) {
        this.random = random;
        this.faults = faults;
        updates = new RandomUpdates(random, this, faults);
        vectors = new RandomVectors(random, this);
    }

    Consumer<Assembler> next() {
        return switch (random.nextInt(18)) {
            case 0, 1, 2, 3, 4 -> arithmetic();
            case 5, 6, 7 -> onMemory();
            case 8, 9, 10 -> move();
            case 11 -> bitsAndShifts();
            case 12 -> seldom();
            case 13 -> updates.exchange();
            case 14 -> random.nextBoolean() ? updates.string() : updates.flags();
            default -> vectors.next();
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

    int width() {
        return WIDTHS[random.nextInt(WIDTHS.length)];
    }

    private int wide() {
        return random.nextBoolean() ? 32 : 64;
    }

    private Alu alu() {
        return Alu.values()[random.nextInt(Alu.values().length)];
    }

    /** Mostly around the middle of a page; now and then across two, or where there is none. */
    Memory memory() {
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

    Memory aligned() {
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
        // TEST is mostly written with one register.
        int other = random.nextBoolean() ? to : from;
        return switch (random.nextInt(11)) {
            case 0, 1, 2, 3 -> code -> code.alu(operation, bits, to, from);
            case 4, 5 -> code -> code.aluImmediate(operation, bits, to, immediate);
            case 6 -> code -> code.inc(bits, to);
            case 7 -> code -> code.dec(bits, to);
            case 8 -> code -> code.test(bits, to, other);
            case 9 -> code -> code.testImmediate(bits, to, immediate);
            default -> code -> code.cmov(condition, Math.max(bits, 16), to, from);
        };
    }

    private Consumer<Assembler> onMemory() {
        Alu operation = alu();
        Memory m = memory();
        int register = register();
        int bits = width();
        Condition condition = condition();
        int immediate = random.nextInt();
        return switch (random.nextInt(8)) {
            case 0, 1, 2 -> code -> code.alu(operation, bits, m, register);
            case 3 -> code -> code.inc(bits, m);
            case 4 -> code -> code.cmov(condition, Math.max(bits, 16), register, m);
            case 5 -> code -> code.test(bits, m, register);
            case 6 -> code -> code.testImmediate(bits, m, immediate);
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
}

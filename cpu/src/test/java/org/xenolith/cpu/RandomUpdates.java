package org.xenolith.cpu;

import static org.xenolith.cpu.Assembler.at;

import org.xenolith.cpu.Assembler.Alu;
import org.xenolith.cpu.Assembler.BitTest;
import org.xenolith.cpu.Assembler.Memory;
import org.xenolith.cpu.semantics.Flags;

import java.util.function.Consumer;
import java.util.random.RandomGenerator;

/**
 * Read-modify-writes with LOCK and without, strings, and instructions on RFLAGS, for {@link
 * RandomInstructions}.
 */
final class RandomUpdates {
    private static final Alu[] LOCKABLE = {
        Alu.ADD, Alu.OR, Alu.AND, Alu.SUB, Alu.XOR, Alu.ADC, Alu.SBB
    };

    private static final int PAGE = 0x1000;

    private final RandomGenerator random;
    private final RandomInstructions choices;
    private final boolean faults;

    RandomUpdates(RandomGenerator random, RandomInstructions choices, boolean faults) {
        this.random = random;
        this.choices = choices;
        this.faults = faults;
    }

    // ---- read-modify-writes

    Consumer<Assembler> exchange() {
        Memory m = inPlace();
        int register = choices.register();
        int other = choices.register();
        int bits = choices.width();
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
        Memory m = choices.memory();
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
    Consumer<Assembler> string() {
        int bits = choices.width();
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
    Consumer<Assembler> flags() {
        int register = choices.register();
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
}

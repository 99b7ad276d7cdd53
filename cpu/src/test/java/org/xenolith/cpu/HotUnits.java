package org.xenolith.cpu;

import static org.xenolith.cpu.Assembler.at;

import org.xenolith.cpu.Assembler.Alu;
import org.xenolith.cpu.Assembler.BitTest;
import org.xenolith.cpu.Assembler.Condition;
import org.xenolith.cpu.Assembler.Label;
import org.xenolith.cpu.Assembler.Memory;
import org.xenolith.cpu.Assembler.Shift;

import java.util.function.Consumer;

/**
 * A program of its own: runs loops until C2 has compiled their units, of what takes most bytecode.
 * {@link InliningTest} reads what the JVM says about that.
 */
final class HotUnits {
    private static final int ROUNDS = 800_000;
    private static final int SLICE = 1500;

    /** Sixteen to twenty-four instructions: C2 takes seconds for much longer units. */
    private static final int BODIES = 4;

    /**
     * Each 16 bytes of memory are two accesses with 600 bytes of accessors: behind a dozen of them
     * C2 inlines no more arithmetic.
     */
    private static final int BODIES_OF_VECTORS = 2;

    private HotUnits() {}

    public static void main(String[] arguments) {
        loop("memory", BODIES, HotUnits::memory);
        loop("flags", BODIES, HotUnits::flags);
        loop("vectors", BODIES_OF_VECTORS, HotUnits::vectors);
        loop("atomics", 1, HotUnits::atomics);
        loop("strings", BODIES, HotUnits::strings);
        loop("stack", BODIES, code -> code.push(Cpu.RAX).push(Cpu.RDX).pop(Cpu.RSI).pop(Cpu.RDI));
    }

    private static void memory(Assembler code) {
        Memory m = new Memory(Cpu.RBX, Cpu.RCX, 3, 0x40);
        code.load(64, Cpu.RAX, m).alu(Alu.ADD, 64, at(Cpu.RBX, 8), Cpu.RAX);
        code.store(16, at(Cpu.RBX, 0x20), Cpu.RDX).alu(Alu.XOR, 8, at(Cpu.RBX, 0x30), Cpu.RAX);
    }

    private static void flags(Assembler code) {
        code.alu(Alu.ADD, 64, Cpu.RAX, Cpu.RDX).alu(Alu.ADC, 64, Cpu.RSI, Cpu.RDI);
        code.alu(Alu.CMP, 32, Cpu.RAX, Cpu.RSI).cmov(Condition.LE, 64, Cpu.RDI, Cpu.RAX);
        code.inc(16, Cpu.RDX).shift(Shift.SHR, 32, Cpu.R8);
    }

    private static void vectors(Assembler code) {
        code.sse(0x66, 0xfe, 0, at(Cpu.RBX, 0x40)).sse(0x66, 0x70, 1, 0).bytes(0x1b);
        code.sse(0xf2, 0x58, 2, at(Cpu.RBX, 0x48)).sse(0x66, 0x7f, 1, at(Cpu.RBX, 0x80));
        code.sse(0x66, 0x60, 3, 1).sse(0x66, 0x72, 2, 3).bytes(5);
    }

    private static void atomics(Assembler code) {
        code.lock().alu(Alu.ADD, 64, at(Cpu.RBX, 8), Cpu.RAX).xchg(32, at(Cpu.RBX, 0x20), Cpu.RDX);
        code.lock().xadd(32, at(Cpu.RBX, 0x28), Cpu.RSI).cmpxchg(32, at(Cpu.RBX, 0x30), Cpu.RDI);
        code.lock().cmpxchg(64, at(Cpu.RBX, 0x38), Cpu.RDI).lock().inc(16, at(Cpu.RBX, 0x40));
        code.bitAt(BitTest.BTS, 64, at(Cpu.RBX, 0x80), Cpu.R8);
    }

    private static void strings(Assembler code) {
        code.alu(Alu.XOR, 64, Cpu.RAX, Cpu.RAX).mov(64, Cpu.RDI, Cpu.RBX);
        code.mov(64, Cpu.RSI, Cpu.RBX).mov(Cpu.RCX, 8).rep().stos(64);
        code.mov(Cpu.RCX, 8).rep().movs(64).pushf().popf();
    }

    /** The body again and again, in a counted loop. */
    private static void loop(String name, int bodies, Consumer<Assembler> body) {
        GuestCode guest = new GuestCode(TestTier.REPEATED);
        Label round = new Label();
        guest.write(
                code -> {
                    code.mov(Cpu.RBX, GuestCode.DATA).mov(Cpu.RCX, 1).mov(Cpu.R15, ROUNDS);
                    code.bind(round);
                    for (int i = 0; i < bodies; i++) {
                        body.accept(code);
                    }
                    code.dec(64, Cpu.R15).jcc(Condition.NE, round).syscall();
                });
        int exit = Exit.BUDGET;
        while (exit == Exit.BUDGET) {
            exit = guest.cpu.run(SLICE);
        }
        if (exit != Exit.SYSCALL) {
            throw new IllegalStateException("exit " + exit + " of " + name);
        }
        System.out.println("done: " + name);
    }
}

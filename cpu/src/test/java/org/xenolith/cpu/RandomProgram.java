package org.xenolith.cpu;

import static org.xenolith.cpu.Assembler.at;

import org.xenolith.cpu.Assembler.Alu;
import org.xenolith.cpu.Assembler.Condition;
import org.xenolith.cpu.Assembler.Label;
import org.xenolith.cpu.Assembler.Memory;
import org.xenolith.cpu.Assembler.Shift;

import java.util.Arrays;
import java.util.Random;

/**
 * A program of random instructions in a counted loop: arithmetic, memory, forward and short
 * backward branches, calls, now and then an access that crosses pages or faults. Ends with SYSCALL.
 */
final class RandomProgram {
    /** R15 counts rounds, R14 the passes of an inner loop, RBX and RBP point at data. */
    private static final int[] FREE = {
        Cpu.RAX, Cpu.RCX, Cpu.RDX, Cpu.RSI, Cpu.RDI, Cpu.R8, Cpu.R9, Cpu.R10, Cpu.R11, Cpu.R12
    };

    private static final int[] WIDTHS = {8, 16, 32, 64};
    private static final int MIDDLE = 0x1000;

    private final Random random;
    private final int instructions;
    private final long rounds;
    private final boolean faults;

    RandomProgram(long seed, long rounds, boolean faults) {
        this.random = new Random(seed);
        this.instructions = 5 + random.nextInt(196);
        this.rounds = rounds;
        this.faults = faults;
    }

    void write(Assembler code) {
        Label function = new Label();
        Label end = new Label();
        for (int register : FREE) {
            code.mov(register, random.nextInt(3) == 0 ? random.nextInt(256) : random.nextLong());
        }
        code.mov(Cpu.RBX, GuestCode.DATA + MIDDLE).mov(Cpu.RBP, GuestCode.DATA + 2 * MIDDLE);
        code.mov(Cpu.R15, rounds);
        Label round = code.mark();
        body(code, function);
        code.dec(64, Cpu.R15).jcc(Condition.NE, round).jmp(end);
        code.bind(function);
        for (int i = 0; i < 6; i++) {
            straight(code);
        }
        code.ret().bind(end).syscall();
    }

    private void body(Assembler code, Label function) {
        Label[] pending = new Label[4];
        Label inner = null;
        for (int i = 0; i < instructions; i++) {
            int slot = random.nextInt(pending.length);
            switch (random.nextInt(12)) {
                case 0, 1 -> {
                    if (pending[slot] == null) {
                        pending[slot] = new Label();
                        code.jcc(condition(), pending[slot]);
                    }
                }
                case 2 -> {
                    if (pending[slot] != null) {
                        code.bind(pending[slot]);
                        pending[slot] = null;
                    }
                }
                case 3 -> {
                    if (inner == null && random.nextInt(3) == 0) {
                        code.mov(Cpu.R14, 1 + random.nextInt(5));
                        inner = code.mark();
                    } else if (inner != null && Arrays.stream(pending).allMatch(l -> l == null)) {
                        code.dec(64, Cpu.R14).jcc(Condition.G, inner);
                        inner = null;
                    }
                }
                case 4 -> {
                    if (random.nextInt(4) == 0) {
                        code.call(function);
                    }
                }
                default -> straight(code);
            }
        }
        for (Label label : pending) {
            if (label != null) {
                code.bind(label);
            }
        }
    }

    private int register() {
        return FREE[random.nextInt(FREE.length)];
    }

    private int width() {
        return WIDTHS[random.nextInt(WIDTHS.length)];
    }

    private int wide() {
        return random.nextBoolean() ? 32 : 64;
    }

    private Condition condition() {
        return Condition.values()[random.nextInt(Condition.values().length)];
    }

    private Alu alu() {
        return Alu.values()[random.nextInt(Alu.values().length)];
    }

    private Memory memory() {
        int kind = random.nextInt(200);
        if (kind == 0 && faults) {
            return at(Cpu.RBX, 0x10_0000);
        }
        if (kind < 3) {
            return at(Cpu.RBX, MIDDLE - 1 - random.nextInt(8));
        }
        return at(random.nextBoolean() ? Cpu.RBX : Cpu.RBP, random.nextInt(512) - 256);
    }

    private void straight(Assembler code) {
        switch (random.nextInt(22)) {
            case 0, 1, 2, 3 -> code.alu(alu(), width(), register(), register());
            case 4, 5 -> code.alu(alu(), width(), memory(), register());
            case 6, 7 -> code.aluImmediate(alu(), wide(), register(), random.nextInt());
            case 8, 9 -> code.load(width(), register(), memory());
            case 10, 11 -> code.store(width(), memory(), register());
            case 12 -> code.inc(width(), register());
            case 13 -> code.dec(width(), register());
            case 14 -> code.inc(wide(), memory());
            case 15 -> code.shift(shift(), wide(), register());
            case 16 -> code.cmov(condition(), wide(), register(), register());
            case 17 -> code.cmov(condition(), wide(), register(), memory());
            case 18 -> {
                int pushed = register();
                code.push(pushed);
                code.alu(alu(), wide(), pushed, register());
                code.pop(register());
            }
            case 19 -> raw(code, 0x0f, 0xaf);
            case 20 -> setByte(code);
            default -> shiftBy(code);
        }
    }

    private Shift shift() {
        return Shift.values()[random.nextInt(Shift.values().length)];
    }

    /** A two-byte opcode with two registers of the first eight, RSP and RBP left alone. */
    private void raw(Assembler code, int first, int second) {
        int[] low = {Cpu.RAX, Cpu.RCX, Cpu.RDX, Cpu.RSI, Cpu.RDI};
        int modRm = 0xc0 | low[random.nextInt(5)] << 3 | low[random.nextInt(5)];
        code.bytes(random.nextBoolean() ? 0x48 : 0x40, first, second, modRm);
    }

    private void setByte(Assembler code) {
        switch (random.nextInt(6)) {
            case 0 -> code.bytes(0x0f, 0x90 | random.nextInt(16), 0xc0 | random.nextInt(3));
            case 1 -> raw(code, 0x0f, 0xb6 + 8 * random.nextInt(2)); // MOVZX, MOVSX of a byte
            case 2 -> raw(code, 0x0f, 0xb7 + 8 * random.nextInt(2)); // MOVZX, MOVSX of a word
            case 3 -> raw(code, 0x0f, 0xa3); // BT
            case 4 -> code.bytes(0x0f, 0xc8 | random.nextInt(3)); // BSWAP
            default -> raw(code, 0x0f, 0xbc + random.nextInt(2)); // BSF, BSR
        }
    }

    /** C1 or D3: by a constant, by CL. */
    private void shiftBy(Assembler code) {
        int[] low = {Cpu.RAX, Cpu.RDX, Cpu.RSI, Cpu.RDI};
        int modRm = 0xc0 | random.nextInt(8) << 3 | low[random.nextInt(4)];
        int rex = random.nextBoolean() ? 0x48 : 0x40;
        if (random.nextBoolean()) {
            code.bytes(rex, 0xc1, modRm, random.nextInt(64));
        } else {
            code.bytes(rex, 0xd3, modRm);
        }
    }
}

package org.xenolith.cpu.oracle;

import static org.xenolith.cpu.Assembler.at;

import org.xenolith.cpu.Assembler;
import org.xenolith.cpu.Assembler.Condition;
import org.xenolith.cpu.Assembler.Label;
import org.xenolith.cpu.Assembler.Memory;
import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.semantics.simd.Mxcsr;
import org.xenolith.cpu.semantics.simd.SimdValues;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import java.util.Random;

/**
 * Random double precision instructions, maybe in loops, on a few registers and a few quadwords of
 * memory.
 */
final class DoubleSequence {
    /** XMM0 and so on: few, so that results become operands. */
    static final int REGISTERS = 6;

    static final int MEMORY_BYTES = 64;

    private static final int MOST_STEPS = 16;
    private static final int MOST_ROUNDS = 4;
    private static final HexFormat HEX = HexFormat.of();
    private static final int PD = 0x66, SD = 0xf2;

    /** ADD, MUL, SUB, DIV, MIN, MAX, SQRT; the first ones more often. */
    private static final int[] ARITHMETIC = {
        0x58, 0x59, 0x5c, 0x58, 0x59, 0x5c, 0x58, 0x59, 0x5e, 0x5d, 0x5f, 0x51
    };

    private static final int MOVE = 0x10, STORE = 0x11, MOVE_LOW = 0x12, MOVE_HIGH = 0x16;
    private static final int UNPACK_LOW = 0x14, UNPACK_HIGH = 0x15, MOVE_ALIGNED = 0x28;
    private static final int FROM_INTEGER = 0x2a, TRUNCATE = 0x2c, COMPARE = 0x2e;
    private static final int AND = 0x54, XOR = 0x57, PXOR = 0xef, SHUFFLE = 0xc6;

    private final Random random;
    private final SimdValues values;

    /** Whether all values shall be of moderate size. */
    private final boolean tame;

    private final byte[] code;
    private final byte[] memory;
    private final HostCpu.Program program;

    DoubleSequence(Random random) {
        this.random = random;
        values = new SimdValues(random);
        tame = random.nextInt(3) != 0;
        Assembler assembler = new Assembler(HostCpu.CODE_BASE);
        steps(assembler, MOST_STEPS);
        if (random.nextBoolean()) {
            loop(assembler, Cpu.RCX);
            steps(assembler, MOST_STEPS / 4);
        }
        code = assembler.bytes();
        memory = new byte[MEMORY_BYTES];
        ByteBuffer quadwords = ByteBuffer.wrap(memory).order(ByteOrder.LITTLE_ENDIAN);
        while (quadwords.hasRemaining()) {
            quadwords.putLong(value());
        }
        program = new HostCpu.Program(code, state(), 0, memory);
    }

    HostCpu.Program program() {
        return program;
    }

    byte[] code() {
        return code;
    }

    byte[] memory() {
        return memory;
    }

    static String hex(byte[] bytes) {
        return HEX.formatHex(bytes);
    }

    private MachineState state() {
        MachineState state = new MachineState();
        for (int i = 0; i < 16; i++) {
            state.xmm(i, value(), value());
        }
        state.gpr(MachineState.RAX, random.nextLong() >> random.nextInt(64));
        state.gpr(MachineState.RBX, HostCpu.WINDOW_BASE);
        state.mxcsr(random.nextInt(4) == 0 ? values.mxcsr() : Mxcsr.DEFAULT | Mxcsr.PE);
        return state;
    }

    private long value() {
        return tame ? tameValue() : values.doubles();
    }

    private long tameValue() {
        return switch (random.nextInt(20)) {
            case 0, 1, 2 -> Double.doubleToRawLongBits(random.nextInt(-3, 4));
            case 3, 4 -> random.nextLong() & Long.MIN_VALUE;
            case 5, 6, 7, 8, 9 -> Double.doubleToRawLongBits(random.nextDouble());
            case 10 -> Double.doubleToRawLongBits(Math.scalb(1.0, random.nextInt(-255, 256)));
            default ->
                    Double.doubleToRawLongBits(
                            Math.scalb(random.nextGaussian(), random.nextInt(-60, 61)));
        };
    }

    private void steps(Assembler code, int most) {
        int steps = 1 + random.nextInt(most);
        for (int i = 0; i < steps; i++) {
            step(code);
        }
    }

    /** A loop of a few rounds, maybe with another one in it, maybe entered in its middle. */
    private void loop(Assembler code, int counter) {
        Label head = new Label();
        Label middle = new Label();
        code.mov(counter, 1 + random.nextInt(MOST_ROUNDS));
        if (random.nextInt(4) == 0) {
            code.sse(PD, COMPARE, 0, 1).jcc(Condition.A, middle);
        }
        code.bind(head);
        steps(code, MOST_STEPS / 4);
        code.bind(middle);
        if (counter == Cpu.RCX && random.nextBoolean()) {
            loop(code, Cpu.RDX);
        }
        steps(code, MOST_STEPS / 4);
        code.dec(64, counter).jcc(Condition.NE, head);
    }

    private void step(Assembler code) {
        int to = random.nextInt(REGISTERS);
        int from = random.nextInt(REGISTERS);
        int operation = ARITHMETIC[random.nextInt(ARITHMETIC.length)];
        Memory quadword = at(Cpu.RBX, 8 * random.nextInt(MEMORY_BYTES / 8));
        Memory both = at(Cpu.RBX, 16 * random.nextInt(MEMORY_BYTES / 16));
        switch (random.nextInt(20)) {
            case 0, 1, 2, 3, 4, 5 -> code.sse(SD, operation, to, from);
            case 6, 7 -> code.sse(SD, operation, to, quadword);
            case 8, 9 -> code.sse(PD, operation, to, from);
            case 10 -> code.sse(PD, operation, to, both);
            case 11 -> code.sse(SD, STORE, to, quadword);
            case 12 -> code.sse(PD, STORE, to, both);
            case 13 -> code.sse(SD, MOVE, to, quadword);
            case 14 -> branch(code, to, from);
            case 15 -> convert(code, to, from);
            case 16 -> round(code, to, from);
            case 17 -> bits(code, to, from, both);
            default -> move(code, to, from, quadword);
        }
    }

    private void move(Assembler code, int to, int from, Memory quadword) {
        switch (random.nextInt(9)) {
            case 0 -> code.sse(SD, MOVE, to, from);
            case 1 -> code.sse(PD, MOVE_ALIGNED, to, from);
            case 2 -> code.sse(PD, UNPACK_LOW, to, from);
            case 3 -> code.sse(PD, UNPACK_HIGH, to, from);
            case 4 -> code.sse(PD, MOVE_LOW, to, quadword);
            case 5 -> code.sse(PD, MOVE_HIGH, to, quadword);
            case 6 -> code.sse(PD, SHUFFLE, to, from).bytes(random.nextInt(4));
            case 7 -> code.sse(0, MOVE_LOW, to, from); // MOVHLPS
            default -> code.sse(0, MOVE_HIGH, to, from); // MOVLHPS
        }
    }

    private void bits(Assembler code, int to, int from, Memory both) {
        switch (random.nextInt(4)) {
            case 0 -> code.sse(PD, XOR, to, to);
            case 1 -> code.sse(PD, PXOR, to, to);
            case 2 -> code.sse(PD, AND, to, from);
            default -> code.sse(PD, XOR, to, both);
        }
    }

    private void convert(Assembler code, int to, int from) {
        int wide = random.nextInt(2) == 0 ? 0x48 : 0x40; // REX, with W for 64 bits
        if (random.nextBoolean()) {
            code.bytes(SD, wide, 0x0f, FROM_INTEGER, 0xc0 | to << 3); // from RAX
        } else {
            code.bytes(SD, wide, 0x0f, TRUNCATE, 0xc0 | from); // to RAX
        }
    }

    private void round(Assembler code, int to, int from) {
        if (HostCpu.hasFeature("sse4_1")) {
            code.bytes(PD, 0x0f, 0x3a, 0x0b, 0xc0 | to << 3 | from, random.nextInt(16));
        }
    }

    /** UCOMISD or COMISD, and a jump over two operations that may be taken. */
    private void branch(Assembler code, int to, int from) {
        Condition[] conditions = {Condition.A, Condition.AE, Condition.P, Condition.E, Condition.B};
        Label behind = new Label();
        code.sse(PD, COMPARE | random.nextInt(2), to, from);
        code.jcc(conditions[random.nextInt(conditions.length)], behind);
        code.sse(SD, ARITHMETIC[random.nextInt(ARITHMETIC.length)], from, to);
        code.sse(PD, MOVE_ALIGNED, random.nextInt(REGISTERS), to);
        code.bind(behind);
    }

    @Override
    public String toString() {
        return "code %s memory %s mxcsr %x"
                .formatted(hex(code), hex(memory), program.before().mxcsr());
    }
}

package org.xenolith.bench;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.xenolith.cpu.Assembler;
import org.xenolith.cpu.Assembler.Alu;
import org.xenolith.cpu.Assembler.Condition;
import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.Exit;
import org.xenolith.cpu.FlatMachine;

import java.util.concurrent.TimeUnit;

/**
 * Flags / the record of the last result, and settling it / nine of ten results are never asked for
 * flags: writing the record must cost next to nothing, a branch little, all six flags may cost
 * more.
 *
 * <p>Operations are guest instructions: operations per microsecond are MIPS. Each pattern stands
 * often enough in the loop that the jump back does not count.
 */
@State(Scope.Thread)
@Fork(1)
@Warmup(iterations = 3, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class FlagsBenchmark {
    private static final int INSTRUCTIONS = 1_000_000;
    private static final int PATTERNS = 24;
    private static final long CODE = 0x40_0000;
    private static final long STACK = 0x50_0000;
    private static final int SETCC_B = 0x92, REGISTER_DL = 0xc2;

    /** Who reads the flags of an addition or comparison. */
    public enum Reader {
        /** Nobody: ADD after ADD. */
        NOBODY,
        /** A conditional jump right behind CMP; the decoder makes one operation of both. */
        JCC_FUSED,
        /** A conditional jump behind ADD. */
        JCC,
        /** SETB behind ADD. */
        SETCC,
        /** ADC behind ADC: a chain, as in big numbers. */
        ADC,
        /** PUSHF and POP: all flags. */
        PUSHF,
        /** INC behind ADD, then ADC: carry kept across an instruction that writes the others. */
        INC_KEEPS_CARRY
    }

    @Param public Reader reader;

    private FlatMachine machine;

    @Setup
    public void load() {
        Assembler code = new Assembler(CODE);
        for (int i = 0; i < PATTERNS; i++) {
            pattern(code);
        }
        code.mov(Cpu.RDI, CODE).jmp(Cpu.RDI);
        machine = new FlatMachine();
        machine.map(CODE, 4096);
        machine.map(STACK, 4096);
        machine.load(CODE, code.bytes());
        machine.cpu.r[Cpu.RBX] = 3;
        machine.cpu.r[Cpu.RSP] = STACK + 4096;
        machine.cpu.rip = CODE;
    }

    private void pattern(Assembler code) {
        Assembler.Label next = new Assembler.Label();
        switch (reader) {
            case NOBODY -> code.alu(Alu.ADD, 64, Cpu.RAX, Cpu.RBX);
            case JCC_FUSED -> code.alu(Alu.CMP, 64, Cpu.RAX, Cpu.RBX).jcc(Condition.E, next);
            case JCC -> code.alu(Alu.ADD, 64, Cpu.RAX, Cpu.RBX).jcc(Condition.O, next);
            case SETCC -> code.alu(Alu.ADD, 64, Cpu.RAX, Cpu.RBX).bytes(0x0f, SETCC_B, REGISTER_DL);
            case ADC -> code.alu(Alu.ADC, 64, Cpu.RAX, Cpu.RBX);
            case PUSHF -> code.alu(Alu.ADD, 64, Cpu.RAX, Cpu.RBX).pushf().pop(Cpu.RDX);
            case INC_KEEPS_CARRY ->
                    code.alu(Alu.ADD, 64, Cpu.RAX, Cpu.RBX)
                            .inc(64, Cpu.RCX)
                            .alu(Alu.ADC, 64, Cpu.RDX, Cpu.RBX);
        }
        code.bind(next);
    }

    @Benchmark
    @OperationsPerInvocation(INSTRUCTIONS)
    public long read() {
        int exit = machine.cpu.run(INSTRUCTIONS);
        if (exit != Exit.BUDGET) {
            throw new IllegalStateException("exit " + exit + ": " + machine.cpu.fault());
        }
        return machine.cpu.r[Cpu.RAX];
    }
}

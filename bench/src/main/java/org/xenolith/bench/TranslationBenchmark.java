package org.xenolith.bench;

import static org.xenolith.cpu.Assembler.at;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.xenolith.cpu.Assembler;
import org.xenolith.cpu.Assembler.Alu;
import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.Exit;
import org.xenolith.cpu.FlatMachine;
import org.xenolith.cpu.TestTier;

import java.util.concurrent.TimeUnit;

/**
 * Translation / region, bytecode, definition of the class / decides how hot code must be to be
 * worth it.
 *
 * <p>Operations are guest instructions. Each invocation stores new code, which drops the old unit,
 * and runs the new one once: the JVM interprets that, which is a small part of it.
 */
@State(Scope.Thread)
@Fork(1)
@Warmup(iterations = 3, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class TranslationBenchmark {
    private static final int INSTRUCTIONS = 60;
    private static final long CODE = 0x40_0000;
    private static final long DATA = 0x50_0000;
    private static final long PLENTY = 1_000;

    private FlatMachine machine;
    private int constant;

    @Setup
    public void map() {
        machine = new FlatMachine(TestTier.EVERYTHING);
        machine.map(CODE, 4096);
        machine.map(DATA, 4096);
    }

    @Benchmark
    @OperationsPerInvocation(INSTRUCTIONS)
    public long translate() {
        Cpu cpu = machine.cpu;
        Assembler code = new Assembler(CODE);
        for (int i = 0; i < INSTRUCTIONS - 1; i += 4) {
            code.load(64, Cpu.RAX, at(Cpu.RBX, 8 * i))
                    .aluImmediate(Alu.ADD, 64, Cpu.RAX, ++constant);
            code.alu(Alu.XOR, 32, Cpu.RDX, Cpu.RAX).store(32, at(Cpu.RBX, 8 * i), Cpu.RDX);
        }
        machine.load(CODE, code.syscall().bytes());
        cpu.r[Cpu.RBX] = DATA;
        cpu.rip = CODE;
        int exit = cpu.run(PLENTY);
        if (exit != Exit.SYSCALL) {
            throw new IllegalStateException("exit " + exit + ": " + cpu.fault());
        }
        return cpu.r[Cpu.RDX];
    }
}

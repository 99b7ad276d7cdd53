package org.xenolith.bench;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.xenolith.cpu.Exit;
import org.xenolith.cpu.FlatMachine;

import java.util.HexFormat;
import java.util.concurrent.TimeUnit;

/** Exit / leaving and entering the interpreter at SYSCALL / the floor under every hypercall. */
@State(Scope.Thread)
@Fork(1)
@Warmup(iterations = 3, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class ExitBenchmark {
    private static final long CODE = 0x40_0000;
    private static final int BUDGET = 1000;

    private FlatMachine machine;

    @Setup
    public void load() {
        machine = new FlatMachine();
        machine.map(CODE, 4096);
        machine.load(CODE, HexFormat.of().parseHex("0f05" + "ebfc")); // syscall; jmp back to it
        machine.cpu.rip = CODE;
    }

    @Benchmark
    public int syscall() {
        int exit = machine.cpu.run(BUDGET);
        if (exit != Exit.SYSCALL) {
            throw new IllegalStateException("exit " + exit + ": " + machine.cpu.fault());
        }
        return exit;
    }
}

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
import org.xenolith.cpu.FlatMachine;

import java.util.concurrent.TimeUnit;

/** Translation / TLB, page walk / a hit costs a few nanoseconds, a miss four dependent loads. */
@State(Scope.Thread)
@Fork(1)
@Warmup(iterations = 3, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class MmuBenchmark {
    private static final long DATA = 0x50_0000;

    private FlatMachine machine;
    private FlatMachine other;

    @Setup
    public void map() {
        machine = new FlatMachine();
        machine.map(DATA, 4096);
        other = new FlatMachine();
        other.map(DATA, 4096);
    }

    @Benchmark
    public long tlbHit() {
        return machine.cpu.mmu().read64(DATA);
    }

    /** Includes dropping the entry, as INVLPG does. */
    @Benchmark
    public long tlbMiss() {
        machine.cpu.mmu().dropPage(DATA);
        return machine.cpu.mmu().read64(DATA);
    }

    /** To another root and back, with a load in each: entries are kept under their tags. */
    @Benchmark
    public long addressSpaceSwitches() {
        machine.cpu.mmu().setRoot(other.root);
        long there = machine.cpu.mmu().read64(DATA);
        machine.cpu.mmu().setRoot(machine.root);
        return there + machine.cpu.mmu().read64(DATA);
    }

    @Benchmark
    public long pageWalk() {
        return machine.cpu.mmu().pte(DATA);
    }
}

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
import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.Exit;
import org.xenolith.cpu.FlatMachine;
import org.xenolith.cpu.TestTier;

import java.util.HexFormat;
import java.util.concurrent.TimeUnit;

/**
 * Dispatch / block loop, operand access, TLB hit / interpreted, the call per instruction costs most
 * of it; translated, nothing of that is left.
 *
 * <p>Operations are guest instructions: operations per microsecond are MIPS.
 */
@State(Scope.Thread)
@Fork(1)
@Warmup(iterations = 3, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class DispatchBenchmark {
    private static final int INSTRUCTIONS = 1_000_000;
    private static final long CODE = 0x40_0000;
    private static final long DATA = 0x50_0000;

    /** Interpreted, and translated at the first entry. */
    @Param({"INTERPRETER", "EVERYTHING"})
    public TestTier tier;

    private FlatMachine machine;

    private final String mix =
            "488b06" // mov rax, [rsi]
                    + "4801d8" // add rax, rbx
                    + "488907" // mov [rdi], rax
                    + "4889c2" // mov rdx, rax
                    + "48ffc1" // inc rcx
                    + "4883f900" // cmp rcx, 0
                    + "75eb"; // jne to the start

    private final String registers =
            "4801d8" // add rax, rbx
                    + "4889c2" // mov rdx, rax
                    + "48ffc1" // inc rcx
                    + "4883f900" // cmp rcx, 0
                    + "75f1"; // jne to the start

    private final String carries =
            "4801d8" // add rax, rbx
                    + "4811da" // adc rdx, rbx
                    + "48ffc1" // inc rcx
                    + "75f5"; // jne to the start

    private FlatMachine machine(String code) {
        FlatMachine made = new FlatMachine(tier);
        made.map(CODE, 4096);
        made.map(DATA, 4096);
        made.load(CODE, HexFormat.of().parseHex(code));
        made.cpu.r[Cpu.RSI] = DATA;
        made.cpu.r[Cpu.RDI] = DATA + 64;
        made.cpu.r[Cpu.RBX] = 3;
        made.cpu.r[Cpu.RCX] = 1;
        made.cpu.rip = CODE;
        return made;
    }

    private FlatMachine registerMachine;
    private FlatMachine carryMachine;

    @Setup
    public void load() {
        machine = machine(mix);
        registerMachine = machine(registers);
        carryMachine = machine(carries);
    }

    private static long run(FlatMachine machine) {
        int exit = machine.cpu.run(INSTRUCTIONS);
        if (exit != Exit.BUDGET) {
            throw new IllegalStateException("exit " + exit + ": " + machine.cpu.fault());
        }
        return machine.cpu.r[Cpu.RAX];
    }

    @Benchmark
    @OperationsPerInvocation(INSTRUCTIONS)
    public long loadStoreAndBranch() {
        return run(machine);
    }

    @Benchmark
    @OperationsPerInvocation(INSTRUCTIONS)
    public long registersAndBranch() {
        return run(registerMachine);
    }

    @Benchmark
    @OperationsPerInvocation(INSTRUCTIONS)
    public long carryChain() {
        return run(carryMachine);
    }
}

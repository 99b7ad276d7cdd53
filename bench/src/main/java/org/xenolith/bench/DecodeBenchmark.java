package org.xenolith.bench;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.xenolith.cpu.decode.Decoder;
import org.xenolith.cpu.decode.Instruction;

import java.util.HexFormat;
import java.util.concurrent.TimeUnit;

/**
 * Decode / opcode table, prefixes, ModRM / tens of nanoseconds: paid once per block, not per run.
 */
@State(Scope.Thread)
@Fork(1)
@Warmup(iterations = 3, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class DecodeBenchmark {
    private static final int INSTRUCTIONS = 9;

    private final byte[] code =
            HexFormat.of()
                    .parseHex(
                            "55" // push rbp
                                    + "4889e5" // mov rbp, rsp
                                    + "488b4708" // mov rax, [rdi+8]
                                    + "488d04c6" // lea rax, [rsi+rax*8]
                                    + "0fb64810" // movzx ecx, byte [rax+16]
                                    + "81e1ff000000" // and ecx, 0xff
                                    + "f0480fb10f" // lock cmpxchg [rdi], rcx
                                    + "5d" // pop rbp
                                    + "c3"); // ret
    private final Instruction instruction = new Instruction();

    @Benchmark
    @OperationsPerInvocation(INSTRUCTIONS)
    public int function() {
        int offset = 0;
        for (int i = 0; i < INSTRUCTIONS; i++) {
            offset += Decoder.decode(code, offset, code.length - offset, instruction);
        }
        if (offset != code.length) {
            throw new IllegalStateException("decoded " + offset + " of " + code.length + " bytes");
        }
        return offset;
    }
}

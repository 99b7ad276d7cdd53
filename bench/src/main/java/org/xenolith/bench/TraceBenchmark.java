package org.xenolith.bench;

import static org.xenolith.core.mm.TestDomain.RW;

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
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.xenolith.core.abi.DomId;
import org.xenolith.core.abi.Hypercall;
import org.xenolith.core.abi.MmuCommand;
import org.xenolith.core.image.Symbols;
import org.xenolith.core.mm.TestDomain;
import org.xenolith.core.trace.BackgroundSink;
import org.xenolith.core.trace.TextSink;
import org.xenolith.core.trace.TraceFilter;
import org.xenolith.core.trace.TraceTopic;
import org.xenolith.core.trace.Tracer;
import org.xenolith.cpu.Assembler;
import org.xenolith.cpu.Assembler.Alu;
import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.mmu.Ram;

import java.io.Writer;
import java.util.EnumSet;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A single mmu_update with and without a trace / the guards while nothing is traced, the event and
 * its way to the queue while hypercalls are / off must cost nothing that shows; a Debian boot makes
 * 90,000 hypercalls in some seconds, so that a microsecond each is one part in a hundred.
 */
@State(Scope.Thread)
@Fork(1)
@Warmup(iterations = 3, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class TraceBenchmark {
    private static final long VADDR = 0x7_0000;
    private static final int SLOT = (int) (VADDR >>> Ram.PAGE_SHIFT);
    private static final int TOGGLE = Cpu.R12;

    /** So long that it is compiled with a tracer. */
    private static final int ROUNDS_WATCHED = 500;

    /** Who watches. */
    public enum Watching {
        /** Nobody: there is no tracer. */
        NOBODY,
        /** Nobody any more: all hypercalls were traced for a while. */
        NOBODY_ANY_MORE,
        /** A trace of something else. */
        ANOTHER_TOPIC,
        /** A trace of all hypercalls, as text that goes nowhere. */
        HYPERCALLS
    }

    @Param public Watching watching;

    private Tracer tracer;
    private GuestLoop loop;

    @Setup
    public void load() {
        tracer =
                switch (watching) {
                    case NOBODY -> null;
                    case ANOTHER_TOPIC -> tracer(TraceTopic.GRANT);
                    case NOBODY_ANY_MORE, HYPERCALLS -> tracer(TraceTopic.HYPERCALL);
                };
        loop = new GuestLoop(tracer);
        TestDomain memory = loop.guest.memory;
        memory.putRequest(0, (memory.l1 << Ram.PAGE_SHIFT) + SLOT * 8L, 0);
        loop.vcpu.cpu().r[TOGGLE] = TestDomain.entry(memory.pages[1], RW);
        loop.load(
                code -> {
                    code.mov(Cpu.RDI, TestDomain.ARGUMENTS).mov(Cpu.RSI, 1).mov(Cpu.RDX, 0);
                    code.mov(Cpu.R10, DomId.SELF).mov(Cpu.RAX, Hypercall.MMU_UPDATE);
                    GuestLoop.syscallWithoutError(code);
                    code.alu(Alu.XOR, 64, Assembler.at(Cpu.RDI, MmuCommand.VAL), TOGGLE);
                });
        if (watching == Watching.NOBODY_ANY_MORE) {
            for (int i = 0; i < ROUNDS_WATCHED; i++) {
                loop.run();
            }
            loop.trace(null);
        }
    }

    private static Tracer tracer(TraceTopic topic) {
        TextSink text = new TextSink(Writer.nullWriter());
        return new Tracer(
                TraceFilter.of(EnumSet.of(topic)), Symbols.NONE, List.of(new BackgroundSink(text)));
    }

    @TearDown
    public void close() {
        if (tracer != null) {
            tracer.close();
        }
    }

    @Benchmark
    @OperationsPerInvocation(GuestLoop.ROUNDS)
    public long mmuUpdate() {
        return loop.run();
    }
}

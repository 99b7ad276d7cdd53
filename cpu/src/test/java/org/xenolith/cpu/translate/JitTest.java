package org.xenolith.cpu.translate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.xenolith.cpu.Assembler;
import org.xenolith.cpu.Assembler.Label;
import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.FlatMachine;

import java.util.concurrent.TimeUnit;

/** There is one translator for all guests, and nobody starts it again. */
@Timeout(90)
class JitTest {
    private static final long CODE = 0x40_0000L;
    private static final int SLICE = 1500;

    /** More than the JVM needs to compile a unit of two instructions, however busy the machine. */
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(60);

    private final Jit jit = new Jit(Jit.Policy.EVERYTHING);

    @Test
    void whatTheTranslatorHasNoMemoryForCountsAsAFailureAndDoesNotEndIt() {
        OutOfMemoryError noMemory = new OutOfMemoryError();
        assertThatCode(
                        () ->
                                jit.guard(
                                        () -> {
                                            throw noMemory;
                                        }))
                .doesNotThrowAnyException();
        assertThat(jit.failures()).isEqualTo(1);
        assertThat(jit.lastFailure()).isSameAs(noMemory);
    }

    @Test
    void aLoopThatIsHotIsTranslatedByTheTranslatorsOwnThreadAndRunsThere() {
        Jit own = new Jit(new Jit.Policy(100, Integer.MAX_VALUE, false, 200, 0));
        Cpu cpu = endlessLoop(own);
        long end = System.nanoTime() + PATIENCE_NANOS;
        while (cpu.tier.instructions() == 0 && System.nanoTime() - end < 0) {
            cpu.run(SLICE);
        }
        assertThat(own.failures()).as("failures, the last %s", own.lastFailure()).isZero();
        assertThat(own.units()).as("units").isPositive();
        assertThat(cpu.tier.instructions()).as("instructions in them").isPositive();
    }

    private static Cpu endlessLoop(Jit translator) {
        FlatMachine machine = new FlatMachine(translator);
        machine.map(CODE, 1);
        Assembler code = new Assembler(CODE);
        Label loop = code.mark();
        machine.load(CODE, code.inc(64, Cpu.RAX).jmp(loop).bytes());
        machine.cpu.rip = CODE;
        return machine.cpu;
    }
}

package org.xenolith.cpu.translate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.xenolith.cpu.Assembler;
import org.xenolith.cpu.Assembler.Label;
import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.FlatMachine;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.TimeUnit;

/** There is one translator for all guests, and nobody starts it again. */
@Timeout(90)
class JitTest {
    private static final long CODE = 0x40_0000L;
    private static final int SLICE = 1500;
    private static final int POINTERS = 0x1000;
    private static final int STUB = 16;

    /** {@code jmp *disp32(%rip)}: FF 25, then the displacement. */
    private static final short JMP_RIP_RELATIVE = 0x25FF;

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

    /** As of a library's stubs for calls of other libraries. */
    @Test
    void aPageFullOfBusyComputedJumpsGetsNoUnitThatIsTooLongForTheJvm() {
        int jumps = 100;
        FlatMachine machine = new FlatMachine(jit);
        machine.map(CODE, POINTERS + jumps * Long.BYTES);
        ByteBuffer memory =
                ByteBuffer.allocate(POINTERS + jumps * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < jumps; i++) {
            int stub = i * STUB;
            int pointer = POINTERS + i * Long.BYTES;
            memory.putShort(stub, JMP_RIP_RELATIVE).putInt(stub + 2, pointer - (stub + 6));
            memory.putLong(pointer, CODE + (i + 1) % jumps * STUB);
        }
        machine.load(CODE, memory.array());
        machine.cpu.rip = CODE;
        assertThatCode(() -> machine.cpu.run(2 * SLICE)).doesNotThrowAnyException();
        assertThat(machine.cpu.tier.instructions()).as("in units").isGreaterThan(SLICE);
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

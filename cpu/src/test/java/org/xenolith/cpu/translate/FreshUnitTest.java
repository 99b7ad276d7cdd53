package org.xenolith.cpu.translate;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.xenolith.cpu.Assembler;
import org.xenolith.cpu.Assembler.Alu;
import org.xenolith.cpu.Assembler.Condition;
import org.xenolith.cpu.Assembler.Label;
import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.interp.TranslatedUnit;
import org.xenolith.cpu.mmu.Ram;

import java.lang.classfile.ClassFile;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A unit waits until the JVM has compiled it, and being called meanwhile changes nothing. */
class FreshUnitTest {
    private static final long SLOW_NANOS = 20_000;
    private static final long QUICK_NANOS = 200;

    /** Stands for a unit that the JVM compiles after some calls, or never; and for the clock. */
    private static final class Compiled extends TranslatedUnit {
        private final int after;
        private int calls;
        private long nanos;

        Compiled(int after) {
            this.after = after;
        }

        @Override
        public int run(Cpu cpu, int start) {
            assertThat(start).isEqualTo(REHEARSE);
            nanos += calls++ < after ? SLOW_NANOS : QUICK_NANOS;
            return ON;
        }

        FreshUnit fresh() {
            return new FreshUnit(null, null, this, false, () -> nanos);
        }
    }

    private static final List<String> INITIALISED = new ArrayList<>();

    /** Says when it is initialised. */
    static final class Called {
        static {
            INITIALISED.add("called");
        }

        static void method() {}
    }

    private final Cpu idle = IdleProcessor.create();

    @Test
    void aUnitIsNotReadyBeforeItIsCompiled() {
        Compiled unit = new Compiled(500);
        FreshUnit fresh = unit.fresh();
        fresh.begin(idle);
        while (!fresh.isReady(idle)) {
            assertThat(unit.calls).isLessThan(1_000);
        }
        assertThat(unit.calls).isGreaterThanOrEqualTo(500);
    }

    @Test
    void aUnitThatWaitsIsCalledToBeTimedAndNotMoreOften() {
        Compiled unit = new Compiled(Integer.MAX_VALUE);
        FreshUnit fresh = unit.fresh();
        fresh.begin(idle);
        fresh.isReady(idle);
        assertThat(unit.calls).as("C1 is asked after the 256th").isBetween(256, 400);
        int before = unit.calls;
        for (int i = 0; i < 20; i++) {
            assertThat(fresh.isReady(idle)).isFalse();
        }
        assertThat(unit.calls - before).isBetween(128, 20 * 32);
    }

    @Test
    void aUnitThatIsNeverCompiledIsReadyInTheEnd() {
        Compiled unit = new Compiled(Integer.MAX_VALUE);
        FreshUnit fresh = unit.fresh();
        fresh.begin(idle);
        assertThat(fresh.isReady(idle)).isFalse();
        while (!fresh.isReady(idle)) {
            assertThat(unit.calls).isLessThan(10_000);
        }
    }

    @Test
    void aRehearsalLeavesRegistersFlagsVectorsAndBudgetAlone() {
        Label loop = new Label();
        Assembler code = new Assembler(0);
        code.bind(loop).load(64, Cpu.RAX, Assembler.at(Cpu.RBX)).alu(Alu.ADD, 64, Cpu.RAX, Cpu.RCX);
        code.sse(0xf2, 0x58, 2, 3).store(64, Assembler.at(Cpu.RBX), Cpu.RAX);
        code.dec(64, Cpu.RCX).jcc(Condition.NE, loop);
        byte[] page = Arrays.copyOf(code.bytes(), Ram.PAGE_SIZE);
        Region region = Region.of(page, 0, 200, new int[0], null);
        TranslatedUnit unit = UnitBuilder.define(UnitBuilder.classFile(region, false));
        Arrays.setAll(idle.r, i -> i + 1);
        Arrays.setAll(idle.xmm, i -> i + 1);
        idle.setRflags(0x8d5);
        idle.budget = 100;
        long[] registers = idle.r.clone();
        long[] vectors = idle.xmm.clone();
        long flags = idle.rflags();
        assertThat(unit.run(idle, TranslatedUnit.REHEARSE)).isEqualTo(TranslatedUnit.ON);
        assertThat(idle.r).isEqualTo(registers);
        assertThat(idle.xmm).isEqualTo(vectors);
        assertThat(idle.rflags()).isEqualTo(flags);
        assertThat(idle.budget).isEqualTo(100);
    }

    @Test
    void whatAUnitCallsIsInitialisedBeforeItIsCompiled() {
        ClassDesc called = UnitCode.desc(Called.class);
        byte[] unit =
                ClassFile.of()
                        .build(
                                ClassDesc.of("Unit"),
                                type ->
                                        type.withMethodBody(
                                                "run",
                                                ConstantDescs.MTD_void,
                                                ClassFile.ACC_STATIC,
                                                code ->
                                                        code.invokestatic(
                                                                        called,
                                                                        "method",
                                                                        ConstantDescs.MTD_void)
                                                                .loadConstant(
                                                                        long[]
                                                                                .class
                                                                                .describeConstable()
                                                                                .orElseThrow())
                                                                .pop()
                                                                .return_()));
        assertThat(INITIALISED).isEmpty();
        UnitBuilder.initialiseWhatIsCalled(unit);
        assertThat(INITIALISED).containsExactly("called");
    }
}

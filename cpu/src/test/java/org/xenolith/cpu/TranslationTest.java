package org.xenolith.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.cpu.Assembler.at;
import static org.xenolith.cpu.Cpu.R10;
import static org.xenolith.cpu.Cpu.R8;
import static org.xenolith.cpu.Cpu.R9;
import static org.xenolith.cpu.Cpu.RAX;
import static org.xenolith.cpu.Cpu.RBX;
import static org.xenolith.cpu.Cpu.RCX;
import static org.xenolith.cpu.Cpu.RDX;
import static org.xenolith.cpu.GuestCode.CODE;
import static org.xenolith.cpu.GuestCode.DATA;
import static org.xenolith.cpu.GuestCode.DATA_END;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.xenolith.cpu.Assembler.Alu;
import org.xenolith.cpu.Assembler.Condition;
import org.xenolith.cpu.Assembler.Label;
import org.xenolith.cpu.interp.TranslatedUnit;
import org.xenolith.cpu.mmu.Ram;
import org.xenolith.cpu.semantics.simd.Mxcsr;
import org.xenolith.cpu.translate.Jit;

import java.lang.management.ManagementFactory;
import java.util.Locale;
import java.util.function.IntConsumer;

/** What translated code owes to the rest: exits, stores into it, and room that it gives back. */
@Timeout(300)
class TranslationTest {
    private static final int FEW = 4_000;
    private static final int MANY = 200_000;
    private static final long MEGABYTE = 1 << 20;

    /** Millions of instructions after which a vCPU no longer counts as one that boots. */
    private static final int BOOTED = 1_800;

    private static final int ANY_TIME = 1_000_000;

    private final GuestCode guest = new GuestCode(TestTier.EVERYTHING);
    private final Cpu cpu = guest.cpu;

    private static void countTo(Assembler code, long n) {
        Label loop = new Label();
        code.mov(RAX, 0).mov(RCX, n).bind(loop).alu(Alu.ADD, 64, RAX, RCX);
        code.dec(64, RCX).jcc(Condition.NE, loop).syscall();
    }

    @Test
    void aLoopRunsInTranslatedCode() {
        guest.run(code -> countTo(code, 10_000));
        assertThat(cpu.r[RAX]).isEqualTo(10_000L * 10_001 / 2);
        assertThat(cpu.tier.instructions()).isGreaterThan(29_000);
    }

    @Test
    void aLoopWhoseTestStandsAtItsHeadIsTranslated() {
        Label head = new Label();
        Label done = new Label();
        GuestCode hot = new GuestCode(new Jit(new Jit.Policy(100, ANY_TIME, true, 200, 0)));
        hot.write(
                code -> {
                    code.mov(RAX, 0).mov(RCX, 10_000).bind(head);
                    code.aluImmediate(Alu.CMP, 64, RCX, 0).jcc(Condition.E, done);
                    code.alu(Alu.ADD, 64, RAX, RCX).dec(64, RCX).jmp(head);
                    code.bind(done).syscall();
                });
        assertThat(hot.cpu.run(100_000)).isEqualTo(Exit.SYSCALL);
        assertThat(hot.cpu.r[RAX]).isEqualTo(10_000L * 10_001 / 2);
        assertThat(hot.cpu.tier.instructions()).isGreaterThan(40_000);
    }

    @Test
    void aHandlerThatGetsHotLaterSharesAUnitWithThoseThatHaveOneAlready() {
        GuestCode hot = new GuestCode(new Jit(new Jit.Policy(100, ANY_TIME, true, 200, 0)));
        Label[] handlers = {new Label(), new Label(), new Label()};
        Label done = new Label();
        Assembler program =
                hot.write(
                        code -> {
                            Label third = handlers[2];
                            code.lea(R8, handlers[0]).lea(R9, handlers[1]).lea(R10, handlers[0]);
                            code.mov(RCX, 10_000).jmp(handlers[0]);
                            for (Label handler : handlers) {
                                code.bind(handler).dec(64, RCX).jcc(Condition.E, done);
                                code.mov(64, RDX, R8).mov(64, R8, R9).mov(64, R9, R10);
                                code.mov(64, R10, RDX).jmp(RDX);
                            }
                            code.bind(done).syscall();
                            code.lea(R10, third).mov(RCX, 10_000).jmp(handlers[0]);
                        });
        assertThat(hot.cpu.run(1_000_000)).isEqualTo(Exit.SYSCALL);
        long before = hot.cpu.tier.exits(TranslatedUnit.ON);
        assertThat(hot.cpu.run(1_000_000)).isEqualTo(Exit.SYSCALL);
        assertThat(program.bytes()).hasSizeLessThan(Ram.PAGE_SIZE);
        assertThat(hot.cpu.tier.exits(TranslatedUnit.ON) - before).isLessThan(200);
    }

    @Test
    void anUpcallReachesATightLoopWhenTheBudgetIsSpent() {
        guest.write(code -> countTo(code, Long.MAX_VALUE));
        for (int i = 0; i < 100; i++) {
            long before = cpu.retired();
            assertThat(cpu.run(1500)).isEqualTo(Exit.BUDGET);
            assertThat(cpu.retired() - before).isEqualTo(1500);
        }
        assertThat(cpu.tier.exits(TranslatedUnit.BUDGET)).isPositive();
    }

    @Test
    void aFaultInALoopLeavesTheStateBeforeItsInstruction() {
        Label loop = new Label();
        GuestFault fault =
                guest.fault(
                        code -> {
                            code.mov(RBX, DATA_END - 64).mov(RCX, 100).bind(loop);
                            code.load(64, RAX, at(RBX)).aluImmediate(Alu.ADD, 64, RBX, 8);
                            code.dec(64, RCX).jcc(Condition.NE, loop).syscall();
                        });
        assertThat(fault.address()).isEqualTo(DATA_END);
        assertThat(cpu.r[RBX]).isEqualTo(DATA_END);
        assertThat(cpu.r[RCX]).isEqualTo(92);
        assertThat(cpu.rip).isEqualTo(loop.vaddr());
    }

    @Test
    void aStoreIntoALoopThatIsTranslatedTakesEffectAtOnce() {
        Label loop = new Label();
        guest.run(
                code -> {
                    code.mov(RBX, CODE + 0x102).mov(RCX, 5_000).padTo(CODE + 0x100);
                    code.bind(loop).mov(RAX, 0).storeImmediate(32, at(RBX), 7);
                    code.dec(64, RCX).jcc(Condition.NE, loop).syscall();
                });
        assertThat(cpu.r[RAX]).isEqualTo(7);
    }

    @Test
    void codeThatRunsNowAndThenIsNotTranslatedHoweverOftenInAll() {
        assertThat(unitsAfterRareCalls(ANY_TIME) - unitsAfterRareCalls(1)).isEqualTo(1);
    }

    /** Calls a function 300 times, and does something else for 20,000 instructions in between. */
    private static long unitsAfterRareCalls(int window) {
        Jit jit = new Jit(new Jit.Policy(100, window, true, 200, 0));
        GuestCode rare = new GuestCode(jit);
        Assembler function = new Assembler(CODE + 0x1000);
        Label start = function.mark();
        function.aluImmediate(Alu.ADD, 64, RAX, 3).ret();
        rare.machine.load(CODE + 0x1000, function.bytes());
        Label loop = new Label();
        Label pause = new Label();
        rare.write(
                code -> {
                    code.mov(RBX, 300).mov(RAX, 0).bind(loop).call(start);
                    code.mov(RCX, 10_000).bind(pause).dec(64, RCX).jcc(Condition.NE, pause);
                    code.dec(64, RBX).jcc(Condition.NE, loop).syscall();
                });
        assertThat(rare.cpu.run(10_000_000)).isEqualTo(Exit.SYSCALL);
        assertThat(rare.cpu.r[RAX]).isEqualTo(900);
        return jit.units();
    }

    @Test
    void codeOfAPatchedPageNeedsMoreEntriesAndGetsMoreTimeForThem() {
        Jit jit = TestTier.HOT.jit();
        for (int drops = 1; drops < 20; drops++) {
            assertThat((double) jit.threshold(drops, BOOTED) / jit.window(drops, BOOTED))
                    .isEqualTo((double) jit.threshold(0, BOOTED) / jit.window(0, BOOTED));
        }
        assertThat(jit.threshold(1, BOOTED)).isEqualTo(2 * jit.threshold(0, BOOTED));
    }

    @Test
    void codeOfABootNeedsMoreEntriesAndGetsMoreTimeForThem() {
        Jit jit = TestTier.HOT.jit();
        assertThat(jit.threshold(0, 0)).isEqualTo(4 * jit.threshold(0, BOOTED));
        assertThat(jit.window(0, 0)).isEqualTo(4 * jit.window(0, BOOTED));
        assertThat(jit.threshold(1, 0)).isEqualTo(2 * jit.threshold(0, 0));
        Jit atOnce = TestTier.EVERYTHING.jit();
        assertThat(atOnce.threshold(0, 0)).isEqualTo(atOnce.threshold(0, BOOTED));
    }

    @Test
    void aGuestThatRunsForLongGivesItsCodeMoreTimeUpToALimit() {
        Jit jit = TestTier.HOT.jit();
        int young = jit.window(0, BOOTED);
        assertThat(jit.window(0, 32 * young)).isEqualTo(young);
        assertThat(jit.window(0, 64 * young)).isEqualTo(2 * young);
        assertThat(jit.window(0, Integer.MAX_VALUE)).isEqualTo(4 * young);
    }

    @Test
    void theSameUnitServesEveryMappingOfItsFrame() {
        guest.write(code -> countTo(code, 100));
        long units = TestTier.EVERYTHING.jit().units();
        guest.runToSyscall();
        long added = TestTier.EVERYTHING.jit().units() - units;
        long alias = 0x9000_0000L;
        guest.machine.mapFrame(alias, guest.machine.host(CODE) >>> 12, 7);
        cpu.rip = alias;
        guest.runToSyscall();
        assertThat(cpu.rip >>> 12).isEqualTo(alias >>> 12);
        assertThat(TestTier.EVERYTHING.jit().units() - units).isEqualTo(added);
    }

    @Test
    void aFunctionOfThePageIsPartOfItsCallersUnit() {
        Label loop = new Label();
        Label function = new Label();
        guest.run(
                code -> {
                    code.mov(RCX, 1_000).mov(RAX, 0).bind(loop).call(function);
                    code.dec(64, RCX).jcc(Condition.NE, loop).syscall();
                    code.bind(function).aluImmediate(Alu.ADD, 64, RAX, 3).ret();
                });
        assertThat(cpu.r[RAX]).isEqualTo(3_000);
        assertThat(cpu.tier.exits(TranslatedUnit.ON)).isLessThan(10);
    }

    @Test
    void aUnitIsEnteredBehindACallIntoAnotherPage() {
        Label loop = new Label();
        Assembler function = new Assembler(CODE + 0x1000);
        Label start = function.mark();
        function.aluImmediate(Alu.ADD, 64, RAX, 3).ret();
        guest.machine.load(CODE + 0x1000, function.bytes());
        long units = TestTier.EVERYTHING.jit().units();
        guest.run(
                code -> {
                    code.mov(RCX, 1_000).mov(RAX, 0).bind(loop).call(start);
                    code.dec(64, RCX).jcc(Condition.NE, loop).syscall();
                });
        assertThat(cpu.r[RAX]).isEqualTo(3_000);
        assertThat(TestTier.EVERYTHING.jit().units() - units)
                .as("units: the caller's, the function's, that of the first way into the loop")
                .isLessThanOrEqualTo(3);
        assertThat(cpu.tier.instructions()).isGreaterThan(4_900);
    }

    @Test
    void aStoreIntoTheCodeBehindACallDropsTheUnitAtBothEntries() {
        Assembler function = new Assembler(CODE + 0x1000);
        Label start = function.mark();
        function.ret();
        guest.machine.load(CODE + 0x1000, function.bytes());
        Label loop = new Label();
        guest.run(
                code -> {
                    code.mov(RBX, CODE + 0x107).mov(RCX, 50).padTo(CODE + 0x100);
                    code.bind(loop).call(start).mov(RAX, 0).storeImmediate(32, at(RBX), 7);
                    code.dec(64, RCX).jcc(Condition.NE, loop).syscall();
                });
        assertThat(cpu.r[RAX]).isEqualTo(7);
    }

    @Test
    void lockStepFindsNothingInALoopOverMemory() {
        GuestCode verified = new GuestCode(TestTier.VERIFIED);
        Label loop = new Label();
        verified.run(
                code -> {
                    code.mov(RBX, DATA).mov(RCX, 500).bind(loop).inc(32, at(RBX));
                    code.alu(Alu.ADD, 64, at(RBX, 64), RAX).aluImmediate(Alu.ADD, 64, RBX, 3);
                    code.dec(64, RCX).jcc(Condition.NE, loop).syscall();
                });
        assertThat(verified.cpu.verifier.compared()).isPositive();
    }

    @Test
    void aTaskSwitchIsNoticedByVectorInstructionsThatAreTranslatedAlready() {
        guest.write(code -> code.sse(0x66, 0xef, 1, 1).syscall());
        guest.runToSyscall();
        cpu.taskSwitched = true;
        cpu.rip = CODE;
        assertThat(guest.fault().vector()).isEqualTo(Vector.DEVICE_NOT_AVAILABLE);
        assertThat(cpu.rip).isEqualTo(CODE);
    }

    @ParameterizedTest
    @EnumSource(Condition.class)
    void aConditionAfterAComparisonOfDoublesIsTheInterpreters(Condition condition) {
        GuestCode interpreted = new GuestCode(TestTier.INTERPRETER);
        double[] operands = {0.0, -0.0, 1, -1, Double.MIN_VALUE, 1e300, Double.NaN, 1 / 0.0};
        for (double a : operands) {
            for (double b : operands) {
                assertThat(conditionAfterComparison(guest, condition, a, b))
                        .as("%s after UCOMISD of %s and %s", condition, a, b)
                        .isEqualTo(conditionAfterComparison(interpreted, condition, a, b));
            }
        }
        assertThat(cpu.tier.instructions()).isPositive();
    }

    /** Bit 0 as SETcc says it, bit 1 as Jcc. */
    private static long conditionAfterComparison(
            GuestCode guest, Condition condition, double a, double b) {
        Label met = new Label();
        guest.write(
                code -> {
                    code.mov(RAX, 0).mov(RCX, 2).sse(0x66, 0x2e, 0, 1);
                    code.bytes(0x0f, 0x90 + condition.ordinal(), 0xc0);
                    code.jcc(condition, met).mov(RCX, 0);
                    code.bind(met).alu(Alu.ADD, 64, RAX, RCX).syscall();
                });
        guest.cpu.xmm[0] = Double.doubleToRawLongBits(a);
        guest.cpu.xmm[2] = Double.doubleToRawLongBits(b);
        guest.runToSyscall();
        return guest.cpu.r[RAX];
    }

    @Test
    void aPrecisionFlagClearedBetweenTwoEntriesIsSetAgain() {
        guest.write(code -> code.sse(0xf2, 0x5e, 0, 1).syscall());
        for (int i = 0; i < 3; i++) {
            cpu.mxcsr.load(Mxcsr.DEFAULT);
            cpu.xmm[0] = Double.doubleToRawLongBits(1);
            cpu.xmm[2] = Double.doubleToRawLongBits(3);
            cpu.rip = CODE;
            guest.runToSyscall();
            assertThat(cpu.xmm[0]).isEqualTo(Double.doubleToRawLongBits(1 / 3.0));
            assertThat(cpu.mxcsr.value()).isEqualTo(Mxcsr.DEFAULT | Mxcsr.PE);
        }
    }

    @Test
    void aUnitWhoseDoublesAreRarelyQuickIsMadeAnew() {
        Label loop = new Label();
        guest.write(
                code -> {
                    code.mov(RCX, 10_000).bind(loop).sse(0xf2, 0x58, 0, 1);
                    code.dec(64, RCX).jcc(Condition.NE, loop).syscall();
                });
        cpu.mxcsr.load(Mxcsr.DEFAULT | Mxcsr.PE);
        cpu.xmm[0] = 0;
        cpu.xmm[2] = 1; // a denormal
        guest.runToSyscall();
        assertThat(cpu.xmm[0]).isEqualTo(10_000);
        assertThat(cpu.mxcsr.value()).isEqualTo(Mxcsr.DEFAULT | Mxcsr.PE | Mxcsr.DE);
        assertThat(cpu.tier.exits(TranslatedUnit.ROUGH)).isBetween(1L, 1_000L);
        assertThat(cpu.tier.instructions()).isGreaterThan(20_000);
    }

    @Test
    void aUnitThatMeetsAnOddDoubleNowAndThenStays() {
        Label loop = new Label();
        guest.write(
                code -> {
                    code.mov(RCX, 10_000).bind(loop).sse(0xf2, 0x58, 0, 1);
                    code.dec(64, RCX).jcc(Condition.NE, loop).syscall();
                });
        for (int run = 0; run < 20; run++) {
            cpu.mxcsr.load(Mxcsr.DEFAULT); // the precision flag is not set: the first is not quick
            cpu.xmm[0] = Double.doubleToRawLongBits(0.5);
            cpu.xmm[2] = Double.doubleToRawLongBits(0.1);
            cpu.rip = CODE;
            guest.runToSyscall();
        }
        assertThat(cpu.tier.exits(TranslatedUnit.ROUGH)).isBetween(10L, 100L);
        assertThat(cpu.tier.instructions()).isGreaterThan(20 * 29_000);
    }

    @Test
    void anUnmaskedExceptionIsRaisedInFrontOfTheDestination() {
        Label divsd = new Label();
        guest.write(code -> code.mov(RAX, 1).bind(divsd).sse(0xf2, 0x5e, 0, 1).syscall());
        cpu.mxcsr.load(Mxcsr.DEFAULT & ~Mxcsr.ZM);
        cpu.xmm[0] = Double.doubleToRawLongBits(1);
        cpu.xmm[2] = 0;
        assertThat(guest.fault().vector()).isEqualTo(Vector.SIMD_ERROR);
        assertThat(cpu.rip).isEqualTo(divsd.vaddr());
        assertThat(cpu.xmm[0]).isEqualTo(Double.doubleToRawLongBits(1));
        assertThat(cpu.mxcsr.value()).isEqualTo(Mxcsr.DEFAULT & ~Mxcsr.ZM | Mxcsr.ZE);
    }

    @Test
    void droppedUnitsLeaveNothingBehind() {
        translateAndDrop(FEW, 12, this::translateOne);
    }

    @Test
    void droppedUnitsWithAccessorsOfTheirOwnLeaveNothingBehind() {
        translateAndDrop(FEW, 24, this::translateOneOfManyAccesses);
    }

    @Test
    @Tag("proof")
    void twoHundredThousandDroppedUnitsLeaveNothingBehind() {
        translateAndDrop(MANY, 24, this::translateOne);
    }

    /** Metaspace grows until the collector unloads classes, then stays. */
    private void translateAndDrop(int units, long megabytes, IntConsumer translate) {
        for (int i = 0; i < FEW / 4; i++) {
            translate.accept(i);
        }
        System.gc();
        long before = metaspace();
        long start = TestTier.EVERYTHING.jit().units();
        for (int i = 0; i < units; i++) {
            translate.accept(i);
        }
        System.gc();
        long grown = metaspace() - before;
        System.out.println(
                "metaspace and code cache: %,d KiB more after %,d units, %,d KiB before"
                        .formatted(grown >> 10, units, before >> 10));
        assertThat(TestTier.EVERYTHING.jit().units() - start).isGreaterThanOrEqualTo(units);
        assertThat(grown).isLessThan(megabytes * MEGABYTE);
    }

    private void translateOne(int i) {
        guest.run(code -> code.mov(RAX, i).mov(RBX, DATA).alu(Alu.ADD, 64, at(RBX), RAX).syscall());
    }

    private void translateOneOfManyAccesses(int i) {
        Label loop = new Label();
        guest.run(
                code -> {
                    code.mov(RAX, i).mov(RBX, DATA).mov(RCX, 2).bind(loop);
                    for (int k = 0; k < 16; k++) {
                        code.alu(Alu.ADD, 64, at(RBX), RAX);
                    }
                    code.dec(64, RCX).jcc(Condition.NE, loop).syscall();
                });
    }

    private static long metaspace() {
        return ManagementFactory.getMemoryPoolMXBeans().stream()
                .filter(pool -> isForCode(pool.getName()))
                .mapToLong(pool -> pool.getUsage().getUsed())
                .sum();
    }

    private static boolean isForCode(String pool) {
        String name = pool.toLowerCase(Locale.ROOT);
        return name.contains("metaspace") || name.contains("class") || name.contains("code");
    }
}

package org.xenolith.cpu.interp;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.xenolith.cpu.Assembler;
import org.xenolith.cpu.Assembler.Alu;
import org.xenolith.cpu.Assembler.Condition;
import org.xenolith.cpu.Assembler.Label;
import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.Exit;

import java.lang.ref.Reference;
import java.lang.ref.WeakReference;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import java.util.stream.Stream;

/** Hundreds of domains share a heap: what they have decoded of their code must fit in. */
class CodeBudgetTest {
    private static final long LIMIT = 40_000;
    private static final long LOOK_AFTER = 500;
    private static final long BUSY = 50_000_000;

    private long now;
    private final CodeBudget budget = new CodeBudget(LIMIT, LOOK_AFTER, () -> now);

    private CodeSite site(long weight) {
        CodeSite site = new CodeSite(budget);
        site.decode(weight);
        return site;
    }

    /** Long enough for all but some to become idle. */
    private void aMinutePasses(CodeSite... busy) {
        for (int second = 0; second < 60; second += 10) {
            now += TimeUnit.SECONDS.toNanos(10);
            List.of(busy).forEach(site -> site.work(BUSY));
            budget.look();
        }
    }

    private static List<CodeSite> several(int count, Supplier<CodeSite> site) {
        return Stream.generate(site).limit(count).toList();
    }

    private static CodeSite[] all(List<CodeSite> some, CodeSite one) {
        return Stream.concat(some.stream(), Stream.of(one)).toArray(CodeSite[]::new);
    }

    @Test
    void domainsWhoseCodeFitsKeepAllOfIt() {
        CodeSite idle = site(15_000);
        CodeSite busy = site(15_000);
        aMinutePasses(busy);
        site(9_000);
        assertThat(idle.weight()).isGreaterThanOrEqualTo(15_000);
        assertThat(busy.weight()).isGreaterThanOrEqualTo(15_000);
    }

    @Test
    void anIdleDomainMakesRoomForThoseThatRunThoughItHoldsLess() {
        CodeSite idle = site(10_000);
        CodeSite busy = site(18_000);
        aMinutePasses(busy);
        CodeSite young = site(15_000);
        assertThat(idle.weight()).isZero();
        assertThat(idle.code.roomMade()).isEqualTo(1);
        assertThat(busy.code.roomMade()).isZero();
        assertThat(young.code.roomMade()).isZero();
    }

    @Test
    void aDomainThatWorksAgainAfterAnHourIsBusyWithinSeconds() {
        CodeSite first = site(15_000);
        CodeSite second = site(15_000);
        aMinutePasses();
        aMinutePasses(first);
        site(15_000);
        assertThat(first.code.roomMade()).isZero();
        assertThat(second.code.roomMade()).isEqualTo(1);
    }

    @Test
    void ofIdleDomainsTheOneThatHoldsMostMakesRoom() {
        CodeSite small = site(5_000);
        CodeSite large = site(15_000);
        CodeSite middle = site(10_000);
        aMinutePasses();
        site(15_000);
        assertThat(large.code.roomMade()).isEqualTo(1);
        assertThat(small.code.roomMade()).isZero();
        assertThat(middle.code.roomMade()).isZero();
    }

    @Test
    void asManyMakeRoomAsItTakesToComeWellBelowTheLimit() {
        List<CodeSite> idle = several(19, () -> site(2_000));
        aMinutePasses();
        CodeSite young = site(4_000);
        long lost = idle.stream().filter(site -> site.code.roomMade() == 1).count();
        assertThat(lost).isBetween(3L, 5L);
        assertThat(young.code.roomMade()).isZero();
    }

    @Test
    void aDomainThatDecodesWithoutEndMakesRoomForItselfWhileItsNeighboursWork() {
        List<CodeSite> busy = several(4, () -> site(8_000));
        CodeSite hostile = site(0);
        for (int i = 0; i < 20; i++) {
            aMinutePasses(all(busy, hostile));
            hostile.decode(10_000);
        }
        assertThat(hostile.code.roomMade()).isGreaterThan(10);
        assertThat(busy).allMatch(site -> site.code.roomMade() == 0);
    }

    @Test
    void aDomainThatDecodesWithoutEndCostsAnIdleOneItsCodeOnce() {
        CodeSite idle = site(8_000);
        List<CodeSite> busy = several(3, () -> site(8_000));
        CodeSite hostile = site(0);
        for (int i = 0; i < 20; i++) {
            aMinutePasses(all(busy, hostile));
            hostile.decode(10_000);
            idle.decode(Math.max(0, 1_000 - idle.weight())); // what its timers run
        }
        assertThat(idle.code.roomMade()).isEqualTo(1);
        assertThat(busy).allMatch(site -> site.code.roomMade() == 0);
    }

    @Test
    void theSumStaysWithinTheLimitWhateverTheDomainsDo() {
        List<CodeSite> sites = several(10, () -> site(0));
        for (int i = 0; i < 20; i++) {
            for (CodeSite site : sites) {
                site.decode(1_000);
                long sum = sites.stream().mapToLong(CodeSite::weight).sum();
                assertThat(sum).isLessThan(LIMIT + sites.size() * LOOK_AFTER);
            }
        }
    }

    @Test
    void aDomainThatEndsLeavesItsRoomToTheOthers() {
        CodeSite ended = site(15_000);
        CodeSite other = site(15_000);
        ended.code.end();
        assertThat(ended.weight()).isZero();
        site(15_000);
        assertThat(other.code.roomMade()).isZero();
        assertThat(ended.code.roomMade()).isZero();
    }

    @Test
    void whoeverRefersToADomainThatHasEndedKeepsNoneOfItsCode() {
        CodeSite site = site(0);
        site.load(new Assembler(CodeSite.CODE).mov(Cpu.RAX, 7).syscall());
        site.cpu.rip = CodeSite.CODE;
        assertThat(site.cpu.run(100)).isEqualTo(Exit.SYSCALL);
        WeakReference<Block> block = new WeakReference<>(site.page().find(0));
        site.cpu.mmu().mailbox().sleep();
        site.code.end();
        for (int i = 0; i < 5 && block.get() != null; i++) {
            System.gc();
        }
        assertThat(block.get()).isNull();
        Reference.reachabilityFence(site);
    }

    @Test
    void aProgramIsRightWhileOthersTakeItsCodeAway() throws InterruptedException {
        CodeSite site = site(0);
        Assembler program = new Assembler(CodeSite.CODE);
        Label loop = new Label();
        program.mov(Cpu.RAX, 0).mov(Cpu.RCX, 1_000).bind(loop);
        for (int i = 0; i < 40; i++) {
            Label next = new Label();
            program.alu(Alu.CMP, 64, Cpu.RCX, Cpu.RAX).jcc(Condition.E, next);
            program.bind(next).aluImmediate(Alu.ADD, 64, Cpu.RAX, 3);
        }
        site.load(program.dec(64, Cpu.RCX).jcc(Condition.NE, loop).syscall());
        AtomicBoolean isDone = new AtomicBoolean();
        Thread other = Thread.ofPlatform().start(() -> takeAwayUntil(isDone, site));
        do {
            site.cpu.rip = CodeSite.CODE;
            assertThat(site.cpu.run(10_000_000)).isEqualTo(Exit.SYSCALL);
            assertThat(site.cpu.r[Cpu.RAX]).isEqualTo(1_000 * 40 * 3);
            site.cpu.mmu().mailbox().drain();
        } while (site.code.roomMade() < 100);
        isDone.set(true);
        other.join();
    }

    private static void takeAwayUntil(AtomicBoolean isDone, CodeSite site) {
        while (!isDone.get()) {
            site.code.dropForRoom();
        }
    }
}

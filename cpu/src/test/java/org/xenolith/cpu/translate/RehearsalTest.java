package org.xenolith.cpu.translate;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.cpu.Assembler;
import org.xenolith.cpu.Assembler.Condition;
import org.xenolith.cpu.Assembler.Label;
import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.Exit;
import org.xenolith.cpu.FlatMachine;
import org.xenolith.cpu.HotRequests;
import org.xenolith.cpu.interp.HotCode;
import org.xenolith.cpu.interp.TranslatedUnit;

import java.util.ArrayList;
import java.util.List;

/** What gets hot while a unit waits for HotSpot waits with it, if the unit contains it. */
class RehearsalTest {
    private static final long CODE = 0x40_0000;
    private static final long STEP_NANOS = 50_000;
    private static final int[] NOTHING_BUSY = {};

    private final Rehearsal rehearsal = new Rehearsal();
    private final List<Throwable> failures = new ArrayList<>();
    private long nanos;

    /** Requests for the blocks of two loops, one in the other, of a page at an address. */
    private static List<HotCode> hot(long page) {
        HotRequests requests = new HotRequests();
        FlatMachine machine = new FlatMachine(requests);
        Label outer = new Label();
        Label inner = new Label();
        Assembler code = new Assembler(page);
        code.mov(Cpu.RCX, 10_000);
        code.bind(outer).mov(Cpu.RDX, 2);
        code.bind(inner).dec(64, Cpu.RDX).jcc(Condition.NE, inner);
        code.dec(64, Cpu.RCX).jcc(Condition.NE, outer).syscall();
        machine.map(page, 0x1000);
        machine.load(page, code.bytes());
        machine.cpu.rip = page;
        assertThat(machine.cpu.run(1_000_000)).isEqualTo(Exit.SYSCALL);
        assertThat(requests.codes).hasSizeGreaterThan(1);
        return requests.codes;
    }

    private FreshUnit unitOf(HotCode code) {
        Region region = Region.of(code.bytes(), code.start(), 200, NOTHING_BUSY, null);
        TranslatedUnit unit = UnitBuilder.define(UnitBuilder.classFile(region, false));
        return new FreshUnit(code, region, unit, false, () -> nanos += STEP_NANOS);
    }

    @Test
    void aHotBlockOfAUnitThatWaitsComesOutWithTheUnit() {
        List<HotCode> hot = hot(CODE);
        FreshUnit unit = unitOf(hot.get(0));
        rehearsal.add(unit);
        assertThat(rehearsal.keepBack(hot.get(1))).isTrue();
        List<FreshUnit> ready = rehearsal.takeReady(failures::add);
        while (ready.isEmpty()) {
            assertThat(rehearsal.isEmpty()).isFalse();
            ready = rehearsal.takeReady(failures::add);
        }
        assertThat(ready).containsExactly(unit);
        assertThat(unit.keptBack()).containsExactly(hot.get(1));
        assertThat(rehearsal.isEmpty()).isTrue();
    }

    @Test
    void aHotBlockOfAnotherPageDoesNotWait() {
        rehearsal.add(unitOf(hot(CODE).get(0)));
        assertThat(rehearsal.keepBack(hot(CODE).get(1))).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            classes = {
                IllegalStateException.class,
                NoSuchFieldError.class,
                StackOverflowError.class
            })
    void aUnitThatFailsIsTakenOutAndTheOthersStay(Class<? extends Throwable> failure) {
        List<HotCode> hot = hot(CODE);
        Region region = Region.of(hot.get(0).bytes(), hot.get(0).start(), 200, NOTHING_BUSY, null);
        Broken unit = new Broken();
        FreshUnit broken = new FreshUnit(hot.get(0), region, unit, false, () -> nanos++);
        FreshUnit whole = unitOf(hot.get(1));
        rehearsal.add(broken);
        rehearsal.add(whole);
        unit.failure = failure;
        assertThat(rehearsal.takeReady(failures::add)).containsExactly(broken);
        assertThat(broken.isBroken()).isTrue();
        assertThat(whole.isBroken()).isFalse();
        assertThat(failures).hasSize(1);
        assertThat(rehearsal.isEmpty()).isFalse();
    }

    /** Throws from some time on. */
    private static final class Broken extends TranslatedUnit {
        private Class<? extends Throwable> failure;

        @Override
        public int run(Cpu cpu, int start) {
            if (failure != null) {
                throwIt();
            }
            return ON;
        }

        private void throwIt() {
            try {
                Throwable made = failure.getConstructor().newInstance();
                if (made instanceof Error error) {
                    throw error;
                }
                throw (RuntimeException) made;
            } catch (ReflectiveOperationException e) {
                throw new AssertionError(e);
            }
        }
    }
}

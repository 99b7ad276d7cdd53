package org.xenolith.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.cpu.Assembler.at;
import static org.xenolith.cpu.Cpu.RAX;
import static org.xenolith.cpu.Cpu.RBX;
import static org.xenolith.cpu.Cpu.RCX;
import static org.xenolith.cpu.GuestCode.CODE;
import static org.xenolith.cpu.GuestCode.DATA;

import org.junit.jupiter.api.Test;
import org.xenolith.cpu.Assembler.Alu;
import org.xenolith.cpu.Assembler.Condition;
import org.xenolith.cpu.Assembler.Label;
import org.xenolith.cpu.interp.TranslatedUnit;
import org.xenolith.cpu.interp.UnitLibrary;
import org.xenolith.cpu.semantics.simd.Mxcsr;
import org.xenolith.cpu.translate.Jit;

import java.lang.ref.WeakReference;
import java.util.List;

/** Guests that run the same code run the same units, and units that nobody runs go. */
class SharedUnitsTest {
    private static final int ANY_TIME = 1_000_000;
    private static final int FEW = 4;
    private static final int MANY = 40;

    private final Jit jit = keeping(100);
    private final UnitLibrary library = jit.library();
    private final GuestCode guest = new GuestCode(jit);
    private final GuestCode neighbour = new GuestCode(jit);

    private static Jit keeping(int units) {
        return new Jit(new Jit.Policy(0, ANY_TIME, true, 200, 0, false, units));
    }

    private static long sum(GuestCode of, long vaddr, int step) {
        of.writeAt(vaddr, code -> sum(code, step));
        of.runToSyscall();
        return of.cpu.r[RAX];
    }

    private static void sum(Assembler code, int step) {
        Label loop = new Label();
        code.mov(RAX, 0).mov(RCX, 100);
        code.bind(loop).aluImmediate(Alu.ADD, 64, RAX, step);
        code.dec(64, RCX).jcc(Condition.NE, loop).syscall();
    }

    @Test
    void aSecondGuestEntersTheUnitOfTheFirst() {
        assertThat(sum(guest, CODE, 3)).isEqualTo(300);
        long made = jit.units();
        assertThat(made).isPositive();
        assertThat(sum(neighbour, CODE, 3)).isEqualTo(300);
        assertThat(jit.units()).isEqualTo(made);
        assertThat(library.reused()).isPositive();
        assertThat(neighbour.cpu.tier.instructions()).isGreaterThan(290);
    }

    @Test
    void aPageAtAnotherAddressEntersItToo() {
        sum(guest, CODE, 3);
        long made = jit.units();
        assertThat(sum(neighbour, CODE + 0x1000, 3)).isEqualTo(300);
        assertThat(jit.units()).isEqualTo(made);
    }

    @Test
    void codeThatDiffersInOneByteGetsAUnitOfItsOwn() {
        sum(guest, CODE, 3);
        long made = jit.units();
        assertThat(sum(neighbour, CODE, 4)).isEqualTo(400);
        assertThat(jit.units()).isGreaterThan(made);
    }

    @Test
    void codeThatStandsElsewhereInItsPageGetsAUnitOfItsOwn() {
        sum(guest, CODE, 3);
        long made = jit.units();
        assertThat(sum(neighbour, CODE + 8, 3)).isEqualTo(300);
        assertThat(jit.units()).isGreaterThan(made);
    }

    @Test
    void aGuestThatPatchesItsCodeLeavesTheNeighboursAlone() {
        sum(guest, CODE, 3);
        sum(neighbour, CODE, 3);
        assertThat(sum(guest, CODE, 5)).isEqualTo(500);
        neighbour.cpu.rip = CODE;
        neighbour.runToSyscall();
        assertThat(neighbour.cpu.r[RAX]).isEqualTo(300);
    }

    @Test
    void codeThatIsWrittenAgainIsNotTranslatedAgain() {
        sum(guest, CODE, 3);
        sum(guest, CODE, 5);
        long made = jit.units();
        assertThat(sum(guest, CODE, 3)).isEqualTo(300);
        assertThat(sum(guest, CODE, 5)).isEqualTo(500);
        assertThat(jit.units()).isEqualTo(made);
    }

    /** Whoever decodes such a block compares it with each of them. */
    @Test
    void ofManyUnitsThatBeginAlikeOnlyTheNewestAreFound() {
        for (int step = 1; step <= MANY; step++) {
            sum(guest, CODE, step);
        }
        long made = jit.units();
        sum(neighbour, CODE, MANY);
        assertThat(jit.units()).isEqualTo(made);
        assertThat(sum(neighbour, CODE, 1)).isEqualTo(100);
        assertThat(jit.units()).isGreaterThan(made);
    }

    /** A guest's own numbers must not be part of what another one runs. */
    @Test
    void aUnitReachesTheMemoryOfWhoRunsIt() {
        for (GuestCode each : List.of(guest, neighbour)) {
            each.run(
                    code ->
                            code.mov(RBX, DATA)
                                    .mov(RAX, 7)
                                    .alu(Alu.ADD, 64, at(RBX), RAX)
                                    .syscall());
        }
        neighbour.cpu.rip = CODE;
        neighbour.runToSyscall();
        assertThat(neighbour.quad(DATA)).isEqualTo(14);
        assertThat(guest.quad(DATA)).isEqualTo(7);
        assertThat(library.reused()).isPositive();
    }

    @Test
    void aUnitWhoseDoublesWereRarelyQuickIsNotPassedOn() {
        for (GuestCode each : List.of(guest, neighbour)) {
            Label loop = new Label();
            each.cpu.mxcsr.load(Mxcsr.DEFAULT | Mxcsr.PE);
            each.cpu.xmm[0] = 0;
            each.cpu.xmm[2] = 1; // a denormal
            each.run(
                    code -> {
                        code.mov(RCX, 10_000).bind(loop).sse(0xf2, 0x58, 0, 1);
                        code.dec(64, RCX).jcc(Condition.NE, loop).syscall();
                    });
        }
        long left = guest.cpu.tier.exits(TranslatedUnit.ROUGH);
        assertThat(neighbour.cpu.tier.exits(TranslatedUnit.ROUGH))
                .as("the loop's unit was left %d times until it was made anew", left)
                .isLessThan(left / 2);
        assertThat(neighbour.cpu.xmm[0]).isEqualTo(10_000);
    }

    @Test
    void aUnitThatWasNotQuickForOneGuestGoesFromTheOthersWhenItHasNotRunForLong() {
        Jit small = keeping(FEW);
        GuestCode rough = new GuestCode(small);
        GuestCode cold = new GuestCode(small);
        for (GuestCode each : List.of(rough, cold)) {
            each.cpu.mxcsr.load(Mxcsr.DEFAULT | Mxcsr.PE);
            each.cpu.xmm[0] = Double.doubleToRawLongBits(1);
            each.cpu.xmm[2] = Double.doubleToRawLongBits(1);
            addDoubles(each);
        }
        long made = small.units();
        rough.cpu.xmm[0] = 0;
        rough.cpu.xmm[2] = 1; // a denormal
        rough.cpu.rip = CODE;
        rough.runToSyscall();
        assertThat(small.units()).as("the rough guest has one of its own").isGreaterThan(made);
        for (int step = 1; step <= 3 * FEW; step++) {
            sum(rough, CODE, step);
        }
        assertThat(small.library().size()).isEqualTo(FEW);
        assertThat(small.library().cold())
                .as("units that went: the one that the cold guest still had is among them")
                .isEqualTo(small.units() - FEW);
    }

    private static void addDoubles(GuestCode guest) {
        Label loop = new Label();
        guest.run(
                code -> {
                    code.mov(RCX, 10_000).bind(loop).sse(0xf2, 0x58, 0, 1);
                    code.dec(64, RCX).jcc(Condition.NE, loop).syscall();
                });
    }

    @Test
    void unitsThatDoNotRunMakeRoomAndAreMadeAnewWhenTheyDo() {
        Jit small = keeping(FEW);
        GuestCode busy = new GuestCode(small);
        for (int step = 1; step <= 3 * FEW; step++) {
            assertThat(sum(busy, CODE, step)).isEqualTo(100L * step);
        }
        assertThat(small.library().size()).isEqualTo(FEW);
        assertThat(small.library().cold()).isEqualTo(small.units() - FEW);
        long made = small.units();
        assertThat(sum(busy, CODE, 1)).isEqualTo(100);
        assertThat(small.units()).isGreaterThan(made);
    }

    @Test
    void aUnitThatGoesLeavesItsBlocksToTheInterpreter() {
        Jit small = keeping(FEW);
        GuestCode cold = new GuestCode(small);
        sum(cold, CODE, 1);
        GuestCode busy = new GuestCode(small);
        for (int step = 2; step <= 3 * FEW; step++) {
            sum(busy, CODE, step);
        }
        long made = small.units();
        cold.cpu.rip = CODE;
        cold.runToSyscall();
        assertThat(cold.cpu.r[RAX]).isEqualTo(100);
        assertThat(small.units())
                .as("its block counts anew, and is hot at once")
                .isGreaterThan(made);
    }

    @Test
    void aUnitThatRunsAllTheTimeStays() {
        Jit small = keeping(FEW);
        GuestCode constant = new GuestCode(small);
        sum(constant, CODE, 1);
        GuestCode busy = new GuestCode(small);
        for (int step = 2; step <= 5 * FEW; step++) {
            sum(busy, CODE, step);
            long made = small.units();
            constant.cpu.rip = CODE;
            constant.runToSyscall();
            assertThat(small.units()).isEqualTo(made);
        }
        assertThat(small.library().cold()).isPositive();
    }

    @Test
    void theLibraryHoldsNoGuest() {
        WeakReference<GuestCode> gone = new WeakReference<>(runAndForget());
        for (int k = 0; k < 20 && gone.get() != null; k++) {
            System.gc();
        }
        assertThat(gone.get()).isNull();
        assertThat(library.size()).isPositive();
    }

    private GuestCode runAndForget() {
        GuestCode other = new GuestCode(jit);
        sum(other, CODE, 9);
        return other;
    }
}

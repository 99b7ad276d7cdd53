package org.xenolith.cpu.interp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.xenolith.cpu.Assembler;
import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.FlatMachine;
import org.xenolith.cpu.TestTier;
import org.xenolith.cpu.mmu.Ram;
import org.xenolith.cpu.semantics.Flags;

/** Lock step finds a unit that does something else than its instructions say. */
class UnitVerifierTest {
    private static final long CODE = 0x40_0000L;
    private static final long DATA = 0x80_0000L;
    private static final long MANY = 0x100_0000L;

    private final FlatMachine machine = new FlatMachine(TestTier.INTERPRETER);
    private final Cpu cpu = machine.cpu;
    private final UnitVerifier verifier = new UnitVerifier(cpu, 1);
    private int length;

    /** INC RAX; MOV [RBX], RAX. */
    @BeforeEach
    void code() {
        machine.map(CODE, 1);
        machine.map(DATA, 1);
        Assembler code = new Assembler(CODE);
        code.inc(64, Cpu.RAX).store(64, Assembler.at(Cpu.RBX), Cpu.RAX).syscall();
        machine.load(CODE, code.bytes());
        cpu.mmu().write64(DATA, 0);
        length = code.bytes().length - 2;
        cpu.r[Cpu.RBX] = DATA;
        cpu.r[Cpu.RAX] = 40;
        cpu.budget = 100;
    }

    private TranslatedUnit unit(long added, long stored) {
        return new TranslatedUnit() {
            @Override
            public int run(Cpu on, int start) {
                on.r[Cpu.RAX] += added;
                on.setFlags(Flags.INC, 40, 1, 41);
                on.mmu().write64(DATA, stored);
                on.rip = CODE + length;
                on.budget -= 2;
                return ON;
            }
        };
    }

    @Test
    void aUnitThatDoesTheSameIsLeftAlone() {
        assertThat(verifier.run(unit(1, 41), CODE, 0)).isEqualTo(TranslatedUnit.ON);
        assertThat(verifier.compared()).isEqualTo(1);
        assertThat(cpu.r[Cpu.RAX]).isEqualTo(41);
        assertThat(cpu.rip).isEqualTo(CODE + length);
        assertThat(cpu.budget).isEqualTo(98);
        assertThat(cpu.mmu().read64(DATA)).isEqualTo(41);
    }

    @Test
    void aWrongRegisterIsReported() {
        assertThatThrownBy(() -> verifier.run(unit(2, 41), CODE, 0))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("differs from the interpreter");
    }

    @Test
    void aWrongStoreIsReported() {
        assertThatThrownBy(() -> verifier.run(unit(1, 42), CODE, 0))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("at byte 0 of a frame");
    }

    @Test
    void aMissingStoreIsReported() {
        assertThatThrownBy(() -> verifier.run(unit(1, 0), CODE, 0))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("at byte 0 of a frame");
    }

    @Test
    void aGuestThatWritesManyFramesIsComparedWithoutThem() {
        machine.map(MANY, 100 * Ram.PAGE_SIZE);
        for (int page = 0; page < 100; page++) {
            cpu.mmu().write64(MANY + page * Ram.PAGE_SIZE, page);
        }
        assertThat(writableFrames()).isGreaterThan(100);
        verifier.run(unit(1, 41), CODE, 0);
        assertThat(writableFrames()).as("those that the unit has written since").isEqualTo(1);
        assertThat(cpu.mmu().read64(MANY + 7 * Ram.PAGE_SIZE)).isEqualTo(7);
    }

    private int writableFrames() {
        int[] frames = new int[1];
        cpu.mmu().forEachWritableFrame(host -> frames[0]++);
        return frames[0];
    }

    @Test
    void theFirstEntriesAreComparedAndThenOneOfSoMany() {
        UnitVerifier seldom = new UnitVerifier(cpu, 100);
        for (int i = 0; i < 250; i++) {
            cpu.r[Cpu.RAX] = 40;
            cpu.budget = 100;
            seldom.run(unit(1, 41), CODE, i);
        }
        assertThat(seldom.compared()).as("0 to 7, 100, 200").isEqualTo(10);
    }
}

package org.xenolith.cpu.interp;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.Exit;
import org.xenolith.cpu.FlatMachine;
import org.xenolith.cpu.TestTier;
import org.xenolith.cpu.decode.CodeSize;

import java.lang.ref.WeakReference;
import java.util.function.BooleanSupplier;

/** A jump may remember the operation of a unit that is gone. */
class DroppedUnitTest {
    private static final long CODE = 0x40_0000;

    /** mov eax, 7; syscall. */
    private static final byte[] PROGRAM = {(byte) 0xb8, 7, 0, 0, 0, 0x0f, 0x05};

    private final FlatMachine machine = new FlatMachine(TestTier.INTERPRETER);
    private final CodePage page;
    private final Block block;

    DroppedUnitTest() {
        machine.map(CODE, 0x1000);
        machine.load(CODE, PROGRAM);
        page = machine.code.page(machine.host(CODE));
        block = new BlockBuilder(CodeSize.CODE_64).build(page, 0);
        machine.code.add(page, block, machine.cpu);
    }

    /** Says that it has executed the program's first instruction. */
    private static final class Unit extends TranslatedUnit {
        @Override
        public int run(Cpu cpu, int start) {
            cpu.r[Cpu.RAX] = 1;
            cpu.rip = CODE + 5;
            cpu.budget--;
            return ON;
        }
    }

    /** Puts a unit in the block's place, and takes it away by a store. */
    private WeakReference<TranslatedUnit> install() {
        TranslatedUnit unit = new Unit();
        byte[] bytes = new byte[0x1000];
        System.arraycopy(PROGRAM, 0, bytes, 0, PROGRAM.length);
        CodeBytes code = CodeBytes.of(new int[] {0, PROGRAM.length, 0x800, 0x801}, bytes);
        assertThat(page.install(block, new MadeUnit(unit, new int[] {0}, code, 1, false))).isTrue();
        return new WeakReference<>(unit);
    }

    private int run() {
        machine.cpu.rip = CODE;
        return machine.cpu.run(100);
    }

    @Test
    void itIsLetGoAlthoughAJumpRemembersWhereItStood() {
        WeakReference<TranslatedUnit> unit = install();
        Op remembered = block.entry;
        assertThat(run()).isEqualTo(Exit.SYSCALL);
        assertThat(machine.cpu.r[Cpu.RAX]).isEqualTo(1);
        page.stored(0x800, 0x801);
        assertThat(collected(() -> unit.get() == null)).isTrue();
        assertThat(remembered.isEnterable()).isFalse();
    }

    private static boolean collected(BooleanSupplier gone) {
        for (int i = 0; i < 10 && !gone.getAsBoolean(); i++) {
            System.gc();
        }
        return gone.getAsBoolean();
    }

    @Test
    void whoeverIsOnTheWayIntoItGoesOnInTheBlock() {
        install();
        Op remembered = block.entry;
        page.stored(0x800, 0x801);
        assertThat(remembered.execute(machine.cpu)).isSameAs(block.plain);
        assertThat(run()).isEqualTo(Exit.SYSCALL);
        assertThat(machine.cpu.r[Cpu.RAX]).isEqualTo(7);
    }
}

package org.xenolith.cpu.interp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.cpu.Assembler.at;

import org.junit.jupiter.api.Test;
import org.xenolith.cpu.Assembler;
import org.xenolith.cpu.Assembler.Condition;
import org.xenolith.cpu.Assembler.Label;
import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.Exit;
import org.xenolith.cpu.FlatMachine;
import org.xenolith.cpu.TestTier;

import java.lang.ref.WeakReference;
import java.util.function.BiConsumer;

/**
 * Jumps of other blocks may refer to a dropped block for long. If its own did not let go, patched
 * code would keep all that it ever led to, block behind block.
 */
class DroppedBlockTest {
    private static final long CODE = 0x40_0000;
    private static final long TARGET = CODE + 0x1000;
    private static final long STACK = CODE + 0x2000;
    private static final long POINTER_TO_TARGET = STACK + 0x10;

    /** A jump that has been taken, and the block in another page that it led to. */
    private record Taken(CodePage page, Op jump, WeakReference<Block> target) {}

    /** All else, the vCPU with its caches included, is garbage when this returns. */
    private static Taken take(BiConsumer<Assembler, Label> jump) {
        FlatMachine machine = new FlatMachine(TestTier.INTERPRETER);
        Cpu cpu = machine.cpu;
        machine.map(CODE, 0x3000);
        machine.load(TARGET, new Assembler(TARGET).syscall().bytes());
        cpu.mmu().write64(POINTER_TO_TARGET, TARGET);
        Assembler code = new Assembler(CODE);
        jump.accept(code, new Assembler(TARGET).mark());
        machine.load(CODE, code.bytes());
        for (int i = 0; i < 3; i++) {
            cpu.rip = CODE;
            cpu.r[Cpu.RAX] = TARGET;
            cpu.r[Cpu.RSP] = STACK + 0x800;
            assertThat(cpu.run(100)).isEqualTo(Exit.SYSCALL);
        }
        CodePage page = machine.code.page(machine.host(CODE));
        Block target = machine.code.page(machine.host(TARGET)).find(0);
        return new Taken(page, page.find(0).plain, new WeakReference<>(target));
    }

    private static boolean isCollected(WeakReference<Block> block) {
        for (int i = 0; i < 3 && block.get() != null; i++) {
            System.gc();
        }
        return block.get() == null;
    }

    private static void checkThatItLetsGo(BiConsumer<Assembler, Label> jump) {
        Taken taken = take(jump);
        assertThat(isCollected(taken.target)).as("while the jump may be taken again").isFalse();
        taken.page.stored(0, 1);
        assertThat(isCollected(taken.target)).as("behind a store into the jump").isTrue();
        assertThat(taken.jump.isEnterable()).isFalse();
    }

    @Test
    void aJumpLetsGoOfTheBlockItLedTo() {
        checkThatItLetsGo(Assembler::jmp);
    }

    @Test
    void aBranchLetsGoOfTheBlockItLedTo() {
        checkThatItLetsGo((code, target) -> code.jcc(Condition.NE, target));
    }

    @Test
    void aCallLetsGoOfTheFunction() {
        checkThatItLetsGo(Assembler::call);
    }

    @Test
    void aJumpThroughARegisterLetsGoOfTheBlockItLedTo() {
        checkThatItLetsGo((code, target) -> code.jmp(Cpu.RAX));
    }

    @Test
    void aJumpThroughMemoryAtA32BitAddressLetsGoOfTheBlockItLedTo() {
        checkThatItLetsGo(
                (code, target) ->
                        code.mov(Cpu.RBX, POINTER_TO_TARGET).addressSizePrefix().jmp(at(Cpu.RBX)));
    }
}

package org.xenolith.cpu.interp;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.xenolith.cpu.Assembler;
import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.Exit;
import org.xenolith.cpu.FlatMachine;
import org.xenolith.cpu.mmu.Pte;
import org.xenolith.cpu.mmu.Ram;
import org.xenolith.cpu.translate.Jit;

/** Two domains of one process with a frame of code in common. */
class SharedCodeTest {
    private static final long CODE = 0x40_0000;
    private static final long MUCH = 1_000_000;
    private static final long RW = Pte.PRESENT | Pte.WRITABLE | Pte.USER | Pte.ACCESSED;

    private final Jit jit = new Jit(Jit.Policy.NORMAL);
    private final CodeBudget budget = new CodeBudget(MUCH, MUCH, () -> 0);
    private final long frame = FlatMachine.newFrame() << Ram.PAGE_SHIFT;
    private final Site one = new Site(jit);
    private final Site other = new Site(jit);

    /** A domain that has the frame at {@link #CODE}. */
    private final class Site {
        final CodeCache code = new CodeCache(MUCH);
        final Cpu cpu;

        Site(Jit translator) {
            FlatMachine machine = new FlatMachine();
            code.translateWith(translator);
            code.shareHeap(budget);
            cpu = new Cpu(machine, machine, code);
            cpu.mmu().setRoot(machine.root);
            machine.mapFrame(CODE, frame >>> Ram.PAGE_SHIFT, RW);
        }

        /** Runs the two instructions at an offset. */
        long run(int offset) {
            cpu.r[Cpu.RAX] = 0;
            cpu.rip = CODE + offset;
            assertThat(cpu.run(2)).isEqualTo(Exit.BUDGET);
            return cpu.r[Cpu.RAX];
        }

        CodePage page() {
            return code.page(frame);
        }
    }

    SharedCodeTest() {
        load(0, 1);
        load(0x800, 5);
    }

    /** Adds a number to RAX, once at a time, twice. */
    private void load(int offset, int number) {
        byte[] bytes = code(number);
        Ram.write(frame + offset, bytes, 0, bytes.length);
    }

    private static byte[] code(int number) {
        return new Assembler(CODE)
                .bytes(0x48, 0x83, 0xc0, number) // add rax, number
                .bytes(0x48, 0x83, 0xc0, number)
                .bytes(0xeb, 0xfe)
                .bytes();
    }

    @Test
    void whatOneHasDecodedIsThereForTheOther() {
        assertThat(one.run(0)).isEqualTo(2);
        assertThat(other.run(0)).isEqualTo(2);
        assertThat(one.code.decodedBlocks()).isPositive();
        assertThat(other.code.decodedBlocks()).isZero();
        assertThat(other.code.heapBytes()).as("it counts once").isZero();
    }

    @Test
    void domainsThatAreTranslatedOtherwiseShareNothing() {
        Site third = new Site(new Jit(Jit.Policy.NORMAL));
        Site interpreted = new Site(null);
        one.run(0);
        third.run(0);
        interpreted.run(0);
        assertThat(third.code.decodedBlocks()).isPositive();
        assertThat(interpreted.code.decodedBlocks()).isPositive();
    }

    @Test
    void storeOfTheLastWhoHasTheFrameIsSeen() {
        one.run(0);
        other.run(0x800);
        other.cpu.mmu().write8(CODE + 3, 7);
        assertThat(other.run(0)).isEqualTo(7 + 1);
        assertThat(one.run(0)).isEqualTo(7 + 1);
    }

    /** Its own write tag is from before it decoded anything; the other one's is gone. */
    @Test
    void storeThroughAWriteTagFromBeforeIsSeen() {
        other.cpu.mmu().write8(CODE + 0x100, 0); // the TLB may write there
        one.run(0);
        assertThat(other.run(0x800)).isEqualTo(10);
        other.cpu.mmu().write8(CODE + 0x803, 7);
        assertThat(other.run(0x800)).isEqualTo(7 + 5);
    }

    @Test
    void roomIsMadeByWhoHasDecoded() {
        one.run(0);
        other.run(0x800);
        one.code.dropForRoom();
        assertThat(one.page().find(0)).isNull();
        assertThat(one.page().find(0x800)).isNotNull();
        assertThat(one.code.heapBytes()).isZero();
        assertThat(other.code.heapBytes()).isPositive();
    }

    @Test
    void codeOfADomainThatHasEndedIsDecodedAgainByTheOther() {
        one.run(0);
        other.run(0);
        one.code.end();
        assertThat(other.run(0)).isEqualTo(2);
        assertThat(other.code.decodedBlocks()).isPositive();
        other.code.end();
        assertThat(other.page().hasBlocks()).as("whoever has the frame next").isFalse();
    }

    @Test
    void frameThatIsGivenBackIsForgottenForAll() {
        one.run(0);
        other.run(0x800);
        other.code.forget(frame);
        assertThat(one.page().hasBlocks()).isFalse();
        load(0, 3);
        assertThat(one.run(0)).isEqualTo(6);
        assertThat(one.code.heapBytes()).isPositive();
    }
}

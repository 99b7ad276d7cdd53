package org.xenolith.cpu.interp;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.xenolith.cpu.FlatMachine;
import org.xenolith.cpu.TestTier;
import org.xenolith.cpu.decode.CodeSize;

/** What a unit's computed jumps are expected to reach, whoever asks for it. */
class BusyBlockTest {
    private static final long CODE = 0x40_0000;

    private final FlatMachine machine = new FlatMachine(TestTier.INTERPRETER);
    private final CodePage page;

    BusyBlockTest() {
        machine.map(CODE, 0x1000);
        // Three times ret.
        machine.load(CODE, new byte[] {(byte) 0xc3, (byte) 0xc3, (byte) 0xc3});
        page = machine.code.page(machine.host(CODE));
    }

    private Block block(int start, int asked, int entries) {
        Block block = new BlockBuilder(CodeSize.CODE_64).build(page, start);
        page.add(block, machine.code.weight(), null);
        block.beginCounting(asked, 0);
        block.heat -= entries;
        return block;
    }

    @Test
    void aBlockThatWasNeverEnteredIsNotBusyHoweverFewEntriesWereAskedFor() {
        block(0, 16_000, 0);
        block(1, 64_000, 0);
        assertThat(page.busyStarts()).isEmpty();
    }

    @Test
    void aBlockOfABootIsBusyAfterThatPartOfItsOwnEntries() {
        block(0, 64_000, 251);
        block(1, 64_000, 200);
        block(2, 16_000, 63);
        assertThat(page.busyStarts()).containsExactly(0, 2);
    }

    @Test
    void aBusyBlockStaysBusyWhenItBecomesPartOfAUnit() {
        Block block = block(0, 16_000, 63);
        page.cool(new int[] {0}, 64_000);
        assertThat(block.heat).isEqualTo(64_000);
        assertThat(page.busyStarts()).containsExactly(0);
    }
}

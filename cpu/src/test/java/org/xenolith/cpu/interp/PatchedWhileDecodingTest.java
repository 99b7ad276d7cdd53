package org.xenolith.cpu.interp;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.FlatMachine;
import org.xenolith.cpu.decode.CodeSize;

/** A sibling stores into code between the moments at which it is read and can be found. */
class PatchedWhileDecodingTest {
    private static final long CODE = 0x40_0000L;
    private static final int OTHER = 0x100;

    /** MOV EAX, 1; SYSCALL. */
    private static final byte[] MOV_EAX = {(byte) 0xb8, 1, 0, 0, 0, 0x0f, 0x05};

    private final FlatMachine machine = new FlatMachine();
    private final Cpu sibling = machine.newCpu();
    private final BlockBuilder builder = new BlockBuilder(CodeSize.CODE_64);
    private final CodePage page;

    PatchedWhileDecodingTest() {
        machine.map(CODE, 0x1000);
        machine.load(CODE, MOV_EAX);
        machine.load(CODE + OTHER, MOV_EAX);
        page = machine.code.page(machine.host(CODE));
    }

    private void add(Block block) {
        machine.code.add(page, block, machine.cpu);
    }

    @Test
    void storeThatFoundNoBlockYetIsNotLostOnAPageWithOtherCode() {
        add(builder.build(page, OTHER));
        Block decoded = builder.build(page, 0);
        sibling.mmu().write8(CODE + 1, 2);
        add(decoded);
        assertThat(page.find(0)).as("a block of the old bytes").isNull();
        assertThat(page.find(OTHER)).isNotNull();
    }

    @Test
    void storeThatFoundNoBlockYetIsNotLostOnAPageWithoutCode() {
        sibling.mmu().write8(CODE + OTHER + 0x100, 0);
        Block decoded = builder.build(page, 0);
        sibling.mmu().write8(CODE + 1, 2);
        add(decoded);
        assertThat(page.find(0)).as("a block of the old bytes").isNull();
    }

    @Test
    void siblingIsToldToDropItsWriteTagsAgainWhenAllBlocksWereDropped() {
        add(builder.build(page, 0));
        sibling.mmu().mailbox().drain();
        sibling.mmu().write8(CODE + 1, 2);
        assertThat(page.hasBlocks()).isFalse();
        sibling.mmu().write8(CODE + OTHER + 0x100, 0);
        add(builder.build(page, 0));
        sibling.mmu().write8(CODE + 1, 3);
        sibling.mmu().mailbox().drain();
        assertThat(page.find(0)).as("a block of the old bytes").isNull();
    }
}

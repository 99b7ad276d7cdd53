package org.xenolith.cpu.interp;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.xenolith.cpu.Assembler;
import org.xenolith.cpu.Assembler.Alu;
import org.xenolith.cpu.Assembler.Condition;
import org.xenolith.cpu.Assembler.Label;
import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.Exit;
import org.xenolith.cpu.FlatMachine;
import org.xenolith.cpu.TestTier;
import org.xenolith.cpu.decode.CodeSize;
import org.xenolith.cpu.mmu.FetchListener;

import java.lang.ref.WeakReference;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;

/** Each byte of a page may begin a block of many operations: a guest's code is small beside it. */
class DecodedCodeLimitTest {
    private static final long CODE = 0x40_0000;
    private static final int PAGE = 0x1000;
    private static final int PAGES = 4;
    private static final long STACK = CODE + 0x10_0000;
    private static final byte PUSH_RAX = 0x50;
    private static final int LIMIT = 1_000;

    private final FlatMachine machine = new FlatMachine();
    private final CodeCache code = new CodeCache(LIMIT);

    private Cpu cpu(TestTier tier) {
        code.translateWith(tier.translator());
        Cpu cpu = new Cpu(machine, machine, code);
        cpu.mmu().setRoot(machine.root);
        machine.map(CODE, PAGES * PAGE);
        machine.map(STACK, PAGE);
        return cpu;
    }

    private CodePage page(int number) {
        return code.page(machine.host(CODE + (long) number * PAGE));
    }

    @Test
    void aGuestThatEntersItsCodeAtEachByteKeepsNoMoreBlocksThanTheLimitSays() {
        Cpu cpu = cpu(TestTier.INTERPRETER);
        byte[] pushes = new byte[PAGES * PAGE];
        Arrays.fill(pushes, PUSH_RAX);
        machine.load(CODE, pushes);
        for (int entry = 0; entry < pushes.length - Block.MAX_INSTRUCTIONS; entry += 7) {
            cpu.rip = CODE + entry;
            cpu.r[Cpu.RSP] = STACK + PAGE;
            assertThat(cpu.run(Block.MAX_INSTRUCTIONS)).isEqualTo(Exit.BUDGET);
        }
        int blocks = 0;
        for (int number = 0; number < PAGES; number++) {
            blocks += page(number).liveBlocks();
        }
        assertThat(code.decodedBlocks()).isGreaterThan(2_000);
        assertThat(blocks).isBetween(1, LIMIT / Block.MAX_INSTRUCTIONS + 1);
    }

    @Test
    void operationsWithAnotherOneInsideWeighMore() {
        Cpu cpu = cpu(TestTier.INTERPRETER);
        machine.load(CODE, new byte[] {0, 0, 0, 0}); // add [eax], al, twice
        CodePage code32 = page(0).code32();
        Block block = new BlockBuilder(CodeSize.CODE_32).build(code32, 0);
        Block plain = new BlockBuilder(CodeSize.CODE_64).build(page(0), 0);
        assertThat(block.count).isEqualTo(plain.count);
        assertThat(block.weight()).isEqualTo(plain.weight() + block.count * WrappedOp.MORE_WEIGHT);
    }

    @Test
    void jumpsOfAVcpuKeepNothingThatWasDroppedToMakeRoom() {
        Cpu cpu = cpu(TestTier.INTERPRETER);
        byte[] pushes = new byte[PAGES * PAGE];
        Arrays.fill(pushes, PUSH_RAX);
        machine.load(CODE, pushes);
        AtomicInteger forgotten = new AtomicInteger();
        cpu.mmu().tellFetchesDropped(counting(forgotten));
        for (int entry = 0; forgotten.get() == 0 && entry < PAGE; entry += 7) {
            cpu.rip = CODE + entry;
            cpu.r[Cpu.RSP] = STACK + PAGE;
            cpu.run(Block.MAX_INSTRUCTIONS);
            cpu.mmu().mailbox().drain();
        }
        assertThat(code.decodedBlocks()).isLessThan(PAGE / 7);
        assertThat(forgotten).hasValue(1);
    }

    private static FetchListener counting(AtomicInteger forgotten) {
        return new FetchListener() {
            @Override
            public void pageDropped(long vaddr) {}

            @Override
            public void allDropped() {
                forgotten.incrementAndGet();
            }
        };
    }

    @Test
    void aProgramThatDoesNotFitIsDecodedAgainAndAgainAndIsRight() {
        Cpu cpu = cpu(TestTier.ofTests());
        Label loop = new Label();
        Assembler program = new Assembler(CODE);
        program.mov(Cpu.RAX, 0).mov(Cpu.RCX, 50).bind(loop);
        for (int i = 0; i < LIMIT / 10; i++) {
            Label next = new Label();
            program.alu(Alu.CMP, 64, Cpu.RCX, Cpu.RAX).jcc(Condition.E, next);
            program.bind(next).aluImmediate(Alu.ADD, 64, Cpu.RAX, 3);
        }
        machine.load(CODE, program.dec(64, Cpu.RCX).jcc(Condition.NE, loop).syscall().bytes());
        cpu.rip = CODE;
        assertThat(cpu.run(1_000_000)).isEqualTo(Exit.SYSCALL);
        assertThat(cpu.r[Cpu.RAX]).isEqualTo(50 * (LIMIT / 10) * 3);
    }

    @Test
    void makingRoomDoesNotCountAsAStoreIntoTranslatedCode() {
        Cpu cpu = cpu(TestTier.ofTests());
        machine.load(CODE, new Assembler(CODE).mov(Cpu.RAX, 7).syscall().bytes());
        cpu.rip = CODE;
        assertThat(cpu.run(100)).isEqualTo(Exit.SYSCALL);
        page(0).makeRoom();
        assertThat(page(0).hasBlocks()).isFalse();
        assertThat(page(0).drops()).isZero();
        cpu.rip = CODE;
        assertThat(cpu.run(100)).isEqualTo(Exit.SYSCALL);
        assertThat(cpu.r[Cpu.RAX]).isEqualTo(7);
    }

    @Test
    void aPageWhoseBlocksWereAllDroppedKeepsNoneOfThem() {
        Cpu cpu = cpu(TestTier.INTERPRETER);
        machine.load(CODE, new Assembler(CODE).mov(Cpu.RAX, 7).syscall().bytes());
        WeakReference<Block> dropped = new WeakReference<>(decode(cpu));
        page(0).stored(0, 1);
        for (int i = 0; i < 3 && dropped.get() != null; i++) {
            System.gc();
        }
        assertThat(dropped.get()).isNull();
    }

    private Block decode(Cpu cpu) {
        Block block = new BlockBuilder(CodeSize.CODE_64).build(page(0), 0);
        code.add(page(0), block, cpu);
        return block;
    }
}

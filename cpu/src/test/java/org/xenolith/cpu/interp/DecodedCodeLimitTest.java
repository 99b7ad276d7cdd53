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

import java.lang.ref.Reference;
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
        machine.map(CODE, PAGES * PAGE);
        machine.map(STACK, PAGE);
        return newCpu();
    }

    private Cpu newCpu() {
        Cpu cpu = new Cpu(machine, machine, code);
        cpu.mmu().setRoot(machine.root);
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

    /** Two pages that jump to one another, until the vCPU knows where both of them lead. */
    private WeakReference<Op> knownToJumpsOf(Cpu cpu) {
        long far = CODE + PAGE;
        machine.load(CODE, new Assembler(CODE).mov(Cpu.RAX, far).jmp(Cpu.RAX).bytes());
        machine.load(far, new Assembler(far).mov(Cpu.RAX, CODE).jmp(Cpu.RAX).bytes());
        cpu.rip = CODE;
        assertThat(cpu.run(1_000)).isEqualTo(Exit.BUDGET);
        return new WeakReference<>(page(1).find(0).plain);
    }

    /** Another vCPU decodes more than there is room for. */
    private void makeRoom() {
        Cpu other = newCpu();
        byte[] pushes = new byte[PAGE];
        Arrays.fill(pushes, PUSH_RAX);
        machine.load(CODE + 2 * PAGE, pushes);
        for (int entry = 0; page(0).hasBlocks() && entry < PAGE; entry += 7) {
            other.rip = CODE + 2 * PAGE + entry;
            other.r[Cpu.RSP] = STACK + PAGE;
            other.run(Block.MAX_INSTRUCTIONS);
        }
        assertThat(page(0).hasBlocks()).isFalse();
        other.mmu().mailbox().drain();
    }

    private static boolean isCollected(WeakReference<?> reference) {
        for (int i = 0; i < 5 && reference.get() != null; i++) {
            System.gc();
        }
        return reference.get() == null;
    }

    @Test
    void aVcpuThatSleepsKeepsNothingThatWasDroppedToMakeRoom() {
        Cpu sleeper = cpu(TestTier.INTERPRETER);
        WeakReference<Op> known = knownToJumpsOf(sleeper);
        sleeper.mmu().mailbox().sleep();
        makeRoom();
        assertThat(isCollected(known)).isTrue();
        Reference.reachabilityFence(sleeper);
    }

    @Test
    void aVcpuThatGoesToSleepLetsGoOfWhatWasDroppedToMakeRoom() {
        Cpu sleeper = cpu(TestTier.INTERPRETER);
        WeakReference<Op> known = knownToJumpsOf(sleeper);
        makeRoom();
        sleeper.mmu().mailbox().sleep();
        assertThat(isCollected(known)).isTrue();
        Reference.reachabilityFence(sleeper);
    }

    @Test
    void aVcpuThatRunsIsLeftToForgetByItself() {
        Cpu cpu = cpu(TestTier.INTERPRETER);
        knownToJumpsOf(cpu);
        AtomicInteger forgotten = new AtomicInteger();
        cpu.mmu().tellFetchesDropped(counting(forgotten));
        cpu.mmu().mailbox().sleep();
        cpu.mmu().mailbox().wake();
        makeRoom();
        assertThat(forgotten).hasValue(0);
        cpu.mmu().mailbox().drain();
        assertThat(forgotten).hasValue(1);
    }

    @Test
    void aJumpThatWasSteppedThroughKeepsNothingThatWasDroppedToMakeRoom() {
        Cpu cpu = cpu(TestTier.INTERPRETER);
        Label target = new Label();
        Assembler program = new Assembler(CODE).jmp(target).mov(Cpu.RAX, 1);
        machine.load(CODE, program.bind(target).mov(Cpu.RAX, 7).syscall().bytes());
        cpu.rip = CODE;
        assertThat(cpu.step()).isEqualTo(Exit.BUDGET);
        WeakReference<Op> known = ranFrom(cpu, cpu.rip);
        cpu.rip = CODE;
        assertThat(cpu.step()).isEqualTo(Exit.BUDGET);
        makeRoom();
        cpu.mmu().mailbox().drain();
        assertThat(isCollected(known)).isTrue();
        Reference.reachabilityFence(cpu);
    }

    private WeakReference<Op> ranFrom(Cpu cpu, long rip) {
        cpu.rip = rip;
        assertThat(cpu.run(100)).isEqualTo(Exit.SYSCALL);
        return new WeakReference<>(page(0).find((int) (rip - CODE)).plain);
    }

    @Test
    void blocksThatStoresHaveDroppedTakeUpRoomUntilAllHaveForgottenThem() {
        Cpu cpu = cpu(TestTier.INTERPRETER);
        AtomicInteger forgotten = new AtomicInteger();
        cpu.mmu().tellFetchesDropped(counting(forgotten));
        int drops = 0;
        while (forgotten.get() == 0 && drops < LIMIT) {
            storeIntoLongBlock(cpu, drops++);
            cpu.mmu().mailbox().drain();
        }
        // At most as many as if nothing of a block but itself had stayed.
        assertThat(drops).isBetween(2, LIMIT / 4 + 2);
        assertThat(forgotten).hasValue(1);
        storeIntoLongBlock(cpu, drops);
        storeIntoLongBlock(cpu, drops + 1);
        cpu.mmu().mailbox().drain();
        assertThat(forgotten).as("there is room again").hasValue(1);
    }

    /** Decodes a block of additions, whose flags the next ones overwrite, and drops it. */
    private void storeIntoLongBlock(Cpu cpu, int changed) {
        byte[] additions = new byte[2 * Block.MAX_INSTRUCTIONS];
        for (int i = 0; i < additions.length; i += 2) {
            additions[i] = 0x01; // add eax, ecx
            additions[i + 1] = (byte) 0xc8;
        }
        machine.load(CODE, additions);
        cpu.rip = CODE;
        assertThat(cpu.run(Block.MAX_INSTRUCTIONS)).isEqualTo(Exit.BUDGET);
        cpu.mmu().write8(CODE, changed);
        assertThat(page(0).hasBlocks()).isFalse();
    }

    @Test
    void aDroppedBlockWeighsWhatWhoeverEnteredItStillKeeps() {
        cpu(TestTier.INTERPRETER);
        machine.load(CODE, new byte[] {0x01, (byte) 0xc8, 0x01, (byte) 0xc8, 0x50, 0x0f, 0x05});
        BlockBuilder builder = new BlockBuilder(CodeSize.CODE_64);
        Block pushes = builder.build(page(0), 4);
        Block additions = builder.build(page(0), 0);
        Op entry = additions.plain;
        WeakReference<Op> inside = new WeakReference<>(entry.next);
        WeakReference<Op> behind = new WeakReference<>(lastOf(entry));
        builder.forget();
        int one = pushes.drop();
        // The flags of the first addition are those of nobody: it cannot be left behind that.
        assertThat(additions.drop()).isEqualTo(one + 1);
        assertThat(isCollected(behind)).isTrue();
        assertThat(inside.get()).isSameAs(entry.next);
    }

    private static Op lastOf(Op first) {
        Op op = first;
        while (!(op.next instanceof Leave)) {
            op = op.next;
        }
        return op;
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
        page(0).makeRoom(code.weight());
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
        assertThat(isCollected(dropped)).isTrue();
    }

    private Block decode(Cpu cpu) {
        Block block = new BlockBuilder(CodeSize.CODE_64).build(page(0), 0);
        code.add(page(0), block, cpu);
        return block;
    }
}

package org.xenolith.cpu.interp;

import static org.assertj.core.api.Assertions.assertThat;

import org.xenolith.cpu.Assembler;
import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.Exit;
import org.xenolith.cpu.FlatMachine;
import org.xenolith.cpu.TestTier;

import java.util.Arrays;

/** A domain with one vCPU whose decoded code shares the heap with that of others. */
final class CodeSite {
    static final long CODE = 0x40_0000;

    /** What its code may weigh, whatever others have. */
    static final long LIMIT = 20_000;

    private static final long PUSHES = CODE + 0x10_0000;
    private static final int PUSHES_BYTES = 0x1000;
    private static final long STACK = CODE + 0x20_0000;
    private static final byte PUSH_RAX = 0x50;

    final CodeCache code = new CodeCache(LIMIT);
    final Cpu cpu;
    private final FlatMachine machine = new FlatMachine();
    private int entry;

    CodeSite(CodeBudget budget) {
        code.translateWith(TestTier.ofTests().translator());
        code.shareHeap(budget);
        machine.map(CODE, 0x1000);
        machine.map(PUSHES, PUSHES_BYTES);
        machine.map(STACK, 0x1000);
        cpu = new Cpu(machine, machine, code);
        cpu.mmu().setRoot(machine.root);
        byte[] pushes = new byte[PUSHES_BYTES];
        Arrays.fill(pushes, PUSH_RAX);
        machine.load(PUSHES, pushes);
    }

    long weight() {
        return code.weight().sum();
    }

    CodePage page() {
        return code.page(machine.host(CODE));
    }

    void load(Assembler program) {
        machine.load(CODE, program.bytes());
    }

    /** Decodes so much more, in one place after the other, and runs it once. */
    void decode(long weight) {
        long until = code.weight().added() + weight;
        while (code.weight().added() < until) {
            cpu.rip = PUSHES + entry;
            cpu.r[Cpu.RSP] = STACK + 0x1000;
            assertThat(cpu.run(Block.MAX_INSTRUCTIONS)).isEqualTo(Exit.BUDGET);
            cpu.mmu().mailbox().drain();
            nextEntry();
        }
    }

    /** Around and around: what is there still is not decoded again, and adds nothing. */
    private void nextEntry() {
        entry = entry + 1 < PUSHES_BYTES - Block.MAX_INSTRUCTIONS ? entry + 1 : 0;
    }

    /** Its vCPU has executed so much more, of code that is decoded. */
    void work(long instructions) {
        cpu.setRetired(cpu.retired() + instructions);
    }
}

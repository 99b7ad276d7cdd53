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
import org.xenolith.cpu.HotRequests;

/** Time goes by between the moment at which a block gets hot and its unit's. */
class RequestedCodeTest {
    private static final long CODE = 0x40_0000;
    private static final int PATCHED = 0x800;

    /** Is never entered. */
    private static final class Unit extends TranslatedUnit {
        @Override
        public int run(Cpu cpu, int start) {
            throw new AssertionError("entered");
        }
    }

    private final HotRequests requests = new HotRequests();
    private final FlatMachine machine = new FlatMachine(requests);
    private final Label first = new Label();
    private final Label second = new Label();

    RequestedCodeTest() {
        Label done = new Label();
        Assembler code = new Assembler(CODE);
        code.lea(Cpu.R8, second).mov(Cpu.RCX, 10_000);
        code.bind(first).dec(64, Cpu.RCX).jcc(Condition.E, done).jmp(Cpu.R8);
        code.bind(second).alu(Alu.ADD, 64, Cpu.RAX, Cpu.RCX).jmp(first);
        code.bind(done).syscall();
        machine.map(CODE, 0x1000);
        machine.load(CODE, code.bytes());
    }

    private void run() {
        machine.cpu.rip = CODE;
        assertThat(machine.cpu.run(1_000_000)).isEqualTo(Exit.SYSCALL);
    }

    @Test
    void aBlockWhoseUnitCameTooLateIsAskedForAgain() {
        run();
        HotCode code = requests.codes.getFirst();
        int[] ranges = {code.start(), code.start() + 1, PATCHED, PATCHED + 1};
        int[] starts = {code.start()};
        machine.cpu.mmu().write8(CODE + PATCHED, 1);
        assertThat(code.install(new Unit(), starts, ranges, starts, HotRequests.THRESHOLD, false))
                .isFalse();
        requests.codes.clear();
        run();
        assertThat(requests.codes).extracting(HotCode::start).contains(code.start());
    }

    @Test
    void aBlockThatWaitsForItsUnitIsBusy() {
        run();
        assertThat(requests.codes).hasSizeGreaterThan(1);
        int[] starts = requests.codes.stream().mapToInt(HotCode::start).toArray();
        assertThat(requests.codes.getFirst().busy()).contains(starts);
    }

    @Test
    void aHandlerThatRunsOnceWhereAnotherRunsFortyTimesIsBusy() {
        HotRequests patient = new HotRequests(16_000);
        FlatMachine interpreter = new FlatMachine(patient);
        Label often = new Label();
        Label last = new Label();
        Label once = new Label();
        Label done = new Label();
        Assembler code = new Assembler(CODE);
        code.lea(Cpu.R8, often).lea(Cpu.R9, once).mov(Cpu.RBX, 40).mov(Cpu.RCX, 1_000);
        code.bind(often).dec(64, Cpu.RBX).jcc(Condition.E, last).jmp(Cpu.R8);
        code.bind(last).jmp(Cpu.R9);
        code.bind(once).mov(Cpu.RBX, 40).dec(64, Cpu.RCX).jcc(Condition.E, done).jmp(Cpu.R8);
        code.bind(done).syscall();
        interpreter.map(CODE, 0x1000);
        interpreter.load(CODE, code.bytes());
        interpreter.cpu.rip = CODE;
        while (patient.codes.isEmpty()) {
            assertThat(interpreter.cpu.run(1_000)).isEqualTo(Exit.BUDGET);
        }
        HotCode hot = patient.codes.getFirst();
        assertThat(CODE + hot.start()).isEqualTo(often.vaddr());
        assertThat(hot.busy()).contains((int) (once.vaddr() - CODE));
    }
}

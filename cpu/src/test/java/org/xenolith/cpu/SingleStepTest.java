package org.xenolith.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.cpu.Assembler.at;
import static org.xenolith.cpu.Cpu.RAX;
import static org.xenolith.cpu.Cpu.RBX;
import static org.xenolith.cpu.Cpu.RCX;
import static org.xenolith.cpu.Cpu.RDI;
import static org.xenolith.cpu.Cpu.RSP;
import static org.xenolith.cpu.GuestCode.CODE;
import static org.xenolith.cpu.GuestCode.DATA;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.xenolith.cpu.Assembler.Alu;
import org.xenolith.cpu.Assembler.Label;
import org.xenolith.cpu.semantics.Flags;

/** TF, the flags that CPL 3 may not change, and traps held off. */
@Timeout(20)
class SingleStepTest {
    private static final long FLAT_CS64 = FlatMachine.FLAT_RING3_CS64;
    private static final long FLAT_SS = FlatMachine.FLAT_RING3_SS64;

    private final GuestCode guest = new GuestCode();
    private final Cpu cpu = guest.cpu;

    private void expectTrapAt(long rip) {
        assertThat(cpu.run(1000)).as("exit").isEqualTo(Exit.DEBUG_TRAP);
        assertThat(cpu.exitVector()).isEqualTo(Vector.DEBUG);
        assertThat(cpu.rip).as("rip at the trap").isEqualTo(rip);
    }

    @Test
    void popfThatSetsTfTrapsAfterTheNextInstruction() {
        Label first = new Label(), second = new Label();
        guest.write(
                code -> {
                    code.mov(RAX, Flags.TF | Flags.FIXED).push(RAX).popf().nop().bind(first);
                    code.nop().bind(second).syscall();
                });
        expectTrapAt(first.vaddr());
        expectTrapAt(second.vaddr());
    }

    @Test
    void popfThatClearsTfStillTrapsItselfAndNoMore() {
        Label afterPopf = new Label();
        cpu.setRflags(0);
        guest.write(
                code -> {
                    code.mov(RAX, Flags.FIXED).push(RAX).popf().bind(afterPopf).nop().syscall();
                });
        cpu.run(2);
        cpu.setRflags(cpu.rflags() | Flags.TF);
        expectTrapAt(afterPopf.vaddr());
        guest.runToSyscall();
    }

    @Test
    void iretThatSetsTfTrapsAfterTheFirstInstructionAtItsTarget() {
        Label target = new Label(), trap = new Label();
        guest.write(
                code -> {
                    code.iretq().padTo(CODE + 0x100).bind(target).nop().bind(trap).syscall();
                });
        long rsp = cpu.r[RSP];
        long[] frame = {CODE + 0x100, FLAT_CS64, Flags.TF | Flags.FIXED, rsp - 0x200, FLAT_SS};
        for (int i = 0; i < frame.length; i++) {
            cpu.mmu().write64(rsp + 8L * i, frame[i]);
        }
        expectTrapAt(trap.vaddr());
        assertThat(cpu.r[RSP]).isEqualTo(rsp - 0x200);
    }

    @Test
    void aTakenBranchTrapsAtItsTarget() {
        Label target = new Label();
        guest.write(code -> code.jmp(target).padTo(CODE + 0x100).bind(target).nop().syscall());
        cpu.setRflags(Flags.TF);
        expectTrapAt(target.vaddr());
    }

    @Test
    void movSsHoldsTheTrapOffForOneInstruction() {
        Label trap = new Label();
        guest.write(code -> code.mov(RAX, FLAT_SS).movToSs(RAX).nop().bind(trap).nop().syscall());
        cpu.run(1);
        cpu.setRflags(Flags.TF);
        expectTrapAt(trap.vaddr());
    }

    @Test
    void aRepeatedInstructionTrapsAfterEachElement() {
        Label stos = new Label();
        guest.write(code -> code.bind(stos).rep().stos(8).syscall());
        cpu.r[RDI] = DATA;
        cpu.r[RCX] = 3;
        cpu.setRflags(Flags.TF);
        expectTrapAt(stos.vaddr());
        assertThat(cpu.r[RCX]).isEqualTo(2);
        expectTrapAt(stos.vaddr());
        expectTrapAt(stos.vaddr() + 2);
        assertThat(cpu.r[RCX]).isZero();
    }

    @Test
    void aFaultIsDeliveredInsteadOfTheTrap() {
        guest.write(code -> code.load(64, RAX, at(RBX)));
        cpu.r[RBX] = 8;
        cpu.setRflags(Flags.TF);
        assertThat(cpu.run(10)).isEqualTo(Exit.FAULT);
        assertThat(cpu.rip).isEqualTo(CODE);
    }

    @Test
    void flagsThatTheNextInstructionOverwritesAreExactWhileStepping() {
        guest.write(code -> code.alu(Alu.CMP, 64, RAX, RAX).alu(Alu.ADD, 64, RAX, RBX).syscall());
        cpu.r[RBX] = 1;
        cpu.setRflags(Flags.TF);
        cpu.run(10);
        assertThat(guest.flag(Flags.ZF)).isTrue();
        cpu.run(10);
        assertThat(guest.flag(Flags.ZF)).isFalse();
    }

    @Test
    void popfChangesNeitherInterruptsNorPrivilege() {
        guest.run(
                code -> {
                    code.mov(RAX, Flags.IOPL | Flags.FIXED | Flags.AC).push(RAX).popf().pushf();
                    code.pop(RBX).syscall();
                });
        assertThat(cpu.r[RBX] & Flags.IF).as("IF stays set").isNotZero();
        assertThat(cpu.r[RBX] & Flags.IOPL).as("IOPL stays 0").isZero();
        assertThat(cpu.r[RBX] & Flags.AC).as("AC is the guest's").isNotZero();
    }

    @Test
    void popfOf16BitsKeepsTheFlagsAboveThem() {
        long rsp = cpu.r[RSP];
        cpu.setRflags(Flags.AC | Flags.ID | Flags.ZF | Flags.FIXED);
        guest.run(
                code -> {
                    code.mov(RAX, Flags.CF | Flags.DF | Flags.FIXED).push(RAX);
                    code.operandSizePrefix().popf().syscall();
                });
        long kept = Flags.AC | Flags.ID | Flags.IF | Flags.FIXED;
        assertThat(cpu.rflags()).isEqualTo(kept | Flags.CF | Flags.DF);
        assertThat(cpu.r[RSP]).as("two bytes popped").isEqualTo(rsp - 8 + 2);
    }
}

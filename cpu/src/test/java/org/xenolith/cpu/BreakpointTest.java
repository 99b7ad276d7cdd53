package org.xenolith.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.cpu.Assembler.at;
import static org.xenolith.cpu.Cpu.RAX;
import static org.xenolith.cpu.Cpu.RBX;
import static org.xenolith.cpu.Cpu.RCX;
import static org.xenolith.cpu.Cpu.RDI;
import static org.xenolith.cpu.GuestCode.CODE;
import static org.xenolith.cpu.GuestCode.DATA;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.xenolith.cpu.Assembler.Alu;
import org.xenolith.cpu.Assembler.Label;
import org.xenolith.cpu.semantics.Flags;

import java.util.function.Consumer;

/** The breakpoints of DR0 to DR3. SDM vol. 3B, 18.2 and 18.3.1. */
@Timeout(20)
class BreakpointTest {
    private static final int EXECUTE = 0, WRITE = 1, IO = 2, ACCESS = 3;
    private static final int ONE_BYTE = 0, TWO_BYTES = 1, EIGHT_BYTES = 2, FOUR_BYTES = 3;
    private static final int B0 = 1, B1 = 2, B3 = 8;
    private static final long LOCAL = 1, GLOBAL = 2;

    private final GuestCode guest = new GuestCode();
    private final Cpu cpu = guest.cpu;
    private final long[] addresses = new long[4];
    private long dr7;

    private void arm(int number, long vaddr, int kind, int length) {
        addresses[number] = vaddr;
        dr7 |= GLOBAL << 2 * number;
        dr7 |= (long) (kind | length << 2) << 16 + 4 * number;
        cpu.setBreakpoints(addresses, dr7);
    }

    private void expectDebugTrap(long rip, int status) {
        assertThat(cpu.run(1000)).as("exit, fault %s", cpu.fault()).isEqualTo(Exit.DEBUG_TRAP);
        assertThat(cpu.exitVector()).isEqualTo(Vector.DEBUG);
        assertThat(cpu.rip).as("rip").isEqualTo(rip);
        assertThat(cpu.debugStatus()).as("what DR6 gets").isEqualTo(status);
    }

    @Test
    void anInstructionBreakpointStopsInFrontOfItsInstruction() {
        Label stop = new Label();
        guest.write(code -> code.mov(RAX, 1).bind(stop).mov(RAX, 2).syscall());
        arm(1, stop.vaddr(), EXECUTE, ONE_BYTE);
        expectDebugTrap(stop.vaddr(), B1);
        assertThat(cpu.r[RAX]).isEqualTo(1);
        assertThat(guest.flag(Flags.RF)).as("RF: the handler sets it").isFalse();
    }

    @Test
    void withoutRfItIsMetAgainAndStillReachesItsPollPoint() {
        guest.write(code -> code.nop().syscall());
        arm(0, CODE, EXECUTE, ONE_BYTE);
        expectDebugTrap(CODE, B0);
        expectDebugTrap(CODE, B0);
        assertThat(cpu.retired()).isEqualTo(2);
    }

    @Test
    void rfLetsOneInstructionPassItsBreakpoint() {
        Label loop = new Label();
        guest.write(code -> code.bind(loop).inc(64, RAX).jmp(loop));
        arm(0, loop.vaddr(), EXECUTE, ONE_BYTE);
        expectDebugTrap(loop.vaddr(), B0);
        cpu.setRflags(cpu.rflags() | Flags.RF);
        expectDebugTrap(loop.vaddr(), B0);
        assertThat(cpu.r[RAX]).as("one round").isEqualTo(1);
    }

    @Test
    void aFaultOfTheInstructionPushesRfSoThatTheRestartPasses() {
        guest.write(code -> code.load(64, RAX, at(RBX)).syscall());
        cpu.r[RBX] = GuestCode.DATA_END;
        arm(0, CODE, EXECUTE, ONE_BYTE);
        expectDebugTrap(CODE, B0);
        cpu.setRflags(cpu.rflags() | Flags.RF);
        assertThat(cpu.run(10)).isEqualTo(Exit.FAULT);
        assertThat(guest.flag(Flags.RF)).isTrue();
        guest.machine.map(GuestCode.DATA_END, 1);
        guest.runToSyscall();
    }

    @Test
    void aWriteBreakpointTrapsBehindTheStoreAndNotAtLoads() {
        Label behind = new Label();
        guest.write(
                code -> {
                    code.mov(RBX, DATA).load(64, RCX, at(RBX)).store(64, at(RBX), RAX);
                    code.bind(behind).load(64, RCX, at(RBX)).syscall();
                });
        cpu.r[RAX] = 77;
        arm(0, DATA, WRITE, EIGHT_BYTES);
        expectDebugTrap(behind.vaddr(), B0);
        assertThat(guest.quad(DATA)).as("the store is done").isEqualTo(77);
        guest.runToSyscall();
    }

    @Test
    void anAccessBreakpointTrapsAtLoadsToo() {
        Label behind = new Label();
        guest.write(
                code -> code.mov(RBX, DATA).load(8, RAX, at(RBX, 3)).bind(behind).nop().syscall());
        arm(3, DATA, ACCESS, FOUR_BYTES);
        expectDebugTrap(behind.vaddr(), B3);
        guest.runToSyscall();
    }

    @ParameterizedTest(name = "{0} bytes at +{1}, breakpoint on {2} at +{3}: {4}")
    @CsvSource({
        "1, 3, 0, 4, false", "1, 4, 0, 4, true", "8, 0, 0, 7, true", "8, 0, 0, 8, false",
        "2, 3, 1, 5, true", "2, 2, 1, 5, false", "4, 4, 2, 3, true", "4, 8, 2, 3, false",
        "8, 4, 3, 8, true", "4, 4, 3, 11, false"
    })
    void anyByteOfTheAccessMeetsAnyByteOfTheAlignedBreakpoint(
            int size, int offset, int length, int breakpoint, boolean met) {
        guest.write(code -> code.mov(RBX, DATA).store(size * 8, at(RBX, offset), RAX).syscall());
        arm(0, DATA + breakpoint, WRITE, length);
        assertThat(cpu.run(100)).isEqualTo(met ? Exit.DEBUG_TRAP : Exit.SYSCALL);
    }

    @Test
    void storesAcrossTwoPagesAndReadModifyWritesAreSeen() {
        trapsBehind(DATA + 0x1002, code -> code.mov(RBX, DATA + 0xffc).store(64, at(RBX), RAX));
        trapsBehind(DATA, code -> code.mov(RBX, DATA).alu(Alu.ADD, 64, at(RBX), RAX));
        trapsBehind(DATA, code -> code.mov(RBX, DATA).lock().alu(Alu.ADD, 64, at(RBX), RAX));
        trapsBehind(GuestCode.STACK_TOP - 0x108, code -> code.push(RAX));
    }

    private void trapsBehind(long vaddr, Consumer<Assembler> access) {
        Label behind = new Label();
        cpu.r[Cpu.RSP] = GuestCode.STACK_TOP - 0x100;
        guest.write(
                code -> {
                    access.accept(code);
                    code.bind(behind).nop().syscall();
                });
        arm(0, vaddr, WRITE, ONE_BYTE);
        expectDebugTrap(behind.vaddr(), B0);
        guest.runToSyscall();
    }

    @Test
    void aRepeatedStoreTrapsBehindTheElementThatMeetsIt() {
        Label stos = new Label();
        guest.write(code -> code.bind(stos).rep().stos(8).syscall());
        cpu.r[RDI] = DATA;
        cpu.r[RCX] = 10;
        arm(0, DATA + 4, WRITE, ONE_BYTE);
        arm(1, stos.vaddr(), EXECUTE, ONE_BYTE);
        expectDebugTrap(stos.vaddr(), B1);
        cpu.setRflags(cpu.rflags() | Flags.RF);
        expectDebugTrap(stos.vaddr(), B0);
        assertThat(cpu.r[RCX]).isEqualTo(5);
        guest.runToSyscall();
        assertThat(cpu.r[RCX]).isZero();
    }

    @Test
    void aFaultingStoreReportsTheFaultAlone() {
        guest.write(code -> code.store(64, at(RBX, -4), RAX));
        cpu.r[RBX] = GuestCode.DATA_END;
        arm(0, GuestCode.DATA_END - 4, WRITE, FOUR_BYTES);
        assertThat(cpu.run(10)).isEqualTo(Exit.FAULT);
        assertThat(cpu.fault().vector()).isEqualTo(Vector.PAGE_FAULT);
    }

    @Test
    void singleStepAndBreakpointAreOneTrap() {
        Label behind = new Label();
        guest.write(code -> code.store(64, at(RBX), RAX).bind(behind).syscall());
        cpu.r[RBX] = DATA;
        arm(0, DATA, WRITE, EIGHT_BYTES);
        cpu.setRflags(cpu.rflags() | Flags.TF);
        expectDebugTrap(behind.vaddr(), B0 | Cpu.DR6_SINGLE_STEP);
    }

    @Test
    void movSsHoldsOffTheBreakpointOfTheNextInstruction() {
        Label next = new Label(), afterNext = new Label();
        guest.write(
                code -> {
                    code.mov(RAX, FlatMachine.FLAT_RING3_SS64).movToSs(RAX);
                    code.bind(next).nop().bind(afterNext).nop().syscall();
                });
        arm(0, next.vaddr(), EXECUTE, ONE_BYTE);
        arm(1, afterNext.vaddr(), EXECUTE, ONE_BYTE);
        expectDebugTrap(afterNext.vaddr(), B1);
    }

    @Test
    void whatIsNotEnabledOrForPortsIsNeverMetAndCostsNoStepping() {
        guest.write(code -> code.mov(RBX, DATA).store(64, at(RBX), RAX).syscall());
        cpu.setBreakpoints(new long[] {DATA, CODE, 0, 0}, (long) WRITE << 16);
        assertThat(cpu.isStepping()).isFalse();
        guest.runToSyscall();
        cpu.setBreakpoints(new long[] {DATA, 0, 0, 0}, LOCAL | (long) IO << 16);
        assertThat(cpu.isStepping()).isFalse();
    }

    @Test
    void disarmedAgainThePageIsCachedAgain() {
        guest.write(code -> code.mov(RBX, DATA).store(64, at(RBX), RAX).syscall());
        arm(0, DATA, WRITE, EIGHT_BYTES);
        assertThat(cpu.run(100)).isEqualTo(Exit.DEBUG_TRAP);
        cpu.setBreakpoints(addresses, 0);
        cpu.rip = CODE;
        guest.runToSyscall();
        long walks = cpu.mmu().walks();
        cpu.mmu().write64(DATA, 1);
        assertThat(cpu.mmu().walks()).as("page walks of a further store").isEqualTo(walks);
    }
}

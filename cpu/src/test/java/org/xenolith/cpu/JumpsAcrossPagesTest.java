package org.xenolith.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.cpu.Assembler.Alu;
import static org.xenolith.cpu.Assembler.Condition;
import static org.xenolith.cpu.Assembler.Label;
import static org.xenolith.cpu.Assembler.at;
import static org.xenolith.cpu.Cpu.RAX;
import static org.xenolith.cpu.Cpu.RBX;
import static org.xenolith.cpu.Cpu.RCX;
import static org.xenolith.cpu.Cpu.RDI;
import static org.xenolith.cpu.Cpu.RDX;
import static org.xenolith.cpu.Cpu.RSI;
import static org.xenolith.cpu.Cpu.RSP;
import static org.xenolith.cpu.GuestCode.CODE;
import static org.xenolith.cpu.GuestCode.DATA;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.xenolith.cpu.mmu.Pte;
import org.xenolith.cpu.mmu.Ram;

/** What a vCPU remembers of jumps must not outlive the mapping that it came from. */
class JumpsAcrossPagesTest {
    private static final long FUNCTION = CODE + 0x1000;
    private static final long FLAGS = Pte.PRESENT | Pte.WRITABLE | Pte.USER;
    private static final int CALLS = 1_000;

    /** Where {@link #otherFrame} is mapped from the start. */
    private static final long ALIAS = CODE + 0x10_0000;

    /** Offset of the immediate in ADD r64, imm8. */
    private static final int ADD_IMMEDIATE = 3;

    private final GuestCode guest = new GuestCode();
    private final Cpu cpu = guest.cpu;

    /** A frame with a function that adds 5, while the one that is mapped adds 3. */
    private long otherFrame;

    @BeforeEach
    void callAFunctionOfAnotherPage() {
        guest.machine.map(ALIAS, 0x1000);
        guest.machine.load(ALIAS, adding(5));
        otherFrame = guest.machine.host(ALIAS);
        guest.machine.load(FUNCTION, adding(3));
        assertThat(callIt()).isEqualTo(3 * CALLS);
    }

    private static byte[] adding(int n) {
        return new Assembler(FUNCTION).aluImmediate(Alu.ADD, 64, RAX, n).ret().bytes();
    }

    private long callIt() {
        Label loop = new Label();
        Label function = new Assembler(FUNCTION).mark();
        guest.run(
                code -> {
                    code.mov(RCX, CALLS).mov(RAX, 0).bind(loop).call(function);
                    code.dec(64, RCX).jcc(Condition.NE, loop).syscall();
                });
        return cpu.r[RAX];
    }

    @Test
    void aPageThatIsMappedElsewhereIsJumpedToAnew() {
        guest.setPte(FUNCTION, otherFrame, FLAGS);
        cpu.mmu().dropPage(FUNCTION);
        assertThat(callIt()).isEqualTo(5 * CALLS);
    }

    @Test
    void aFrameThatIsTakenAwayIsJumpedToNoMore() {
        long host = guest.machine.host(FUNCTION);
        guest.setPte(FUNCTION, otherFrame, FLAGS);
        cpu.mmu().dropFrame(host);
        assertThat(callIt()).isEqualTo(5 * CALLS);
    }

    @Test
    void theSameAddressLeadsElsewhereInAnotherAddressSpace() {
        long first = cpu.mmu().root();
        long second = copyOfTables(first, 4);
        cpu.mmu().setRoot(second);
        assertThat(callIt()).isEqualTo(5 * CALLS);
        cpu.mmu().setRoot(first);
        assertThat(callIt()).isEqualTo(3 * CALLS);
    }

    /** Calls the function at {@link #FUNCTION}, which stops at a SYSCALL, and adds. */
    private static byte[] calling(long at, int n) {
        Label function = new Assembler(FUNCTION).mark();
        return new Assembler(at)
                .mov(RAX, 0)
                .call(function)
                .aluImmediate(Alu.ADD, 64, RAX, n)
                .syscall()
                .bytes();
    }

    @Test
    void aReturnGoesToWhatTheCallersPageHasBecomeMeanwhile() {
        long caller = CODE + 0x2000;
        guest.machine.load(FUNCTION, new Assembler(FUNCTION).syscall().ret().bytes());
        guest.machine.load(caller, calling(caller, 3));
        for (int i = 0; i < 3; i++) {
            cpu.rip = caller;
            guest.runToSyscall();
            guest.runToSyscall();
            assertThat(cpu.r[RAX]).isEqualTo(3);
        }
        cpu.rip = caller;
        guest.runToSyscall();
        guest.setPte(caller, otherFrame, FLAGS);
        cpu.mmu().dropPage(caller);
        guest.machine.load(caller, calling(caller, 5));
        guest.runToSyscall();
        assertThat(cpu.r[RAX]).isEqualTo(5);
    }

    /** Leads a page elsewhere as a sibling does whose message this vCPU has not read yet. */
    private void remapUnheard(long vaddr, long frame) {
        Ram.putLong(cpu.mmu().pteMachineAddress(vaddr), frame | FLAGS);
    }

    /** Maps a page that takes another one's entry in the fetch TLB when it runs. */
    private long pageThatEvicts(long vaddr) {
        long conflicting = vaddr + (4096L << Ram.PAGE_SHIFT);
        guest.machine.map(conflicting, 0x1000);
        guest.machine.load(conflicting, new Assembler(conflicting).nop().syscall().bytes());
        return conflicting;
    }

    /** Returns to its own first instruction until RBX is 0. */
    private static byte[] returningToItself(long at) {
        Label end = new Label();
        Assembler code = new Assembler(at);
        code.aluImmediate(Alu.SUB, 64, RSP, 8).dec(64, RBX).jcc(Condition.E, end).ret();
        return code.bind(end).syscall().bytes();
    }

    @Test
    void aCallDoesNotKeepWhereItReturnedToWhileAnotherFrameWasInItsPlace() {
        long caller = CODE + 0x2000, frame = guest.machine.host(caller), back = caller + 15;
        guest.machine.load(FUNCTION, new Assembler(FUNCTION).syscall().ret().bytes());
        guest.machine.load(caller, calling(caller, 3));
        guest.machine.load(ALIAS + (back & Ram.PAGE_OFFSET), returningToItself(back));
        long evicting = pageThatEvicts(caller);
        cpu.rip = caller;
        guest.runToSyscall();
        long ret = cpu.rip;
        remapUnheard(caller, otherFrame);
        cpu.rip = evicting;
        guest.runToSyscall();
        cpu.rip = ret;
        cpu.r[RBX] = 4;
        guest.runToSyscall();
        assertThat(cpu.r[RBX]).as("the other frame's code has run").isZero();
        guest.setPte(caller, frame, FLAGS);
        cpu.rip = caller;
        guest.runToSyscall();
        guest.runToSyscall();
        assertThat(cpu.r[RAX]).isEqualTo(3);
        assertThat(cpu.r[RBX]).as("the other frame's code has not run again").isZero();
    }

    @Test
    void aReturnBehindAPagesLastInstructionGoesToWhateverPageIsBehind() {
        long behind = CODE + 0x3000;
        long caller = behind - 5;
        Label function = new Assembler(FUNCTION).mark();
        guest.machine.load(FUNCTION, new Assembler(FUNCTION).ret().bytes());
        guest.machine.load(caller, new Assembler(caller).call(function).bytes());
        guest.machine.load(behind, new Assembler(behind).mov(RAX, 3).syscall().bytes());
        for (int i = 0; i < 3; i++) {
            cpu.rip = caller;
            guest.runToSyscall();
            assertThat(cpu.r[RAX]).isEqualTo(3);
        }
        guest.setPte(behind, otherFrame, FLAGS);
        cpu.mmu().dropPage(behind);
        guest.machine.load(behind, new Assembler(behind).mov(RAX, 5).syscall().bytes());
        cpu.rip = caller;
        guest.runToSyscall();
        assertThat(cpu.r[RAX]).isEqualTo(5);
    }

    @Test
    void aFunctionThatChangesBetweenTwoCallsRunsAsItIsNow() {
        Label loop = new Label();
        Label function = new Assembler(FUNCTION).mark();
        guest.run(
                code -> {
                    code.mov(RBX, FUNCTION + ADD_IMMEDIATE).mov(RCX, CALLS).mov(RAX, 0);
                    code.bind(loop).call(function).storeImmediate(8, at(RBX), 5);
                    code.dec(64, RCX).jcc(Condition.NE, loop).syscall();
                });
        assertThat(cpu.r[RAX]).isEqualTo(3 + 5 * (CALLS - 1));
    }

    /** Calls through one instruction the functions at three addresses in turn. */
    private long callInTurn(long first, long second, long third) {
        Label loop = new Label();
        guest.run(
                code -> {
                    code.mov(RBX, first).mov(RSI, second).mov(RDI, third);
                    code.mov(RDX, DATA).mov(RCX, CALLS).mov(RAX, 0);
                    code.bind(loop).store(64, at(RDX), RBX).call(at(RDX));
                    code.mov(64, RBX, RSI).mov(64, RSI, RDI).load(64, RDI, at(RDX));
                    code.dec(64, RCX).jcc(Condition.NE, loop).syscall();
                });
        return cpu.r[RAX];
    }

    @Test
    void aCallThroughMemoryGoesWhereTheAddressSaysAndNotWhereItWentLast() {
        guest.machine.load(FUNCTION + 0x40, adding(7));
        int calls = CALLS / 3;
        long sum = calls * (3 + 7 + 5) + 3;
        assertThat(callInTurn(FUNCTION, FUNCTION + 0x40, ALIAS)).isEqualTo(sum);
    }

    @Test
    void aCallThroughMemoryToAPageThatIsMappedElsewhereGoesToTheNewOne() {
        assertThat(callInTurn(FUNCTION, FUNCTION, FUNCTION)).isEqualTo(3 * CALLS);
        guest.setPte(FUNCTION, otherFrame, FLAGS);
        cpu.mmu().dropPage(FUNCTION);
        assertThat(callInTurn(FUNCTION, FUNCTION, FUNCTION)).isEqualTo(5 * CALLS);
    }

    /** Copies the tables on the way to the function, and maps the other frame in the last. */
    private long copyOfTables(long table, int level) {
        long copy = FlatMachine.newFrame();
        Ram.copy(table << Ram.PAGE_SHIFT, copy << Ram.PAGE_SHIFT, Ram.PAGE_SIZE);
        long entry = (copy << Ram.PAGE_SHIFT) + Pte.index(FUNCTION, level) * 8L;
        long lower =
                level == 1
                        ? otherFrame >>> Ram.PAGE_SHIFT
                        : copyOfTables(Pte.mfn(Ram.getLong(entry)), level - 1);
        Ram.putLong(entry, lower << Ram.PAGE_SHIFT | FLAGS);
        return copy;
    }

    /**
     * The bus lock lets messages of siblings in, and the rest of the block is still the old one.
     */
    @Test
    void aReturnGoesToTheNewPageThoughTheCallerHeardOfItInTheBlockOfItsCall() {
        guest.machine.load(ALIAS, callerThatAdds(7));
        guest.machine.load(CODE, callerThatAdds(2));
        for (int i = 0; i < 3; i++) {
            assertThat(runCaller()).isEqualTo(3 + 2);
        }
        guest.machine.whileBusIsLocked =
                () -> {
                    guest.setPte(CODE, otherFrame, FLAGS);
                    cpu.mmu().dropPage(CODE);
                    cpu.kick();
                };
        assertThat(runCaller()).isEqualTo(3 + 7);
    }

    /** Adds the function's number and its own behind an update that crosses pages. */
    private static byte[] callerThatAdds(int n) {
        Assembler code = new Assembler(CODE);
        code.mov(RBX, DATA + 0xffe).mov(RAX, 0).lock().inc(32, at(RBX));
        code.call(new Assembler(FUNCTION).mark());
        return code.aluImmediate(Alu.ADD, 64, RAX, n).syscall().bytes();
    }

    private long runCaller() {
        cpu.rip = CODE;
        int exit = cpu.run(CALLS);
        if (exit == Exit.BUDGET) {
            cpu.unkick();
            exit = cpu.run(CALLS);
        }
        assertThat(exit).isEqualTo(Exit.SYSCALL);
        return cpu.r[RAX];
    }
}

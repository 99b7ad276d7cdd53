package org.xenolith.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.cpu.Assembler.at;
import static org.xenolith.cpu.Cpu.RAX;
import static org.xenolith.cpu.Cpu.RBX;
import static org.xenolith.cpu.Cpu.RCX;
import static org.xenolith.cpu.Cpu.RDX;
import static org.xenolith.cpu.GuestCode.DATA;
import static org.xenolith.cpu.GuestCode.DATA_END;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.xenolith.cpu.Assembler.Alu;
import org.xenolith.cpu.Assembler.Condition;
import org.xenolith.cpu.Assembler.Label;
import org.xenolith.cpu.interp.TranslatedUnit;
import org.xenolith.cpu.mmu.Pte;
import org.xenolith.cpu.mmu.Ram;

import java.util.function.Consumer;

/**
 * Loops in translated code that remember the page of an operand ({@link
 * org.xenolith.cpu.mmu.SlotAccess}): what changes between two stretches of a loop is seen by it.
 */
@Timeout(60)
class SlotsTest {
    private static final int ROUNDS = 500;
    private static final int SOME = 300;
    private static final long READ_WRITE = Pte.PRESENT | Pte.WRITABLE | Pte.USER;

    /** Its page has the place in the TLB that the page of DATA has, too. */
    private static final long RIVAL = DATA + 8192L * Ram.PAGE_SIZE;

    private static final long KERNEL = 0xffff_8880_0000_0000L;

    private static final int OLD = 11, NEW = 22;

    private final GuestCode guest = new GuestCode(TestTier.EVERYTHING);
    private final Cpu cpu = guest.cpu;
    private final Label loop = new Label();

    /** A loop that is left in the middle, RBX being a base. */
    private void runSomeOf(GuestCode of, long rbx, Consumer<Assembler> body) {
        of.write(
                code -> {
                    code.mov(RBX, rbx).mov(RCX, ROUNDS).mov(RDX, NEW).bind(loop);
                    body.accept(code);
                    code.dec(64, RCX).jcc(Condition.NE, loop).syscall();
                });
        assertThat(of.cpu.run(SOME)).isEqualTo(Exit.BUDGET);
        assertThat(of.cpu.r[RCX]).as("rounds to go").isBetween(1L, ROUNDS - 10L);
    }

    private void runSomeLoads() {
        guest.fill(DATA, OLD);
        runSomeOf(guest, DATA, code -> code.load(64, RAX, at(RBX)));
        assertThat(cpu.r[RAX]).isEqualTo(OLD);
    }

    /**
     * As {@link #runSomeLoads}, with so many accesses that the unit has a copy of the accessors.
     */
    private void runSomeOfManyLoads() {
        guest.fill(DATA, OLD);
        runSomeOf(
                guest,
                DATA,
                code -> {
                    for (int i = 0; i < 20; i++) {
                        code.load(64, RAX, at(RBX));
                    }
                });
        assertThat(cpu.r[RAX]).isEqualTo(OLD);
    }

    private static long newFrameWith(int octet) {
        long mfn = FlatMachine.newFrame();
        Ram.putByte(mfn << Ram.PAGE_SHIFT, octet);
        return mfn;
    }

    /** Changes the entry of a page, and tells nobody. */
    private void setEntry(long vaddr, long mfn) {
        // MFNs of this machine are numbers of host frames.
        Ram.putLong(cpu.mmu().pteMachineAddress(vaddr), mfn << Ram.PAGE_SHIFT | READ_WRITE);
    }

    @Test
    void aLoopSeesThatItsPageWasMappedElsewhere() {
        runSomeLoads();
        guest.machine.mapFrame(DATA, newFrameWith(NEW), READ_WRITE);
        guest.runToSyscall();
        assertThat(cpu.r[RAX]).isEqualTo(NEW);
    }

    @Test
    void aLoopOfManyAccessesSeesThatItsPageWasMappedElsewhere() {
        runSomeOfManyLoads();
        guest.machine.mapFrame(DATA, newFrameWith(NEW), READ_WRITE);
        guest.runToSyscall();
        assertThat(cpu.r[RAX]).isEqualTo(NEW);
    }

    @Test
    void aLoopOfManyAccessesGoesOnInAnotherPage() {
        runSomeOfManyLoads();
        cpu.r[RBX] = RIVAL;
        guest.machine.mapFrame(RIVAL, newFrameWith(NEW), READ_WRITE);
        guest.runToSyscall();
        assertThat(cpu.r[RAX]).isEqualTo(NEW);
    }

    @Test
    void aLoopSeesAtItsNextPollPointThatASiblingHasMappedItsPageElsewhere() {
        runSomeLoads();
        setEntry(DATA, newFrameWith(NEW));
        cpu.mmu().mailbox().postDropPage(DATA);
        cpu.mmu().mailbox().drain();
        guest.runToSyscall();
        assertThat(cpu.r[RAX]).isEqualTo(NEW);
    }

    @Test
    void aLoopDoesNotKeepAFrameThatIsGivenAway() {
        runSomeLoads();
        long old = guest.machine.host(DATA);
        setEntry(DATA, newFrameWith(NEW));
        cpu.mmu().mailbox().postDropFrame(old);
        cpu.mmu().mailbox().drain();
        guest.runToSyscall();
        assertThat(cpu.r[RAX]).isEqualTo(NEW);
    }

    @Test
    void aLoopGoesOnInTheAddressSpaceThatIsLoaded() {
        long other = copyOfRootWith(newFrameWith(NEW));
        cpu.mmu().setRoot(other);
        assertThat(guest.octet(DATA)).isEqualTo(NEW);
        cpu.mmu().setRoot(guest.machine.root);
        runSomeLoads();
        cpu.mmu().setRoot(other);
        assertThat(cpu.run(SOME)).isEqualTo(Exit.BUDGET);
        assertThat(cpu.r[RAX]).isEqualTo(NEW);
        cpu.mmu().setRoot(guest.machine.root);
        guest.runToSyscall();
        assertThat(cpu.r[RAX]).isEqualTo(OLD);
    }

    @Test
    void aKernelDoesNotReadThroughASlotThatAnotherProcessHasFilled() {
        guest.machine.map(KERNEL, Ram.PAGE_SIZE);
        long other = copyOfRootWith(newFrameWith(NEW));
        cpu.mmu().setRoot(other);
        guest.writeAt(
                KERNEL,
                code -> {
                    code.mov(RBX, DATA).mov(RCX, 5);
                    int load = code.bytes().length;
                    code.load(64, RAX, at(RBX)).dec(64, RCX);
                    // JNE by hand: labels are for positive addresses.
                    code.bytes(0x75, load - code.bytes().length - 2).syscall();
                });
        guest.runToSyscall();
        cpu.mmu().setRoot(guest.machine.root);
        runSomeLoads();
        cpu.mmu().setRoot(other);
        cpu.rip = KERNEL;
        guest.runToSyscall();
        assertThat(cpu.r[RAX]).isEqualTo(NEW);
    }

    /** A root with tables of its own down to the entry of DATA. */
    private long copyOfRootWith(long mfn) {
        long root = copyOf(guest.machine.root);
        long table = root;
        for (int level = 4; level > 1; level--) {
            long at = (table << Ram.PAGE_SHIFT) + Pte.index(DATA, level) * 8L;
            table = copyOf(Pte.mfn(Ram.getLong(at)));
            Ram.putLong(at, table << Ram.PAGE_SHIFT | READ_WRITE);
        }
        long at = (table << Ram.PAGE_SHIFT) + Pte.index(DATA, 1) * 8L;
        Ram.putLong(at, mfn << Ram.PAGE_SHIFT | READ_WRITE);
        return root;
    }

    private static long copyOf(long table) {
        long copy = FlatMachine.newFrame();
        Ram.copy(table << Ram.PAGE_SHIFT, copy << Ram.PAGE_SHIFT, Ram.PAGE_SIZE);
        return copy;
    }

    @Test
    void aStoreFaultsOnceItsPageIsProtected() {
        runSomeOf(guest, DATA, code -> code.store(64, at(RBX), RDX));
        guest.protect(DATA);
        GuestFault fault = guest.fault();
        assertThat(fault.address()).isEqualTo(DATA);
        assertThat(cpu.rip).isEqualTo(loop.vaddr());
    }

    @Test
    void aPageThatHasLeftTheTableForAnotherIsDroppedAllTheSame() {
        guest.machine.map(RIVAL, Ram.PAGE_SIZE);
        runSomeOf(guest, DATA, code -> code.store(64, at(RBX), RDX));
        cpu.mmu().write64(RIVAL, NEW);
        guest.protect(DATA);
        assertThat(guest.fault().address()).isEqualTo(DATA);
    }

    @Test
    void aStoreIntoAPageThatHasBecomeCodeTakesEffect() {
        Assembler function = new Assembler(DATA + 0x100);
        Label start = function.mark();
        function.mov(RAX, OLD).ret();
        guest.machine.load(DATA + 0x100, function.bytes());
        Label again = new Label();
        guest.run(
                code -> {
                    code.mov(RBX, DATA).mov(RCX, 10).bind(loop).store(64, at(RBX), RCX);
                    code.dec(64, RCX).jcc(Condition.NE, loop).call(start).mov(64, RDX, RAX);
                    code.mov(RCX, 10).bind(again).storeImmediate(32, at(RBX, 0x102), NEW);
                    code.dec(64, RCX).jcc(Condition.NE, again).call(start).syscall();
                });
        assertThat(cpu.r[RDX]).isEqualTo(OLD);
        assertThat(cpu.r[RAX]).isEqualTo(NEW);
    }

    @Test
    void anOperandAcrossTheEndOfTheRememberedPageComesFromBoth() {
        guest.fill(DATA + 0xffe, 1, 2, 3, 4);
        runSomeOf(guest, DATA, code -> code.load(32, RAX, at(RBX)).load(32, RAX, at(RBX, 0xffe)));
        guest.runToSyscall();
        assertThat(cpu.r[RAX]).isEqualTo(0x0403_0201);
    }

    @Test
    void anOperandAcrossTheStartOfTheRememberedPageComesFromBoth() {
        guest.fill(DATA + 0xffe, 1, 2, 3, 4);
        runSomeOf(
                guest,
                DATA + 0x1000,
                code -> code.load(32, RAX, at(RBX)).load(32, RAX, at(RBX, -2)));
        guest.runToSyscall();
        assertThat(cpu.r[RAX]).isEqualTo(0x0403_0201);
    }

    @Test
    void aStoreAcrossTheEndOfTheLastPageFaultsBehindIt() {
        guest.write(
                code -> {
                    code.mov(RBX, DATA_END - 16).mov(RCX, ROUNDS).mov(RDX, NEW).bind(loop);
                    code.store(64, at(RBX), RDX).inc(64, RBX);
                    code.dec(64, RCX).jcc(Condition.NE, loop).syscall();
                });
        assertThat(guest.fault().address()).isEqualTo(DATA_END);
        assertThat(cpu.r[RBX]).isEqualTo(DATA_END - 7);
    }

    @Test
    void noAddressIsThatOfAnEmptySlot() {
        for (long vaddr : new long[] {-1, -8, -0x1000, 0, GuestCode.NON_CANONICAL}) {
            GuestCode fresh = new GuestCode(TestTier.EVERYTHING);
            fresh.write(
                    code -> {
                        code.mov(RBX, vaddr).mov(RCX, 9).bind(loop).load(8, RAX, at(RBX));
                        code.store(8, at(RBX), RAX);
                        code.dec(64, RCX).jcc(Condition.NE, loop).syscall();
                    });
            fresh.fault();
            assertThat(fresh.cpu.rip).as("%x", vaddr).isEqualTo(loop.vaddr());
        }
    }

    @Test
    void whatIsWrittenToAPageThatHasLeftTheTableIsVerified() {
        GuestCode verified = new GuestCode(TestTier.VERIFIED);
        verified.machine.map(RIVAL, Ram.PAGE_SIZE);
        runSomeOf(verified, DATA, code -> code.inc(64, at(RBX)));
        verified.cpu.mmu().write64(RIVAL, NEW);
        verified.runToSyscall();
        assertThat(verified.quad(DATA)).isEqualTo(ROUNDS);
        assertThat(verified.cpu.verifier.compared()).isPositive();
    }

    @Test
    void aBytecodeInterpreterStaysInItsUnitAndLeavesItWhenTheBudgetIsSpent() {
        Label add = new Label();
        Label next = new Label();
        guest.write(
                code -> {
                    Label subtract = new Label();
                    code.mov(RCX, 0).mov(RAX, 0).mov(RBX, DATA).jmp(next);
                    code.bind(add).aluImmediate(Alu.ADD, 64, RAX, 3).bind(next);
                    code.load(64, RDX, new Assembler.Memory(RBX, RCX, 3, 0));
                    code.aluImmediate(Alu.XOR, 64, RCX, 1).jmp(RDX);
                    code.bind(subtract).aluImmediate(Alu.SUB, 64, RAX, 1).jmp(next);
                    guest.cpu.mmu().write64(DATA + 8, subtract.vaddr());
                });
        cpu.mmu().write64(DATA, add.vaddr());
        int stretches = 100;
        for (int i = 0; i < stretches; i++) {
            long before = cpu.retired();
            assertThat(cpu.run(1500)).isEqualTo(Exit.BUDGET);
            assertThat(cpu.retired() - before).isEqualTo(1500);
        }
        assertThat(cpu.tier.exits(TranslatedUnit.BUDGET)).isGreaterThanOrEqualTo(stretches / 2);
        assertThat(cpu.tier.exits(TranslatedUnit.ON)).isLessThan(3 * stretches);
        cpu.kick();
        assertThat(cpu.run(100_000)).isEqualTo(Exit.BUDGET);
    }
}

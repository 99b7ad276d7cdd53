package org.xenolith.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.cpu.Assembler.at;
import static org.xenolith.cpu.Cpu.RAX;
import static org.xenolith.cpu.Cpu.RBX;
import static org.xenolith.cpu.GuestCode.CODE;
import static org.xenolith.cpu.GuestCode.DATA;
import static org.xenolith.cpu.GuestCode.DATA_END;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.cpu.Assembler.Alu;
import org.xenolith.cpu.mmu.Pte;
import org.xenolith.cpu.mmu.Ram;
import org.xenolith.cpu.semantics.Flags;

import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The rules of accesses across pages, and of what they leave in page tables, that emulators are
 * known to break.
 */
@Timeout(20)
class PageRulesTest {
    private final GuestCode guest = new GuestCode();
    private final Cpu cpu = guest.cpu;

    // ---- page crossings

    @Test
    void storeAcrossPagesWritesNothingWhenTheSecondPageFaults() {
        guest.fill(DATA_END - 3, 1, 2, 3);
        GuestFault fault =
                guest.fault(
                        code -> code.mov(RBX, DATA_END - 3).mov(RAX, -1).store(64, at(RBX), RAX));
        assertThat(fault.address()).as("CR2: first byte of the faulting page").isEqualTo(DATA_END);
        assertThat(guest.octet(DATA_END - 3)).isEqualTo(1);
        assertThat(guest.octet(DATA_END - 1)).isEqualTo(3);
    }

    @Test
    void storeAcrossPagesReportsItsFirstByteWhenTheFirstPageFaults() {
        guest.protect(DATA);
        long vaddr = DATA + 0xffd;
        GuestFault fault =
                guest.fault(code -> code.mov(RBX, vaddr).mov(RAX, -1).store(64, at(RBX), RAX));
        assertThat(fault.address()).isEqualTo(vaddr);
        assertThat(guest.octet(DATA + 0x1000)).isZero();
    }

    @Test
    void storeThatReachesIntoAPageTableWritesNothing() {
        long table = DATA + 0x1000;
        guest.protect(table);
        guest.machine.pageTable = guest.machine.host(table) >>> Ram.PAGE_SHIFT;
        guest.fill(table - 3, 1, 2, 3);
        GuestFault fault =
                guest.fault(code -> code.mov(RBX, table - 3).mov(RAX, -1).store(64, at(RBX), RAX));
        assertThat(fault.address()).isEqualTo(table);
        assertThat(fault.errorCode()).isEqualTo(GuestFault.PF_PRESENT | GuestFault.PF_WRITE);
        assertThat(guest.octet(table - 3)).isEqualTo(1);
        assertThat(guest.octet(table - 1)).isEqualTo(3);
    }

    @Test
    void updateAcrossPagesChangesNeitherMemoryNorFlagsWhenItFaults() {
        guest.fill(DATA + 0xffe, 1, 2, 3);
        guest.protect(DATA + 0x1000);
        GuestFault fault =
                guest.fault(
                        code ->
                                code.mov(RBX, DATA + 0xffe)
                                        .alu(Alu.CMP, 64, RBX, RBX)
                                        .alu(Alu.ADD, 32, at(RBX), RBX));
        assertThat(fault.address()).isEqualTo(DATA + 0x1000);
        assertThat(guest.octet(DATA + 0xffe)).isEqualTo(1);
        assertThat(guest.flag(Flags.ZF)).isTrue();
    }

    @Test
    void instructionAcrossPagesFaultsWithTheFirstByteOfTheSecondPage() {
        long last = CODE + GuestCode.CODE_BYTES - 4;
        guest.writeAt(last - 10, code -> code.mov(RBX, DATA).nop());
        guest.writeAt(last, code -> code.bytes(0x48, 0xb8, 1, 2)); // the start of MOV RAX, imm64
        GuestFault fault = guest.fault();
        assertThat(fault.address()).isEqualTo(CODE + GuestCode.CODE_BYTES);
        assertThat(fault.errorCode()).isEqualTo(GuestFault.PF_FETCH);
        assertThat(cpu.rip).isEqualTo(last);
    }

    @Test
    void instructionThatEndsWithItsPageNeedsNoSecondPage() {
        long last = CODE + GuestCode.CODE_BYTES - 12;
        guest.writeAt(last, code -> code.mov(RAX, 5).syscall());
        guest.runToSyscall();
        assertThat(cpu.r[RAX]).isEqualTo(5);
    }

    @Test
    void fetchFromAPageThatIsNotExecutableFaults() {
        guest.setPte(
                DATA,
                guest.machine.host(DATA),
                Pte.PRESENT | Pte.WRITABLE | Pte.USER | Pte.NO_EXECUTE);
        GuestFault fault = guest.fault(code -> code.mov(RAX, DATA + 5).jmp(RAX));
        assertThat(fault.address()).isEqualTo(DATA + 5);
        assertThat(fault.errorCode()).isEqualTo(GuestFault.PF_PRESENT | GuestFault.PF_FETCH);
        assertThat(cpu.rip).isEqualTo(DATA + 5);
    }

    // ---- split locks

    @ParameterizedTest
    @ValueSource(longs = {DATA + 5, DATA + 0x1000 - 3})
    void aSplitLockStopsTheSiblings(long vaddr) {
        guest.run(code -> code.mov(RBX, vaddr).mov(RAX, 7).xchg(64, at(RBX), RAX).syscall());
        assertThat(guest.machine.busLocks).isPositive();
        assertThat(guest.quad(vaddr)).isEqualTo(7);
    }

    @Test
    void aLockedAccessWithinAQuadwordStopsNobody() {
        guest.run(code -> code.mov(RBX, DATA + 2).lock().inc(32, at(RBX)).syscall());
        assertThat(guest.machine.busLocks).isZero();
    }

    @Test
    void aFaultingSplitLockChangesNothing() {
        GuestFault fault =
                guest.fault(
                        code -> {
                            code.mov(RBX, DATA_END - 3).mov(RAX, 7).xchg(64, at(RBX), RAX);
                        });
        assertThat(fault.address()).isEqualTo(DATA_END);
        assertThat(cpu.r[RAX]).isEqualTo(7);
    }

    // ---- accessed and dirty

    @Test
    void aReadSetsAccessedAndAWriteAfterItSetsDirty() {
        guest.run(code -> code.mov(RBX, DATA).load(8, RAX, at(RBX)).syscall());
        assertThat(accessedAndDirty(DATA)).isEqualTo(Pte.ACCESSED);
        guest.run(code -> code.mov(RBX, DATA).store(8, at(RBX), RAX).syscall());
        assertThat(accessedAndDirty(DATA)).isEqualTo(Pte.ACCESSED | Pte.DIRTY);
    }

    @Test
    void aFaultingStoreSetsNoDirtyBit() {
        guest.protect(DATA);
        guest.fault(code -> code.mov(RBX, DATA).store(8, at(RBX), RAX));
        assertThat(accessedAndDirty(DATA) & Pte.DIRTY).isZero();
    }

    @Test
    void accessedAndDirtyLoseNoUpdateOfTheEntryBySomebodyElse() throws InterruptedException {
        long entry = Ram.PAGE_SIZE * guest.machine.root;
        for (int level = 4; level > 1; level--) {
            long next = Ram.getLong(entry + Pte.index(DATA, level) * 8L);
            entry = next & Pte.FRAME_MASK;
        }
        long at = entry + Pte.index(DATA, 1) * 8L;
        long counterUnit = 1L << 52;
        AtomicBoolean walking = new AtomicBoolean(true);
        long[] increments = new long[1];
        Thread other =
                new Thread(
                        () -> {
                            while (walking.get()) {
                                long old = Ram.getLongVolatile(at);
                                long counted = old + counterUnit & ~Pte.NO_EXECUTE;
                                long cleared = counted & ~(Pte.ACCESSED | Pte.DIRTY);
                                if (Ram.compareAndSetLong(at, old, cleared)) {
                                    increments[0]++;
                                }
                                for (int k = 0; k < 100; k++) {
                                    Thread.onSpinWait();
                                }
                            }
                        });
        other.start();
        for (int i = 0; i < 100_000; i++) {
            cpu.mmu().dropPage(DATA);
            cpu.mmu().write8(DATA, i);
        }
        walking.set(false);
        other.join();
        assertThat(Ram.getLong(at) >>> 52).isEqualTo(increments[0] & 0x7ff);
    }

    private long accessedAndDirty(long vaddr) {
        return cpu.mmu().pte(vaddr) & (Pte.ACCESSED | Pte.DIRTY);
    }
}

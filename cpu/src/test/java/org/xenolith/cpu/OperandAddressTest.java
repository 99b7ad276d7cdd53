package org.xenolith.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.cpu.Assembler.at;
import static org.xenolith.cpu.Cpu.RAX;
import static org.xenolith.cpu.Cpu.RBX;
import static org.xenolith.cpu.Cpu.RDI;
import static org.xenolith.cpu.Cpu.RSP;
import static org.xenolith.cpu.GuestCode.CODE;
import static org.xenolith.cpu.GuestCode.DATA;
import static org.xenolith.cpu.GuestCode.DATA_END;
import static org.xenolith.cpu.GuestCode.NON_CANONICAL;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.xenolith.cpu.semantics.Flags;

/** Where operands lie that are no plain sum of registers, and which of their bytes fault. */
@Timeout(20)
class OperandAddressTest {
    private static final int ADDRESS_SIZE = 0x67;
    private static final long ABOVE_32_BITS = 5L << 32;

    private final GuestCode guest = new GuestCode();
    private final Cpu cpu = guest.cpu;

    /** Offset in the page and displacement together need more than 32 bits. */
    @Test
    void theFarthestRipRelativeOperandIsReached() {
        long vaddr = CODE + 7 + Integer.MAX_VALUE;
        guest.machine.map(vaddr, 8);
        guest.cpu.mmu().write64(vaddr, 0x1234_5678_9abcL);
        guest.run(code -> code.bytes(0x48, 0x8b, 0x05, 0xff, 0xff, 0xff, 0x7f).syscall());
        assertThat(cpu.r[RAX]).isEqualTo(0x1234_5678_9abcL);
    }

    @Test
    void popToAnEspBasedOperandUsesTheNewRsp() {
        long rsp = cpu.r[RSP];
        guest.run(
                code -> {
                    code.mov(RAX, 77).push(RAX);
                    // POP [ESP - 0x40]
                    code.bytes(ADDRESS_SIZE, 0x8f, 0x44, 0x24, 0xc0).syscall();
                });
        assertThat(guest.quad(rsp - 0x40)).isEqualTo(77);
        assertThat(cpu.r[RSP]).isEqualTo(rsp);
    }

    /** The operation has no room for its displacement, more than 32 bits with RSP's movement. */
    @Test
    void popToTheFarthestRspBasedOperandRaisesAStackFaultWhereThatIsNotCanonical() {
        guest.machine.map(NON_CANONICAL - 0x1000, 0x1000);
        cpu.r[RSP] = NON_CANONICAL - 0x1000;
        GuestFault fault = guest.fault(code -> code.pop(at(RSP, Integer.MAX_VALUE)));
        assertThat(fault.vector()).isEqualTo(Vector.STACK_FAULT);
        assertThat(cpu.r[RSP]).isEqualTo(NON_CANONICAL - 0x1000);
    }

    @Test
    void aBitOffsetInARegisterIsAddedToAllBitsOfTheFarthestRipRelativeOperand() {
        long vaddr = CODE + 8 + Integer.MAX_VALUE + (1L << 32);
        guest.machine.map(vaddr, 8);
        cpu.mmu().write64(vaddr, 1);
        cpu.r[RAX] = 8L << 32;
        // BT [RIP + 0x7fffffff], RAX
        guest.run(code -> code.bytes(0x48, 0x0f, 0xa3, 0x05, 0xff, 0xff, 0xff, 0x7f).syscall());
        assertThat(guest.flag(Flags.CF)).isTrue();
    }

    @Test
    void xlatWithAnAddressSizePrefixCutsItsAddressTo32Bits() {
        guest.fill(DATA + 3, 77);
        cpu.r[RAX] = 3;
        cpu.r[RBX] = ABOVE_32_BITS | DATA;
        guest.run(code -> code.bytes(ADDRESS_SIZE, 0xd7).syscall());
        assertThat(cpu.r[RAX]).isEqualTo(77);
    }

    @Test
    void maskmovdquWithAnAddressSizePrefixCutsItsAddressTo32Bits() {
        cpu.xmm[0] = 0x1122_3344_5566_7788L;
        cpu.xmm[2] = -1;
        cpu.r[RDI] = ABOVE_32_BITS | DATA;
        guest.run(code -> code.bytes(ADDRESS_SIZE).sse(0x66, 0xf7, 0, 1).syscall());
        assertThat(guest.quad(DATA)).isEqualTo(0x1122_3344_5566_7788L);
    }

    @Test
    void clflushFaultsAsALoadOfItsByte() {
        GuestFault fault = guest.fault(code -> code.mov(RBX, DATA_END + 5).clflush(at(RBX)));
        assertThat(fault.address()).isEqualTo(DATA_END + 5);
        assertThat(fault.errorCode()).isZero();
        fault = guest.fault(code -> code.mov(RBX, NON_CANONICAL).clflush(at(RBX)));
        assertThat(fault.vector()).isEqualTo(Vector.GENERAL_PROTECTION);
    }

    @Test
    void clflushOfWhatMayBeReadOnlyDoesNothing() {
        guest.protect(DATA);
        guest.run(code -> code.mov(RBX, DATA).clflush(at(RBX)).syscall());
    }

    /** FLD m80fp at [RBX]. */
    private GuestFault faultOfTenBytesAt(long vaddr) {
        return guest.fault(code -> code.mov(RBX, vaddr).bytes(0xdb, 0x2b));
    }

    @Test
    void aTenByteOperandThatIsNotMappedReportsItsFirstByte() {
        assertThat(faultOfTenBytesAt(DATA_END + 5).address()).isEqualTo(DATA_END + 5);
    }

    @Test
    void aTenByteOperandAcrossPagesReportsTheFirstByteOfTheSecond() {
        assertThat(faultOfTenBytesAt(DATA_END - 5).address()).isEqualTo(DATA_END);
    }

    @Test
    void aTenByteStoreThatFaultsReportsItsFirstByte() {
        // SGDT [RBX]
        GuestFault fault = guest.fault(code -> code.mov(RBX, DATA_END + 5).bytes(0x0f, 0x01, 0x03));
        assertThat(fault.address()).isEqualTo(DATA_END + 5);
    }
}

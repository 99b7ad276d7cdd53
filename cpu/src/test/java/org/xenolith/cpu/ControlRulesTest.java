package org.xenolith.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.cpu.Assembler.at;
import static org.xenolith.cpu.Cpu.RAX;
import static org.xenolith.cpu.Cpu.RBX;
import static org.xenolith.cpu.Cpu.RCX;
import static org.xenolith.cpu.Cpu.RDX;
import static org.xenolith.cpu.Cpu.RSP;
import static org.xenolith.cpu.GuestCode.CODE;
import static org.xenolith.cpu.GuestCode.DATA;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.cpu.Assembler.Alu;
import org.xenolith.cpu.Assembler.Label;
import org.xenolith.cpu.semantics.Flags;

/** The rules of loops by RCX, and of returns and calls that say how much they pop, and to where. */
@Timeout(20)
class ControlRulesTest {
    private static final int LOOPNE = 0xe0, LOOPE = 0xe1, LOOP = 0xe2, JRCXZ = 0xe3;
    private static final int RET_IMM16 = 0xc2, RETF_IMM16 = 0xca, RETF = 0xcb, IRET = 0xcf;
    private static final int CALLF_AT_RBX = 3 << 3 | RBX, JMPF_AT_RBX = 5 << 3 | RBX;
    private static final int GROUP_5 = 0xff, REX_W = 0x48;

    private static final int CS64 = FlatMachine.FLAT_RING3_CS64;
    private static final int SS64 = FlatMachine.FLAT_RING3_SS64;
    private static final long TARGET = CODE + 0x100;

    private final GuestCode guest = new GuestCode();
    private final Cpu cpu = guest.cpu;

    // ---- loops

    private static Assembler increment(Assembler code, int register) {
        // LEA r64, [r64 + 1]: no flag changes.
        return code.bytes(REX_W, 0x8d, 0x40 | register << 3 | register, 1);
    }

    private static Assembler loop(Assembler code, int opcode, Label target) {
        return code.bytes(opcode, (int) (target.vaddr() - code.here() - 2));
    }

    @ParameterizedTest
    @CsvSource({
        LOOP + ",true,3",
        LOOP + ",false,3",
        LOOPE + ",true,3",
        LOOPE + ",false,1",
        LOOPNE + ",true,1",
        LOOPNE + ",false,3"
    })
    void aLoopEndsWithItsCountOrWithTheOtherZeroFlag(int opcode, boolean zero, int rounds) {
        Label again = new Label();
        guest.run(
                code -> {
                    code.mov(RCX, 3).mov(RAX, 0).mov(RDX, zero ? 0 : 1);
                    code.alu(Alu.CMP, 64, RAX, RDX).bind(again);
                    loop(increment(code, RAX), opcode, again).syscall();
                });
        assertThat(cpu.r[RAX]).as("rounds").isEqualTo(rounds);
        assertThat(cpu.r[RCX]).as("count left").isEqualTo(3 - rounds);
        assertThat(guest.flag(Flags.ZF)).as("ZF of the comparison").isEqualTo(zero);
        assertThat(guest.flag(Flags.CF)).as("CF of the comparison").isEqualTo(!zero);
    }

    @Test
    void aLoopThatStartsWithACountOfZeroGoesOn() {
        Label again = new Label();
        guest.write(code -> loop(code.mov(RCX, 0).bind(again), LOOP, again).syscall());
        assertThat(cpu.run(100)).isEqualTo(Exit.BUDGET);
        assertThat(cpu.r[RCX]).isEqualTo(-99);
    }

    @Test
    void theAddressSizePrefixMakesTheCountOneOf32Bits() {
        Label again = new Label();
        guest.run(
                code -> {
                    code.mov(RAX, 0).mov(RCX, 0x1_0000_0002L).bind(again);
                    loop(increment(code, RAX).addressSizePrefix(), LOOP, again);
                    code.mov(64, RDX, RCX).mov(RCX, 0x1_0000_0000L);
                    code.addressSizePrefix().bytes(JRCXZ, 10).mov(RAX, 77).syscall();
                });
        assertThat(cpu.r[RAX]).as("rounds").isEqualTo(2);
        assertThat(cpu.r[RDX]).as("RCX, zero-extended").isZero();
    }

    @Test
    void jrcxzLooksAtAllOfRcx() {
        guest.run(code -> code.mov(RCX, 1L << 63).bytes(JRCXZ, 10).mov(RAX, 77).syscall());
        assertThat(cpu.r[RAX]).isEqualTo(77);
        guest.run(code -> code.mov(RCX, 0).bytes(JRCXZ, 10).mov(RAX, 78).syscall());
        assertThat(cpu.r[RAX]).isEqualTo(77);
    }

    // ---- near returns

    @ParameterizedTest
    @ValueSource(ints = {0, 16, 0x8000, 0xffff})
    void aReturnDropsAsManyBytesAsItSaysWithoutASign(int drop) {
        long rsp = cpu.r[RSP];
        Label function = new Label();
        guest.run(
                code -> {
                    code.call(function).mov(64, RAX, RSP).syscall();
                    code.bind(function).bytes(RET_IMM16, drop & 0xff, drop >> 8);
                });
        assertThat(cpu.r[RAX]).isEqualTo(rsp + drop);
    }

    // ---- far calls, jumps and returns: operands of 32 bits unless a prefix says otherwise

    private void putFarPointer(long vaddr, int size, long offset, int selector) {
        if (size == 8) {
            cpu.mmu().write64(vaddr, offset);
        } else {
            cpu.mmu().write32(vaddr, (int) offset);
        }
        cpu.mmu().write16(vaddr + size, selector);
    }

    private static Assembler operandSize(Assembler code, int size) {
        return size == 8 ? code.bytes(REX_W) : code;
    }

    @ParameterizedTest
    @ValueSource(ints = {4, 8})
    void aFarReturnPopsOffsetAndSelector(int size) {
        long rsp = cpu.r[RSP];
        putFarPointer(rsp, size, TARGET, CS64);
        guest.run(code -> operandSize(code, size).bytes(RETF).padTo(TARGET).syscall());
        assertThat(cpu.rip).isEqualTo(TARGET + 2);
        assertThat(cpu.r[RSP]).isEqualTo(rsp + 2L * size);
    }

    @Test
    void aFarReturnDropsAsManyBytesAsItSays() {
        long rsp = cpu.r[RSP];
        putFarPointer(rsp, 4, TARGET, CS64);
        guest.run(code -> code.bytes(RETF_IMM16, 0x08, 0x80).padTo(TARGET).syscall());
        assertThat(cpu.r[RSP]).isEqualTo(rsp + 8 + 0x8008);
    }

    @ParameterizedTest
    @ValueSource(ints = {4, 8})
    void aFarCallPushesWhatAFarReturnPops(int size) {
        long rsp = cpu.r[RSP];
        Label back = new Label();
        cpu.selectors[1] = CS64;
        putFarPointer(DATA, size, TARGET, CS64);
        guest.run(
                code -> {
                    operandSize(code.mov(RBX, DATA), size).bytes(GROUP_5, CALLF_AT_RBX).bind(back);
                    code.mov(64, RDX, RSP).syscall().padTo(TARGET).mov(64, RCX, RSP);
                    operandSize(code.load(64, RAX, at(RSP)), size).bytes(RETF);
                });
        assertThat(cpu.r[RCX]).as("RSP in the function").isEqualTo(rsp - 2L * size);
        assertThat(cpu.r[RDX]).as("RSP behind it").isEqualTo(rsp);
        long selector = size == 8 ? 0 : (long) CS64 << 32;
        assertThat(cpu.r[RAX]).as("return address").isEqualTo(back.vaddr() | selector);
        assertThat(cpu.mmu().read16(rsp - size)).as("CS pushed").isEqualTo(CS64);
    }

    @ParameterizedTest
    @ValueSource(ints = {4, 8})
    void aFarJumpPushesNothing(int size) {
        long rsp = cpu.r[RSP];
        putFarPointer(DATA, size, TARGET, CS64);
        guest.run(
                code -> {
                    operandSize(code.mov(RBX, DATA), size).bytes(GROUP_5, JMPF_AT_RBX);
                    code.padTo(TARGET).syscall();
                });
        assertThat(cpu.rip).isEqualTo(TARGET + 2);
        assertThat(cpu.r[RSP]).isEqualTo(rsp);
    }

    @Test
    void aFarReturnToADataSegmentFaultsWithItsSelector() {
        long rsp = cpu.r[RSP];
        putFarPointer(rsp, 4, TARGET, SS64);
        GuestFault fault = guest.fault(code -> code.bytes(RETF));
        assertThat(fault.vector()).isEqualTo(Vector.GENERAL_PROTECTION);
        assertThat(fault.errorCode()).isEqualTo(SS64 & ~3);
        assertThat(cpu.rip).isEqualTo(CODE);
        assertThat(cpu.r[RSP]).isEqualTo(rsp);
    }

    // ---- returns from interrupts

    @Test
    void iretOf32BitsPopsFiveDoublewords() {
        int[] frame = {(int) TARGET, CS64, Flags.CF | Flags.FIXED, (int) 0x8000_1234L, SS64};
        for (int i = 0; i < frame.length; i++) {
            cpu.mmu().write32(cpu.r[RSP] + 4L * i, frame[i]);
        }
        guest.run(code -> code.bytes(IRET).padTo(TARGET).syscall());
        assertThat(cpu.rip).isEqualTo(TARGET + 2);
        assertThat(cpu.r[RSP]).as("zero-extended").isEqualTo(0x8000_1234L);
        assertThat(guest.flag(Flags.CF)).isTrue();
        assertThat(cpu.selectors[2]).isEqualTo(SS64);
    }

    @Test
    void iretOf16BitsPopsFiveWordsAndKeepsTheUpperFlags() {
        long low = 0x8000;
        guest.machine.map(low, 1);
        guest.machine.load(low, new Assembler(low).syscall().bytes());
        int[] frame = {(int) low, CS64, Flags.CF | Flags.FIXED, 0x9234, SS64};
        for (int i = 0; i < frame.length; i++) {
            cpu.mmu().write16(cpu.r[RSP] + 2L * i, frame[i]);
        }
        cpu.setRflags(Flags.AC | Flags.ID | Flags.ZF);
        guest.run(code -> code.operandSizePrefix().bytes(IRET));
        assertThat(cpu.rip).isEqualTo(low + 2);
        assertThat(cpu.r[RSP]).as("zero-extended").isEqualTo(0x9234);
        assertThat(guest.flag(Flags.CF)).isTrue();
        assertThat(guest.flag(Flags.ZF)).isFalse();
        assertThat(guest.flag(Flags.AC)).as("AC").isTrue();
        assertThat(guest.flag(Flags.ID)).as("ID").isTrue();
    }
}

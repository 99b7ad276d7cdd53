package org.xenolith.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.cpu.Assembler.at;
import static org.xenolith.cpu.Cpu.RAX;
import static org.xenolith.cpu.Cpu.RBX;
import static org.xenolith.cpu.GuestCode.DATA;
import static org.xenolith.cpu.GuestCode.DATA_END;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.xenolith.cpu.semantics.Flags;

/** The rules of x87 instructions with memory operands that emulators are known to break. */
@Timeout(20)
class X87RulesTest {
    private static final int ALL_UNMASKED = 0x340;
    private static final int STATUS = 4, INVALID = 1, SUMMARY = 1 << 7;
    private static final int PD = 0x66, CVTPD2PI = 0x2d;
    private static final int REX_W = 0x48, PAGE = 0x1000;
    private static final int FCMOV = 0xda, FCMOVN = 0xdb;

    private final GuestCode guest = new GuestCode();
    private final Cpu cpu = guest.cpu;

    private Assembler unmaskAll(Assembler code) {
        guest.fill(DATA, ALL_UNMASKED & 0xff, ALL_UNMASKED >> 8);
        return code.mov(RBX, DATA).fldcw(at(RBX));
    }

    /** The stack is empty: an unmasked underflow, after which the operand is not written. */
    @Test
    void aStoreThatAnUnmaskedExceptionWithholdsStillFaults() {
        GuestFault fault =
                guest.fault(code -> unmaskAll(code).mov(RBX, DATA_END - 2).fstp(at(RBX)));
        assertThat(fault.vector()).isEqualTo(Vector.PAGE_FAULT);
        assertThat(fault.address()).isEqualTo(DATA_END);
        assertThat(cpu.x87.statusWord() & (SUMMARY | INVALID)).as("exceptions").isZero();
    }

    @Test
    void aStoreThatAnUnmaskedExceptionWithholdsWritesNothing() {
        guest.fill(DATA + PAGE, 1, 2, 3, 4);
        guest.run(code -> unmaskAll(code).mov(RBX, DATA + PAGE).fstp(at(RBX)).syscall());
        assertThat(guest.quad(DATA + PAGE)).isEqualTo(0x0403_0201L);
        assertThat(cpu.x87.statusWord() & (SUMMARY | INVALID)).isEqualTo(SUMMARY | INVALID);
    }

    @Test
    void aPendingExceptionComesBeforeTheEnvironmentIsRead() {
        GuestFault fault =
                guest.fault(
                        code -> {
                            unmaskAll(code).fstp(at(RBX, PAGE));
                            code.mov(RBX, DATA_END).fldenv(at(RBX));
                        });
        assertThat(fault.vector()).isEqualTo(Vector.X87_ERROR);
    }

    @Test
    void aPendingExceptionComesBeforeTheAlignmentOfAnMmxConversion() {
        GuestFault fault =
                guest.fault(
                        code ->
                                unmaskAll(code)
                                        .fstp(at(RBX, PAGE))
                                        .sse(PD, CVTPD2PI, 0, at(RBX, 1)));
        assertThat(fault.vector()).isEqualTo(Vector.X87_ERROR);
    }

    @Test
    void rexWMakesTheEnvironmentOneOf28BytesWhateverTheOperandSizePrefixSays() {
        cpu.x87.initialise();
        guest.run(
                code ->
                        code.mov(RBX, DATA)
                                .operandSizePrefix()
                                .bytes(REX_W)
                                .fnstenv(at(RBX))
                                .syscall());
        assertThat(cpu.mmu().read16(DATA)).as("control word").isEqualTo(0x37f);
        assertThat(cpu.mmu().read16(DATA + 2)).as("unused").isEqualTo(0xffff);
        assertThat(cpu.mmu().read16(DATA + STATUS)).as("status word").isZero();
        assertThat(cpu.mmu().read16(DATA + 2 * STATUS)).as("tag word").isEqualTo(0xffff);
    }

    @Test
    void theOperandSizePrefixAloneMakesTheEnvironmentOneOf14Bytes() {
        guest.run(code -> code.mov(RBX, DATA).operandSizePrefix().fnstenv(at(RBX)).syscall());
        assertThat(cpu.mmu().read16(DATA + 2)).as("status word").isZero();
        assertThat(cpu.mmu().read16(DATA + 4)).as("tag word").isEqualTo(0xffff);
        assertThat(cpu.mmu().read16(DATA + 14)).as("behind").isZero();
    }

    /** FLD1, FLDZ, then the move of ST(1), which is 1, into ST(0), and FSTP m64. */
    private double conditionalMove(int opcode, int condition, int flags) {
        guest.run(
                code -> {
                    code.mov(RAX, Flags.FIXED | flags).push(RAX).popf().mov(RBX, DATA);
                    code.bytes(0xd9, 0xe8, 0xd9, 0xee, opcode, 0xc0 | condition << 3 | 1);
                    code.bytes(0xdd, 0x1b).syscall();
                });
        cpu.x87.initialise();
        return Double.longBitsToDouble(guest.quad(DATA));
    }

    @ParameterizedTest
    @CsvSource({
        "0," + Flags.CF,
        "1," + Flags.ZF,
        "2," + (Flags.CF | Flags.ZF),
        "3," + Flags.PF,
    })
    void aConditionalMoveLooksAtItsFlagsAndAtNoOthers(int condition, int tested) {
        int[] all = {0, Flags.CF, Flags.ZF, Flags.PF, Flags.CF | Flags.ZF, Flags.SF | Flags.OF};
        for (int flags : all) {
            double moved = (flags & tested) != 0 ? 1 : 0;
            assertThat(conditionalMove(FCMOV, condition, flags))
                    .as("FCMOVcc, flags %x", flags)
                    .isEqualTo(moved);
            assertThat(conditionalMove(FCMOVN, condition, flags))
                    .as("FCMOVNcc, flags %x", flags)
                    .isEqualTo(1 - moved);
        }
    }
}

package org.xenolith.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.cpu.Assembler.at;
import static org.xenolith.cpu.Cpu.RBX;
import static org.xenolith.cpu.GuestCode.DATA;

import com.sun.management.ThreadMXBean;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.cpu.Assembler.Condition;
import org.xenolith.cpu.Assembler.Label;
import org.xenolith.cpu.Assembler.Memory;
import org.xenolith.cpu.semantics.simd.Mxcsr;
import org.xenolith.cpu.x87.FxsaveArea;

import java.lang.management.ManagementFactory;

/** The rules of SSE and MMX that emulators are known to break. */
@Timeout(20)
class VectorRulesTest {
    private static final int SAVES = 10_000;
    private static final int MXCSR_OF_FXSAVE = 24;
    private static final int NONE = 0, PD = 0x66, SD = 0xf2, SS = 0xf3;
    private static final int MOVAPS = 0x28, MINPS = 0x5d, MAXPS = 0x5f, ADDPS = 0x58;
    private static final int DIVPS = 0x5e, CVTTSD2SI = 0x2c, CVTSD2SI = 0x2d;
    private static final int PSLLD = 0xf2, PSRLD = 0xd2, PSRAD = 0xe2, PADDB = 0xfc;

    private static final long DEFAULT_NAN = 0xfff8_0000_0000_0000L;
    private static final long SIGNALLING_NAN = 0x7ff0_0000_0000_1234L;
    private static final long QUIETENED = 0x7ff8_0000_0000_1234L;
    private static final int FLUSH_TO_ZERO = 1 << 15, DENORMALS_ARE_ZERO = 1 << 6;
    private static final int ROUND_UP = 2 << 13, PRECISION_FLAG = 1 << 5, DENORMAL_FLAG = 2;

    private final GuestCode guest = new GuestCode();
    private final Cpu cpu = guest.cpu;

    /** XMM0 = a, XMM1 = b, then one instruction XMM0, XMM1; the low quadword of XMM0. */
    private long result(int prefix, int opcode, long a, long b) {
        cpu.xmm[0] = a;
        cpu.xmm[2] = b;
        guest.run(code -> code.sse(prefix, opcode, 0, 1).syscall());
        return cpu.xmm[0];
    }

    private long result(int opcode, double a, double b) {
        return result(SD, opcode, Double.doubleToRawLongBits(a), Double.doubleToRawLongBits(b));
    }

    @Test
    void alignedFormsRaiseGeneralProtectionOnUnalignedOperands() {
        Memory unaligned = at(RBX, 8);
        guest.write(code -> code.mov(RBX, DATA).sse(NONE, MOVAPS, 0, unaligned));
        assertThat(guest.fault().vector()).isEqualTo(Vector.GENERAL_PROTECTION);
        guest.write(code -> code.mov(RBX, DATA).sse(PD, ADDPS, 0, unaligned));
        assertThat(guest.fault().vector()).isEqualTo(Vector.GENERAL_PROTECTION);
    }

    @ParameterizedTest
    @CsvSource({"1e300", "-1e300", "NaN", "2147483648", "Infinity"})
    void conversionOutOfRangeGivesTheIntegerIndefinite(double value) {
        cpu.xmm[2] = Double.doubleToRawLongBits(value);
        guest.run(code -> code.sse(SD, CVTTSD2SI, Cpu.RAX, 1).sse(SD, CVTSD2SI, RBX, 1).syscall());
        assertThat(cpu.r[Cpu.RAX]).isEqualTo(0x8000_0000L);
        assertThat(cpu.r[RBX]).isEqualTo(0x8000_0000L);
    }

    @ParameterizedTest
    @CsvSource({"NaN,1", "1,NaN", "0.0,-0.0", "-0.0,0.0"})
    void minimumAndMaximumReturnTheSecondOperandOnNanAndZeros(double a, double b) {
        assertThat(result(MINPS, a, b)).isEqualTo(Double.doubleToRawLongBits(b));
        assertThat(result(MAXPS, a, b)).isEqualTo(Double.doubleToRawLongBits(b));
    }

    @Test
    void theDefaultNanIsNegative() {
        assertThat(result(DIVPS, 0.0, 0.0)).isEqualTo(DEFAULT_NAN);
    }

    @Test
    void theFirstOperandsNanComesBackQuietened() {
        long other = 0x7ff8_0000_0000_9999L;
        assertThat(result(SD, ADDPS, SIGNALLING_NAN, other)).isEqualTo(QUIETENED);
        assertThat(result(SD, ADDPS, other, SIGNALLING_NAN)).isEqualTo(other);
        assertThat(result(SD, ADDPS, 0, SIGNALLING_NAN)).isEqualTo(QUIETENED);
    }

    @Test
    void packedShiftsByTheWidthOrMoreGiveZeroOrTheSign() {
        long pair = 0x8000_0000_7fff_ffffL;
        assertThat(result(PD, PSLLD, pair, 32)).isZero();
        assertThat(result(PD, PSRLD, pair, 1L << 40)).isZero();
        assertThat(result(PD, PSRAD, pair, 99)).isEqualTo(0xffff_ffff_0000_0000L);
    }

    @Test
    void roundingUpIsHonouredAndThePrecisionFlagSticks() {
        cpu.mxcsr.load(Mxcsr.DEFAULT | ROUND_UP);
        long third = result(DIVPS, 1, 3);
        assertThat(third).isEqualTo(Double.doubleToRawLongBits(Math.nextUp(1.0 / 3)));
        assertThat(cpu.mxcsr.value() & PRECISION_FLAG).isNotZero();
        result(ADDPS, 1, 1);
        assertThat(cpu.mxcsr.value() & PRECISION_FLAG).as("still set").isNotZero();
    }

    @Test
    void denormalsAreFlushedWhenAskedFor() {
        cpu.mxcsr.load(Mxcsr.DEFAULT | FLUSH_TO_ZERO);
        assertThat(result(DIVPS, Double.MIN_NORMAL, 4)).isZero();
        cpu.mxcsr.load(Mxcsr.DEFAULT | DENORMALS_ARE_ZERO);
        assertThat(result(ADDPS, Double.MIN_VALUE, 0)).isZero();
        assertThat(cpu.mxcsr.value() & DENORMAL_FLAG).as("DE with DAZ").isZero();
        cpu.mxcsr.load(Mxcsr.DEFAULT);
        assertThat(result(ADDPS, Double.MIN_VALUE, 0)).isEqualTo(1);
        assertThat(cpu.mxcsr.value() & DENORMAL_FLAG).as("DE without DAZ").isNotZero();
    }

    @Test
    void theRepPrefixWinsOverOperandSizeAmongSseForms() {
        cpu.xmm[0] = Double.doubleToRawLongBits(1);
        cpu.xmm[1] = Double.doubleToRawLongBits(5);
        cpu.xmm[2] = Double.doubleToRawLongBits(2);
        cpu.xmm[3] = Double.doubleToRawLongBits(7);
        guest.run(code -> code.operandSizePrefix().sse(SD, ADDPS, 0, 1).syscall());
        assertThat(cpu.xmm[0]).isEqualTo(Double.doubleToRawLongBits(3));
        assertThat(cpu.xmm[1]).as("ADDSD, not ADDPD").isEqualTo(Double.doubleToRawLongBits(5));
        guest.run(code -> code.operandSizePrefix().sse(SS, MOVAPS + 0x30, 0, 1).syscall());
        assertThat(cpu.xmm[1]).as("ADDSS, not ADDPD").isEqualTo(Double.doubleToRawLongBits(5));
    }

    @Test
    void mmxSetsTopToZeroAndAllTagsValid() {
        guest.run(
                code ->
                        code.bytes(0xd9, 0xe8) // FLD1: TOP becomes 7
                                .sse(NONE, PADDB, 2, 3)
                                .mov(RBX, DATA)
                                .fnstenv(at(RBX))
                                .syscall());
        int status = cpu.mmu().read16(DATA + 4), tags = cpu.mmu().read16(DATA + 8);
        assertThat(status >> 11 & 7).as("TOP").isZero();
        for (int i = 0; i < 8; i++) {
            assertThat(tags >> 2 * i & 3).as("tag %d, 3 is empty", i).isNotEqualTo(3);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {16, 20, 31})
    void aReservedBitOfMxcsrRaisesGeneralProtection(int bit) {
        cpu.mmu().write32(DATA, Mxcsr.DEFAULT | 1 << bit);
        GuestFault fault = guest.fault(code -> code.mov(RBX, DATA).bytes(0x0f, 0xae, 0x13));
        assertThat(fault.vector()).as("LDMXCSR").isEqualTo(Vector.GENERAL_PROTECTION);
        cpu.mmu().write32(DATA + MXCSR_OF_FXSAVE, Mxcsr.DEFAULT | 1 << bit);
        fault = guest.fault(code -> code.mov(RBX, DATA).bytes(0x0f, 0xae, 0x0b));
        assertThat(fault.vector()).as("FXRSTOR").isEqualTo(Vector.GENERAL_PROTECTION);
        assertThat(cpu.mxcsr.value()).isEqualTo(Mxcsr.DEFAULT);
    }

    @Test
    void theDefinedBitsOfMxcsrAreLoadedAndStored() {
        cpu.mmu().write32(DATA, 0xffff);
        guest.run(
                code -> {
                    code.mov(RBX, DATA).bytes(0x0f, 0xae, 0x13); // LDMXCSR [RBX]
                    code.bytes(0x0f, 0xae, 0x5b, 4).syscall(); // STMXCSR [RBX + 4]
                });
        assertThat(cpu.mxcsr.value()).isEqualTo(0xffff);
        assertThat(cpu.mmu().read32(DATA + 4)).isEqualTo(0xffff);
    }

    @ParameterizedTest
    @CsvSource({"0,1", "0,8", "1,1", "1,8"})
    void savingAndRestoringOffA16ByteBoundaryRaisesGeneralProtection(int reg, int offset) {
        GuestFault fault =
                guest.fault(code -> code.mov(RBX, DATA + offset).bytes(0x0f, 0xae, reg << 3 | RBX));
        assertThat(fault.vector()).isEqualTo(Vector.GENERAL_PROTECTION);
        assertThat(fault.errorCode()).isZero();
        assertThat(guest.quad(DATA)).as("memory").isZero();
    }

    @Test
    void savingAndRestoringTheStateAllocatesNothing() {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        Label loop = new Label();
        guest.write(
                code -> {
                    code.mov(RBX, DATA).mov(Cpu.RCX, SAVES).bind(loop);
                    code.bytes(0x0f, 0xae, 0x03, 0x0f, 0xae, 0x0b); // FXSAVE, FXRSTOR [RBX]
                    code.dec(64, Cpu.RCX).jcc(Condition.NE, loop).syscall();
                });
        long before = threads.getCurrentThreadAllocatedBytes();
        guest.runToSyscall();
        assertThat(threads.getCurrentThreadAllocatedBytes() - before)
                .as("bytes allocated by %d rounds, decoding included", SAVES)
                .isLessThan(SAVES * FxsaveArea.SIZE);
    }
}

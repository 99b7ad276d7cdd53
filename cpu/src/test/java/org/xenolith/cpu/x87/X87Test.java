package org.xenolith.cpu.x87;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import org.junit.jupiter.api.Test;
import org.xenolith.cpu.GuestFault;
import org.xenolith.cpu.Vector;

import java.util.Arrays;

/** What the interpreter relies on beside the arithmetic itself. */
class X87Test {
    private static final int D9 = 1;
    private static final int DB = 3;
    private static final int DD = 5;
    private static final int DF = 7;

    private static final int FLD1 = 0xe8;
    private static final int FLDPI = 0xeb;
    private static final int FLDZ = 0xee;
    private static final int FDIV_ST1 = 0xf1;
    private static final int FNCLEX = 0xe2;
    private static final int FSTP_M64 = 3;
    private static final int FLDCW = 5;

    private static final int ZERO_DIVIDE_UNMASKED = 0x37b;
    private static final int INVALID_UNMASKED = 0x37e;
    private static final long ONE_SIG = 1L << 63;

    private final X87 x87 = new X87();

    private void d9(int modrm) {
        x87.execute(D9, modrm, 0);
    }

    private void pendZeroDivide() {
        x87.load(D9, FLDCW, ZERO_DIVIDE_UNMASKED, 0);
        d9(FLDZ);
        d9(FLD1);
        x87.execute(0, FDIV_ST1, 0);
    }

    private static void assertFault(int vector, Runnable instruction) {
        assertThatExceptionOfType(GuestFault.class)
                .isThrownBy(instruction::run)
                .satisfies(fault -> assertThat(fault.vector()).isEqualTo(vector));
    }

    private byte[] state() {
        byte[] image = new byte[X87.imageBytes(DD, 6, false)];
        x87.prepareImage(DD, image, false);
        return image;
    }

    @Test
    void unmaskedExceptionIsDeliveredByTheNextWaitingInstruction() {
        pendZeroDivide();
        assertThat(x87.statusWord() & (StatusWord.ERROR_SUMMARY | StatusWord.ZERO_DIVIDE))
                .isEqualTo(StatusWord.ERROR_SUMMARY | StatusWord.ZERO_DIVIDE);
        assertThat(x87.significand(0)).as("destination is untouched").isEqualTo(ONE_SIG);
        assertFault(Vector.X87_ERROR, x87::checkPending);
        assertFault(Vector.X87_ERROR, () -> d9(FLD1));
        assertFault(Vector.X87_ERROR, () -> x87.load(D9, 0, 0, 0));
        assertFault(Vector.X87_ERROR, () -> x87.prepareStore(DD, FSTP_M64));
        assertFault(Vector.X87_ERROR, x87::enterMmx);
        assertFault(Vector.X87_ERROR, x87::emms);
    }

    @Test
    void nonWaitingInstructionsRunWithAnExceptionPending() {
        pendZeroDivide();
        assertThat(x87.prepareStore(D9, 7)).as("fnstcw").isTrue();
        assertThat(x87.prepareStore(DD, 7)).as("fnstsw").isTrue();
        x87.commitStore();
        assertThat(x87.storeLow()).isEqualTo(x87.statusWord());
        x87.execute(DB, FNCLEX, 0);
        x87.checkPending();
    }

    @Test
    void undefinedFormsRaiseInvalidOpcodeEvenWithAnExceptionPending() {
        pendZeroDivide();
        int[][] undefined = {
            {D9, 0xd1},
            {D9, 0xe2},
            {D9, 0xe6},
            {D9, 0xef},
            {2, 0xe8},
            {2, 0xf0},
            {DB, 0xe5},
            {DB, 0xf8},
            {DD, 0xf0},
            {6, 0xd8},
            {DF, 0xe1},
            {DF, 0xf8}
        };
        for (int[] form : undefined) {
            assertFault(Vector.INVALID_OPCODE, () -> x87.execute(form[0], form[1], 0));
        }
    }

    @Test
    void everyMemoryFormIsALoadOrAStoreOrAnImageOrUndefined() {
        for (int esc = 0; esc < 8; esc++) {
            for (int reg = 0; reg < 8; reg++) {
                int kinds =
                        (X87.loadBytes(esc, reg) > 0 ? 1 : 0)
                                + (X87.storeBytes(esc, reg) > 0 ? 1 : 0)
                                + (X87.imageBytes(esc, reg, false) > 0 ? 1 : 0);
                boolean undefined =
                        esc == D9 && reg == 1
                                || esc == DB && (reg == 4 || reg == 6)
                                || esc == DD && reg == 5;
                assertThat(kinds).as("D%X /%d", 8 + esc, reg).isEqualTo(undefined ? 0 : 1);
            }
        }
    }

    @Test
    void storeChangesNothingUntilItIsCommitted() {
        d9(FLDPI);
        byte[] before = state();
        assertThat(x87.prepareStore(DD, FSTP_M64)).isTrue();
        assertThat(Double.longBitsToDouble(x87.storeLow())).isEqualTo(Math.PI);
        assertThat(state()).as("a fault while writing must find this").isEqualTo(before);
        x87.commitStore();
        assertThat(x87.statusWord() & StatusWord.TOP).isZero();
        assertThat(x87.statusWord() & StatusWord.PRECISION).isNotZero();
    }

    @Test
    void unmaskedInvalidStoreWritesNothingAndKeepsTheStack() {
        x87.load(D9, FLDCW, INVALID_UNMASKED, 0);
        assertThat(x87.prepareStore(DD, FSTP_M64)).as("the stack is empty").isFalse();
        x87.commitStore();
        assertThat(x87.statusWord())
                .isEqualTo(
                        StatusWord.INVALID
                                | StatusWord.STACK_FAULT
                                | StatusWord.ERROR_SUMMARY
                                | StatusWord.BUSY);
    }

    @Test
    void mmxRegistersAreTheSignificandsOfThePhysicalRegisters() {
        d9(FLD1);
        d9(FLDPI);
        assertThat(x87.mm(7)).isEqualTo(ONE_SIG);
        assertThat(x87.mm(6)).isEqualTo(x87.significand(0));
        x87.enterMmx();
        x87.setMm(3, 0x0123456789abcdefL);
        assertThat(x87.statusWord() & StatusWord.TOP).isZero();
        assertThat(x87.significand(3)).isEqualTo(0x0123456789abcdefL);
        assertThat(x87.signAndExponent(3)).isEqualTo(0xffff);
        byte[] area = new byte[FxsaveArea.SIZE];
        x87.fxsave(area, true);
        assertThat(area[FxsaveArea.TAGS]).as("all registers in use").isEqualTo((byte) 0xff);
        x87.emms();
        assertThat(X87Images.getUnsignedShort(state(), 8)).isEqualTo(0xffff);
    }

    @Test
    void fnsaveInitialisesAndFnstenvMasks() {
        pendZeroDivide();
        byte[] environment = new byte[X87.imageBytes(D9, 6, false)];
        x87.prepareImage(D9, environment, false);
        assertThat(X87Images.getUnsignedShort(environment, 0)).isEqualTo(ZERO_DIVIDE_UNMASKED);
        x87.commitImage(D9);
        assertThat(x87.controlWord()).isEqualTo(ControlWord.INITIAL);
        x87.checkPending();
        state();
        x87.commitImage(DD);
        assertThat(x87.statusWord()).isZero();
    }

    @Test
    void fxsaveAndFxrstorAreInverse() {
        d9(FLDPI);
        d9(FLD1);
        byte[] saved = new byte[FxsaveArea.SIZE];
        Arrays.fill(saved, FxsaveArea.WRITTEN_BYTES, FxsaveArea.SIZE, (byte) 0x5a);
        x87.fxsave(saved, true);
        X87 other = new X87();
        other.fxrstor(saved, true);
        byte[] again = new byte[FxsaveArea.SIZE];
        Arrays.fill(again, FxsaveArea.WRITTEN_BYTES, FxsaveArea.SIZE, (byte) 0x5a);
        other.fxsave(again, true);
        assertThat(again).isEqualTo(saved);
        assertThat(saved[FxsaveArea.TAGS]).as("abridged tags: R7 and R6").isEqualTo((byte) 0xc0);
        assertThat(other.significand(0)).isEqualTo(ONE_SIG);
    }

    @Test
    void pointersKeepAllBitsOnlyWithRexW() {
        byte[] area = new byte[FxsaveArea.SIZE];
        X87Images.putLong(area, FxsaveArea.INSTRUCTION, 0x1122334455667788L);
        x87.fxrstor(area, true);
        x87.fxsave(area, true);
        assertThat(X87Images.getLong(area, FxsaveArea.INSTRUCTION)).isEqualTo(0x1122334455667788L);
        x87.fxsave(area, false);
        assertThat(X87Images.getLong(area, FxsaveArea.INSTRUCTION)).isEqualTo(0x55667788L);
    }

    @Test
    void ssePartRoundTripsAndReservedMxcsrBitsFault() {
        byte[] area = new byte[FxsaveArea.SIZE];
        long[] xmm = new long[2 * FxsaveArea.XMM_COUNT];
        Arrays.setAll(xmm, i -> 0x0101010101010101L * i);
        FxsaveArea.putSse(area, FxsaveArea.MXCSR_INITIAL, xmm);
        long[] read = new long[xmm.length];
        FxsaveArea.getXmm(area, read);
        assertThat(read).isEqualTo(xmm);
        assertThat(FxsaveArea.getMxcsr(area)).isEqualTo(FxsaveArea.MXCSR_INITIAL);
        assertThat(X87Images.getInt(area, FxsaveArea.MASK)).isEqualTo(FxsaveArea.MXCSR_MASK);
        X87Images.putInt(area, FxsaveArea.MXCSR, 0x10000);
        assertFault(Vector.GENERAL_PROTECTION, () -> FxsaveArea.getMxcsr(area));
    }
}

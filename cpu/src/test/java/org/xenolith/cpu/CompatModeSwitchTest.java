package org.xenolith.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.cpu.Cpu.R8;
import static org.xenolith.cpu.Cpu.RAX;
import static org.xenolith.cpu.Cpu.RBX;
import static org.xenolith.cpu.Cpu.RCX;
import static org.xenolith.cpu.Cpu.RSP;
import static org.xenolith.cpu.Guest32.CS32;
import static org.xenolith.cpu.Guest32.CS64;
import static org.xenolith.cpu.Guest32.FIRST;
import static org.xenolith.cpu.GuestCode.CODE;
import static org.xenolith.cpu.GuestCode.DATA;
import static org.xenolith.cpu.GuestCode.STACK_TOP;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.xenolith.cpu.semantics.Flags;

/** Far transfers between 64-bit and 32-bit code. SDM vol. 3A, 5.8.1 and 5.2.1. */
@Timeout(20)
class CompatModeSwitchTest {
    /** In another page than {@link GuestCode#CODE}. */
    private static final long CODE32 = CODE + 0x1000;

    private static final long ESP = STACK_TOP - 0x100;

    private Guest32 guest = new Guest32();
    private Cpu cpu = guest.cpu;

    @BeforeEach
    void startIn64BitCode() {
        cpu.selectors[Guest32.CS] = CS64;
        cpu.run64BitCode();
        cpu.r[RSP] = ESP;
        pointer(DATA, CODE32, CS32);
    }

    private void pointer(long at, long offset, int selector) {
        cpu.mmu().write32(at, (int) offset);
        cpu.mmu().write16(at + 4, selector);
    }

    /** 64-bit code: jmp far [0x800000]. */
    private static final String JUMP_FAR = "FF 2C 25 00 00 80 00";

    private static String far(String opcode, long offset, int selector) {
        int swapped = Integer.reverseBytes((int) offset);
        return "%s %08X %02X %02X".formatted(opcode, swapped, selector & 0xff, selector >> 8);
    }

    @Test
    void aFarJumpLeadsInto32BitCodeAndBack() {
        guest.writeAt(CODE32, "40 40 " + far("EA", CODE + 7, CS64)); // inc eax twice; jmp far
        guest.write(JUMP_FAR + "49 FF C0 0F 05"); // inc r8; syscall
        cpu.r[RAX] = 0xffff_ffff_0000_0001L;
        cpu.r[R8] = -2;
        GuestCode.runToSyscall(cpu);
        assertThat(cpu.r[RAX]).as("32-bit writes clear the upper half").isEqualTo(3);
        assertThat(cpu.r[R8]).isEqualTo(-1);
        assertThat(cpu.selectors[Guest32.CS]).isEqualTo(CS64);
        assertThat(cpu.runs32BitCode()).isFalse();
    }

    @Test
    void registersKeepTheirUpperHalvesUntilTheyAreWritten() {
        guest.writeAt(CODE32, "CD 80");
        guest.write(JUMP_FAR);
        cpu.r[RBX] = 0x1234_5678_9abc_def0L;
        guest.runToInterrupt();
        assertThat(cpu.r[RBX]).isEqualTo(0x1234_5678_9abc_def0L);
        assertThat(cpu.runs32BitCode()).isTrue();
        assertThat(cpu.rip).isEqualTo(CODE32 + 2);
    }

    /** The same bytes: INC EAX in the one mode, a prefix of the NOP behind it in the other. */
    @ParameterizedTest
    @EnumSource(TestTier.class)
    void theSameBytesRunAsCodeOfBothSizes(TestTier tier) {
        guest = new Guest32(tier);
        cpu = guest.cpu;
        String loop = "40 90 FF C9 75 FA"; // inc eax | rex nop; dec ecx; jne -6
        for (int i = 0; i < 40; i++) {
            guest.enter();
            cpu.r[RAX] = 0;
            cpu.r[RCX] = 500;
            guest.run(loop);
            assertThat(cpu.r[RAX]).as("32-bit, round %d", i).isEqualTo(500);
            cpu.selectors[Guest32.CS] = CS64;
            cpu.run64BitCode();
            cpu.r[RAX] = 0;
            cpu.r[RCX] = 500;
            guest.run(loop);
            assertThat(cpu.r[RAX]).as("64-bit, round %d", i).isZero();
        }
    }

    @Test
    void budgetsAreSpentAcrossBothModes() {
        guest.writeAt(CODE32, far("EA", CODE, CS64)); // jmp far
        guest.write(JUMP_FAR);
        for (int budget = 1; budget < 70; budget++) {
            long before = cpu.retired();
            assertThat(cpu.run(budget)).isEqualTo(Exit.BUDGET);
            assertThat(cpu.retired() - before).isEqualTo(budget);
        }
    }

    @Test
    void singleStepsTrapBehindFarTransfersToo() {
        guest.writeAt(CODE32, far("EA", CODE + 7, CS64));
        guest.write(JUMP_FAR + "90");
        cpu.setRflags(Flags.TF | Flags.FIXED);
        assertThat(cpu.run(10)).isEqualTo(Exit.DEBUG_TRAP);
        assertThat(cpu.rip).isEqualTo(CODE32);
        assertThat(cpu.run(10)).isEqualTo(Exit.DEBUG_TRAP);
        assertThat(cpu.rip).isEqualTo(CODE + 7);
    }

    @Test
    void aFarCallPushesFourBytesFor32BitCodeAndRetfReturns() {
        guest.writeAt(CODE32, "CB"); // retf
        guest.enter();
        guest.write(far("9A", CODE32, CS32) + "CD 80"); // call far
        guest.runToInterrupt();
        assertThat(cpu.r[RSP]).isEqualTo(ESP);
        assertThat(guest.word(ESP - 4)).isEqualTo(CS32);
        assertThat(guest.word(ESP - 8)).isEqualTo((int) CODE + 7);
    }

    @Test
    void iretTo32BitCodeLoadsItsStack() {
        long frame = ESP - 40;
        long[] words = {CODE32, CS32, Flags.FIXED | Flags.CF, 0x2000, Guest32.FLAT_DATA};
        for (int i = 0; i < words.length; i++) {
            cpu.mmu().write64(frame + 8L * i, words[i]);
        }
        cpu.r[RSP] = frame;
        guest.writeAt(CODE32, "CD 80");
        guest.write("48 CF"); // iretq
        guest.runToInterrupt();
        assertThat(cpu.r[RSP]).isEqualTo(0x2000);
        assertThat(cpu.rflags() & Flags.CF).isEqualTo(Flags.CF);
        // No mode without a stack: the kernel hears of the selector.
        cpu.run64BitCode();
        cpu.r[RSP] = frame;
        cpu.mmu().write64(frame + 32, 0x57);
        assertThat(guest.fault("48 CF").vector()).isEqualTo(Vector.GENERAL_PROTECTION);
        assertThat(cpu.fault().errorCode()).isEqualTo(0x54);
    }

    @Test
    void iretOf32BitCodePopsThreeWords() {
        guest.enter();
        guest.writeAt(CODE32, "CD 80");
        cpu.mmu().write32(ESP, (int) CODE32);
        cpu.mmu().write32(ESP + 4, CS32);
        cpu.mmu().write32(ESP + 8, Flags.ZF | Flags.FIXED);
        guest.write("CF");
        guest.runToInterrupt();
        assertThat(cpu.r[RSP]).isEqualTo(ESP + 12);
        assertThat(cpu.rflags() & Flags.ZF).isEqualTo(Flags.ZF);
    }

    @Test
    void sixteenBitCodeIsRefusedWithItsSelector() {
        guest.machine.descriptors.put(
                FIRST, Guest32.descriptor(0, 0xffff, Guest32.CODE, Guest32.SMALL));
        pointer(DATA, 0x100, FIRST);
        GuestFault fault = guest.fault(JUMP_FAR);
        assertThat(fault.vector()).isEqualTo(Vector.GENERAL_PROTECTION);
        assertThat(fault.errorCode()).isEqualTo(FIRST & ~3);
        assertThat(cpu.rip).isEqualTo(CODE);
    }

    @Test
    void aTargetBeyondTheLimitIsRefused() {
        guest.machine.descriptors.put(
                FIRST, Guest32.descriptor(0, 0xffff, Guest32.CODE, Guest32.BIG));
        pointer(DATA, 0x1_0000, FIRST);
        GuestFault fault = guest.fault(JUMP_FAR);
        assertThat(fault.vector()).isEqualTo(Vector.GENERAL_PROTECTION);
        assertThat(fault.errorCode()).isZero();
    }

    @Test
    void storesIntoRunning32BitCodeAreSeen() {
        guest.enter();
        // mov byte [0x400009], 0x48; nop; nop; inc eax, which has become dec eax; int 0x80
        guest.run("C6 05 09 00 40 00 48 90 90 40");
        assertThat(cpu.r[RAX]).isEqualTo(0xffff_ffffL);
    }

    @Test
    void an32BitPageThatIsMappedOtherwiseIsDecodedAnew() {
        guest.enter();
        guest.writeAt(CODE32, "40 C3"); // inc eax; ret
        String program = "E8 FB 0F 00 00"; // call CODE32
        cpu.r[RAX] = 0;
        guest.run(program);
        long other = FlatMachine.newFrame();
        guest.machine.mapFrame(CODE32, other, 7);
        guest.machine.load(CODE32, Guest32.bytes("48 C3")); // dec eax; ret
        guest.run(program);
        assertThat(cpu.r[RAX]).isZero();
    }
}

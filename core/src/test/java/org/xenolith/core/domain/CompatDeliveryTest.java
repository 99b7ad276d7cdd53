package org.xenolith.core.domain;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.xenolith.core.trace.InstructionText;
import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.Exit;
import org.xenolith.cpu.Vector;
import org.xenolith.cpu.semantics.Flags;

/** A process of 32-bit code: how the kernel gets into it, and what its frames say. */
class CompatDeliveryTest {
    private static final long HANDLER = 0x9000;
    private static final int LDT_CODE = 0x0f;

    private final PvGuest guest = new PvGuest(1, new PvGuest.FakeClock());
    private final VirtualCpu vcpu = guest.vcpu(0);
    private final Cpu cpu = vcpu.cpu();

    @BeforeEach
    void handleWhatAProcessMayRaise() {
        vcpu.info.setUpcallMask(false);
        for (int vector : new int[] {Vector.GENERAL_PROTECTION, Vector.PAGE_FAULT, 0x80}) {
            int privilege = vector == 0x80 ? 3 : 0;
            vcpu.traps.set(vector, privilege, Selectors.FLAT_CS64, HANDLER);
        }
        cpu.selectors[Selectors.DS] = Selectors.FLAT_SS;
        cpu.selectors[Selectors.ES] = Selectors.FLAT_SS;
    }

    private void iret(long rip, int cs) {
        iret(rip, cs, Selectors.FLAT_SS);
    }

    private void iret(long rip, int cs, int ss) {
        long at = PvGuest.KERNEL_STACK - 72;
        long[] words = {0, 0, 0, 0, rip, cs, Flags.IF, PvGuest.USER_STACK, ss};
        for (int i = 0; i < words.length; i++) {
            cpu.mmu().write64(at + 8L * i, words[i]);
        }
        cpu.r[Cpu.RSP] = at;
        vcpu.delivery.iret();
    }

    /** What the handler finds behind RCX and R11. */
    private long frame(int word) {
        return cpu.mmu().read64(cpu.r[Cpu.RSP] + 16 + 8L * word);
    }

    @Test
    void iretLeadsInto32BitCode() {
        guest.put(PvGuest.CODE, 0x40, 0x40, 0xcd, 0x80); // inc eax; inc eax; int 0x80
        iret(PvGuest.CODE, Selectors.FLAT_CS32);
        assertThat(cpu.runs32BitCode()).isTrue();
        assertThat(InstructionText.at(vcpu)).isEqualTo("inc eax");
        assertThat(cpu.run(100)).isEqualTo(Exit.SOFTWARE_INTERRUPT);
        assertThat(cpu.r[Cpu.RAX]).isEqualTo(2);
        vcpu.delivery.softwareInterrupt(cpu.exitVector());
        assertThat(cpu.runs32BitCode()).isFalse();
        assertThat(vcpu.mode.isKernel()).isTrue();
        assertThat(cpu.rip).isEqualTo(HANDLER);
        assertThat(frame(0)).as("RIP").isEqualTo(PvGuest.CODE + 4);
        assertThat(frame(1)).as("CS").isEqualTo(Selectors.FLAT_CS32);
        assertThat(frame(3)).as("RSP").isEqualTo(PvGuest.USER_STACK);
    }

    @Test
    void iretMakesNullSelectorsZero() {
        cpu.selectors[Selectors.FS] = 3;
        iret(PvGuest.CODE, Selectors.FLAT_CS32);
        assertThat(cpu.selectors[Selectors.FS]).isZero();
        assertThat(cpu.selectors[Selectors.DS]).isEqualTo(Selectors.FLAT_SS);
    }

    @Test
    void interruptThatAProcessMayNotUseIsAProtectionFaultAtTheInstruction() {
        guest.put(PvGuest.CODE, 0xcd, 0x81);
        iret(PvGuest.CODE, Selectors.FLAT_CS32);
        assertThat(cpu.run(100)).isEqualTo(Exit.SOFTWARE_INTERRUPT);
        vcpu.delivery.softwareInterrupt(cpu.exitVector());
        assertThat(frame(0)).as("error code").isEqualTo(0x81 * 8 + 2);
        assertThat(frame(1)).as("RIP").isEqualTo(PvGuest.CODE);
    }

    @Test
    void pageFaultsTellTheLinearAddressOfThirtyTwoBits() {
        guest.put(PvGuest.CODE, 0x8b, 0x83, 0xff, 0xff, 0xff, 0xef); // mov eax, [ebx-0x10000001]
        iret(PvGuest.CODE, Selectors.FLAT_CS32);
        cpu.r[Cpu.RBX] = 0x7777_0000_0000_0001L;
        assertThat(cpu.run(100)).isEqualTo(Exit.FAULT);
        vcpu.delivery.fault(cpu.fault());
        assertThat(cpu.fault().address()).isEqualTo(0xf000_0000L);
        assertThat(frame(0)).as("error code").isEqualTo(4);
        assertThat(frame(1)).as("RIP").isEqualTo(PvGuest.CODE);
    }

    @Test
    void aKernelThatReturnsTo64BitCodeFindsThatMode() {
        guest.put(PvGuest.CODE, 0x40, 0x90, 0xcd, 0x80); // rex nop; int 0x80
        iret(PvGuest.CODE, Selectors.FLAT_CS32);
        vcpu.delivery.exception(Vector.GENERAL_PROTECTION, 0);
        iret(PvGuest.CODE, Selectors.FLAT_CS64);
        assertThat(cpu.runs32BitCode()).isFalse();
        cpu.r[Cpu.RAX] = 0;
        assertThat(cpu.run(100)).isEqualTo(Exit.SOFTWARE_INTERRUPT);
        assertThat(cpu.r[Cpu.RAX]).isZero();
    }

    @Test
    void codeOfAnLdtHasItsBaseAndLimitAndSixteenBitCodeIsRefused() {
        long base = PvGuest.CODE;
        long code = 0x00cf_fb00_0000_ffffL | base << 16;
        cpu.mmu().write64(PvGuest.ARGUMENTS + 8, code);
        vcpu.setLdt(PvGuest.ARGUMENTS, 2);
        guest.put(PvGuest.CODE + 0x20, 0x40, 0xcd, 0x80);
        iret(0x20, LDT_CODE);
        assertThat(InstructionText.at(vcpu)).isEqualTo("inc eax");
        assertThat(cpu.run(100)).isEqualTo(Exit.SOFTWARE_INTERRUPT);
        assertThat(cpu.rip).isEqualTo(0x23);
        vcpu.delivery.softwareInterrupt(0x80);
        iret(0x1_0000_0000L, LDT_CODE);
        assertThat(frame(0)).as("error code beyond the limit").isZero();
        assertThat(frame(1)).isEqualTo(0x1_0000_0000L);
        cpu.mmu().write64(PvGuest.ARGUMENTS + 8, code & ~(1L << 54));
        iret(0x20, LDT_CODE);
        assertThat(frame(0)).as("error code of 16-bit code").isEqualTo(LDT_CODE & ~3);
        assertThat(cpu.runs32BitCode()).isFalse();
    }

    @Test
    void codeThatSaysItIsOf64AndOf32BitsIsRefused() {
        cpu.mmu().write64(PvGuest.ARGUMENTS + 8, 0x00ef_fb00_0000_ffffL);
        vcpu.setLdt(PvGuest.ARGUMENTS, 2);
        iret(PvGuest.CODE, LDT_CODE);
        assertThat(vcpu.mode.isKernel()).isTrue();
        assertThat(frame(0)).as("error code").isEqualTo(LDT_CODE & ~3);
        assertThat(frame(1)).as("RIP").isEqualTo(PvGuest.CODE);
    }

    private void iretWithAbsent(int register, long descriptor, int vector) {
        vcpu.traps.set(vector, 0, Selectors.FLAT_CS64, HANDLER + vector);
        cpu.mmu().write64(PvGuest.ARGUMENTS + 8, descriptor);
        vcpu.setLdt(PvGuest.ARGUMENTS, 2);
        boolean code = register == Selectors.CS;
        int cs = code ? LDT_CODE : Selectors.FLAT_CS64;
        iret(PvGuest.CODE, cs, code ? Selectors.FLAT_SS : LDT_CODE);
        assertThat(cpu.rip).as("handler").isEqualTo(HANDLER + vector);
        assertThat(frame(0)).as("error code").isEqualTo(LDT_CODE & ~3);
        assertThat(frame(1)).as("RIP").isEqualTo(PvGuest.CODE);
    }

    @Test
    void iretToCodeThatIsNotPresentIsNoProtectionFault() {
        iretWithAbsent(Selectors.CS, 0x00af_7b00_0000_ffffL, Vector.SEGMENT_NOT_PRESENT);
    }

    @Test
    void iretWithAStackThatIsNotPresentIsAStackFault() {
        iretWithAbsent(Selectors.SS, 0x00cf_7300_0000_ffffL, Vector.STACK_FAULT);
    }

    @Test
    void aVcpuThatIsSwitchedInSeesDescriptorsThatHaveChanged() {
        cpu.mmu().write64(PvGuest.ARGUMENTS + 8, 0x00cf_f300_0000_ffffL);
        vcpu.setLdt(PvGuest.ARGUMENTS, 2);
        cpu.selectors[Selectors.DS] = LDT_CODE;
        guest.put(PvGuest.CODE, 0xa1, 0, 0, 0, 0, 0xcd, 0x80); // mov eax, [0]; int 0x80
        cpu.mmu().write32(PvGuest.ARGUMENTS + 0x40, 77);
        iret(PvGuest.CODE, Selectors.FLAT_CS32);
        long moved = 0x00cf_f300_0000_ffffL | PvGuest.ARGUMENTS + 0x40 << 16;
        cpu.mmu().write64(PvGuest.ARGUMENTS + 8, moved);
        vcpu.delivery.reloadSegments();
        assertThat(cpu.run(100)).isEqualTo(Exit.SOFTWARE_INTERRUPT);
        assertThat(cpu.r[Cpu.RAX]).isEqualTo(77);
    }
}

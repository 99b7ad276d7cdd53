package org.xenolith.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.cpu.Cpu.RAX;
import static org.xenolith.cpu.Cpu.RBP;
import static org.xenolith.cpu.Cpu.RBX;
import static org.xenolith.cpu.Cpu.RCX;
import static org.xenolith.cpu.Cpu.RDI;
import static org.xenolith.cpu.Cpu.RSI;
import static org.xenolith.cpu.Cpu.RSP;
import static org.xenolith.cpu.Guest32.FIRST;
import static org.xenolith.cpu.Guest32.FLAT_DATA;
import static org.xenolith.cpu.Guest32.SECOND;
import static org.xenolith.cpu.GuestCode.CODE;
import static org.xenolith.cpu.GuestCode.DATA;
import static org.xenolith.cpu.GuestCode.STACK_TOP;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.cpu.semantics.Flags;

/** 32-bit code in compatibility mode: where it differs from 64-bit code. SDM vol. 1, chapter 3. */
@Timeout(20)
class CompatModeRulesTest {
    private static final String INT_80 = "CD 80";
    private static final long ESP = STACK_TOP - 0x100;

    private final Guest32 guest = new Guest32();
    private final Cpu cpu = guest.cpu;

    // ---- addresses

    @Test
    void offsetsWrapAtFourGigabytes() {
        guest.cpu.mmu().write32(DATA + 4, 0x1234);
        cpu.r[RBX] = 0xffff_fff0L;
        guest.run("8B 83 14 00 80 00"); // mov eax, [ebx+0x800014]
        assertThat(cpu.r[RAX]).isEqualTo(0x1234);
    }

    @Test
    void whatTheUpperHalvesHoldIsNoPartOfAnAddress() {
        cpu.mmu().write32(DATA, 0x1234);
        cpu.r[RBX] = 0xdead_0000_0000_0000L | DATA;
        guest.run("8B 03"); // mov eax, [ebx]
        assertThat(cpu.r[RAX]).isEqualTo(0x1234);
    }

    @Test
    void linearAddressesWrapToo() {
        guest.load(Guest32.GS, FIRST, 0xffff_f000L, 0xf_ffff, Guest32.DATA, 0xc);
        cpu.mmu().write32(DATA + 8, 0x77);
        guest.run("65 A1 08 10 80 00"); // mov eax, gs:0x801008
        assertThat(cpu.r[RAX]).isEqualTo(0x77);
    }

    @Test
    void addressesOfSixteenBitsWrapAtSixtyFourKilobytes() {
        guest.map(0x2000);
        cpu.mmu().write32(0x2010, 0x55);
        cpu.r[RBX] = 0xabcd_f010L;
        cpu.r[RSI] = 0x1234_3000L;
        guest.run("67 8B 00"); // mov eax, [bx+si]
        assertThat(cpu.r[RAX]).isEqualTo(0x55);
    }

    @Test
    void anOperandDoesNotReachBeyondFourGigabytes() {
        GuestFault fault = guest.fault("A1 FE FF FF FF"); // mov eax, [0xfffffffe]
        assertThat(fault.vector()).isEqualTo(Vector.GENERAL_PROTECTION);
    }

    @Test
    void anOperandDoesNotReachBeyondFourGigabytesWhenTheBaseIsAdded() {
        guest.load(Guest32.DS, FIRST, 0x10, 0xf_ffff, Guest32.DATA, 0xc);
        GuestFault fault = guest.fault("A1 EF FF FF FF"); // mov eax, [0xffffffef]
        assertThat(fault.vector()).isEqualTo(Vector.GENERAL_PROTECTION);
    }

    @Test
    void aBitNumberDoesNotReachBeyondFourGigabytes() {
        cpu.r[RBX] = 0x32;
        cpu.r[RBP] = -397 & 0xffff_ffffL;
        GuestFault fault = guest.fault("0F AB 2B"); // bts [ebx], ebp
        assertThat(fault.vector()).isEqualTo(Vector.GENERAL_PROTECTION);
    }

    @Test
    void aRepetitionDoesNotReachBeyondFourGigabytes() {
        guest.map(0xffff_f000L);
        guest.map(0x1_0000_0000L);
        cpu.r[RDI] = 0xffff_fff2L;
        cpu.r[RCX] = 4;
        GuestFault fault = guest.fault("FC F3 AB"); // cld; rep stosd
        assertThat(fault.vector()).isEqualTo(Vector.GENERAL_PROTECTION);
        assertThat(cpu.r[RCX]).isEqualTo(1);
        assertThat(cpu.r[RDI]).isEqualTo(0xffff_fffeL);
    }

    // ---- segments

    @Test
    void eachSegmentHasABase() {
        guest.load(Guest32.DS, FIRST, DATA, 0xf_ffff, Guest32.DATA, 0xc);
        guest.load(Guest32.ES, SECOND, DATA + 0x1000, 0xf_ffff, Guest32.DATA, 0xc);
        cpu.mmu().write32(DATA + 0x10, 1);
        cpu.mmu().write32(DATA + 0x1010, 2);
        // mov eax, [0x10]; mov ecx, es:[0x10]; lea ebx, [eax+0x10]
        guest.run("A1 10 00 00 00 26 8B 0D 10 00 00 00 8D 58 10");
        assertThat(cpu.r[RAX]).isEqualTo(1);
        assertThat(cpu.r[RCX]).isEqualTo(2);
        assertThat(cpu.r[RBX]).as("LEA adds none").isEqualTo(0x11);
    }

    @Test
    void ebpAndEspAddressTheStackSegment() {
        guest.load(Guest32.SS, FIRST, 0x1000, 0xf_ffff, Guest32.DATA, 0xc);
        cpu.r[RBP] = DATA;
        cpu.r[RSP] = ESP - 0x1000;
        cpu.mmu().write32(DATA + 0x1000, 5);
        guest.run("8B 45 00 50"); // mov eax, [ebp]; push eax
        assertThat(cpu.r[RAX]).isEqualTo(5);
        assertThat(guest.word(ESP - 4)).isEqualTo(5);
    }

    @Test
    void aNullSegmentIsNotUsable() {
        cpu.selectors[Guest32.DS] = 0;
        cpu.run32BitCode();
        assertThat(guest.fault("A1 00 00 80 00").vector()).isEqualTo(Vector.GENERAL_PROTECTION);
        assertThat(cpu.rip).isEqualTo(CODE);
        assertThat(guest.fault("AC").vector()).isEqualTo(Vector.GENERAL_PROTECTION); // lodsb
    }

    @Test
    void beyondTheLimitOfDataIsAProtectionFaultAndOfTheStackAStackFault() {
        guest.load(Guest32.DS, FIRST, 0, (int) DATA + 3, Guest32.DATA, Guest32.BIG);
        guest.machine.descriptors.put(FIRST, Guest32.descriptor(DATA, 3, Guest32.DATA, 4));
        cpu.run32BitCode();
        guest.run("A1 00 00 00 00"); // mov eax, [0]
        GuestFault fault = guest.fault("A1 01 00 00 00"); // mov eax, [1]
        assertThat(fault.vector()).isEqualTo(Vector.GENERAL_PROTECTION);
        cpu.selectors[Guest32.SS] = FIRST;
        cpu.run32BitCode();
        cpu.r[RSP] = 2;
        assertThat(guest.fault("58").vector()).isEqualTo(Vector.STACK_FAULT); // pop eax
        assertThat(cpu.r[RSP]).isEqualTo(2);
    }

    @Test
    void aSegmentThatExpandsDownHoldsWhatIsAboveItsLimit() {
        guest.load(Guest32.DS, FIRST, 0, 0x7fff, Guest32.EXPAND_DOWN, Guest32.BIG);
        guest.run("A1 00 00 80 00"); // mov eax, [0x800000]
        assertThat(guest.fault("A1 00 70 00 00").vector()).isEqualTo(Vector.GENERAL_PROTECTION);
    }

    @Test
    void whatMayNotBeWrittenIsNot() {
        guest.load(Guest32.DS, FIRST, 0, 0xf_ffff, Guest32.READ_ONLY, 0xc);
        guest.run("A1 00 00 80 00"); // mov eax, [0x800000]
        // mov [0x800000], eax; mov cs:[0x800000], eax
        assertThat(guest.fault("A3 00 00 80 00").vector()).isEqualTo(Vector.GENERAL_PROTECTION);
        assertThat(guest.fault("2E A3 00 00 80 00").vector()).isEqualTo(Vector.GENERAL_PROTECTION);
    }

    @Test
    void aSegmentRegisterIsLoadedInTheMiddleOfABlock() {
        long descriptor = Guest32.descriptor(DATA, 0xf_ffff, Guest32.DATA, 0xc);
        guest.machine.descriptors.put(FIRST, descriptor);
        cpu.mmu().write32(DATA + 0x20, 9);
        // mov ecx, 7; mov gs, ecx; mov eax, gs:[0x20]; push gs; pop ebx
        guest.run("B9 07 00 00 00 8E E9 65 A1 20 00 00 00 0F A8 5B");
        assertThat(cpu.r[RAX]).isEqualTo(9);
        assertThat(cpu.r[RBX]).isEqualTo(FIRST);
    }

    @Test
    void stringsReadTheirSegmentAndWriteToEs() {
        guest.load(Guest32.FS, FIRST, DATA, 0xf_ffff, Guest32.DATA, 0xc);
        guest.load(Guest32.ES, SECOND, DATA + 0x1000, 0xf_ffff, Guest32.DATA, 0xc);
        guest.guest.fill(DATA, 1, 2, 3, 4, 5, 6, 7, 8);
        cpu.r[RSI] = 0;
        cpu.r[RDI] = 0x10;
        cpu.r[RCX] = 8;
        guest.run("64 F3 A4"); // rep movs byte es:[edi], fs:[esi]
        assertThat(guest.guest.quad(DATA + 0x1010)).isEqualTo(0x0807_0605_0403_0201L);
        assertThat(cpu.r[RDI]).isEqualTo(0x18);
    }

    @Test
    void aRepeatedStringStopsAtTheLimit() {
        guest.load(Guest32.ES, FIRST, DATA, 9, Guest32.DATA, Guest32.BIG);
        cpu.r[RDI] = 0;
        cpu.r[RCX] = 100;
        assertThat(guest.fault("F3 AA").vector()).isEqualTo(Vector.GENERAL_PROTECTION); // rep stosb
        assertThat(cpu.r[RDI]).isEqualTo(10);
        assertThat(cpu.r[RCX]).isEqualTo(90);
        assertThat(cpu.rip).isEqualTo(CODE);
    }

    // ---- the stack

    @Test
    void theStackIsPushedInFourBytesOrTwo() {
        cpu.r[RAX] = 0x1122_3344L;
        cpu.r[RSP] = ESP;
        guest.run("50 66 50 6A FF"); // push eax; push ax; push -1
        assertThat(cpu.r[RSP]).isEqualTo(ESP - 10);
        assertThat(guest.word(ESP - 4)).isEqualTo(0x1122_3344);
        assertThat(cpu.mmu().read16(ESP - 6)).isEqualTo(0x3344);
        assertThat(guest.word(ESP - 10)).isEqualTo(-1);
    }

    @Test
    void aSmallStackSegmentCountsInSp() {
        guest.map(0x10_f000L);
        guest.load(Guest32.SS, FIRST, 0x10_0000L, 0xffff, Guest32.DATA, Guest32.SMALL);
        cpu.r[RAX] = 0xcafe;
        cpu.r[RSP] = 0x1234_0000L;
        guest.run("50"); // push eax
        assertThat(cpu.r[RSP]).isEqualTo(0x1234_fffcL);
        assertThat(guest.word(0x10_fffcL)).isEqualTo(0xcafe);
    }

    @Test
    void callsPushTheOffsetInCsAndReturnThere() {
        long base = CODE - 0x1000;
        guest.load(Guest32.CS, FIRST, base, 0xf_ffff, Guest32.CODE, 0xc);
        // call +3; int 0x80; nop; mov eax, [esp]; ret
        guest.machine.load(CODE, Guest32.bytes("E8 03 00 00 00 CD 80 90 8B 04 24 C3"));
        cpu.rip = 0x1000;
        cpu.r[RSP] = ESP;
        guest.runToInterrupt();
        assertThat(cpu.r[RAX]).isEqualTo(0x1005);
        assertThat(cpu.rip).as("behind INT").isEqualTo(0x1007);
        assertThat(cpu.codeAddress()).isEqualTo(CODE + 7);
    }

    @Test
    void aFaultIsAtAnOffsetInCsAndItsAddressIsLinear() {
        guest.load(Guest32.CS, FIRST, CODE - 0x1000, 0xf_ffff, Guest32.CODE, 0xc);
        guest.load(Guest32.DS, SECOND, 0x1000, 0xf_ffff, Guest32.DATA, 0xc);
        guest.machine.load(CODE, Guest32.bytes("90 A1 00 00 00 F0")); // nop; mov eax, [0xf0000000]
        cpu.rip = 0x1000;
        assertThat(cpu.run(100)).isEqualTo(Exit.FAULT);
        assertThat(cpu.rip).isEqualTo(0x1001);
        assertThat(cpu.fault().address()).isEqualTo(0xf000_1000L);
    }

    @Test
    void popaSkipsEsp() {
        cpu.r[RSP] = ESP;
        cpu.r[RBX] = 0xb;
        cpu.r[RDI] = 0xd1;
        guest.run("60 31 DB 31 FF 61"); // pusha; xor ebx, ebx; xor edi, edi; popa
        assertThat(cpu.r[RBX]).isEqualTo(0xb);
        assertThat(cpu.r[RDI]).isEqualTo(0xd1);
        assertThat(cpu.r[RSP]).isEqualTo(ESP);
        assertThat(guest.word(ESP - 20)).as("ESP before").isEqualTo((int) ESP);
    }

    // ---- EIP

    @Test
    void eipWrapsAtFourGigabytes() {
        guest.map(0xffff_f000L);
        guest.map(0);
        guest.machine.load(0, Guest32.bytes("40 CD 80")); // inc eax; int 0x80
        guest.writeAt(0xffff_fffeL, "40 40"); // inc eax; inc eax
        cpu.r[RAX] = 0;
        guest.runToInterrupt();
        assertThat(cpu.r[RAX]).isEqualTo(3);
        assertThat(cpu.rip).isEqualTo(3);
        guest.machine.load(0, Guest32.bytes("E9 F6 FF FF FF")); // jmp 0xfffffffb
        guest.writeAt(0xffff_fffbL, "40 EB FC"); // inc eax; jmp -4
        guest.machine.load(0xffff_fff0L, Guest32.bytes("40 CD 80"));
        cpu.rip = 0;
        guest.machine.load(0, Guest32.bytes("E9 EB FF FF FF")); // jmp 0xfffffff0
        guest.runToInterrupt();
        assertThat(cpu.r[RAX]).isEqualTo(4);
    }

    @Test
    void nearBranchesOfSixteenBitsCutTheirTarget() {
        guest.map(0);
        guest.machine.load(0x7, Guest32.bytes(INT_80));
        guest.write("66 E9 03 00"); // jmp to 0x400007 & 0xffff
        guest.runToInterrupt();
        assertThat(cpu.rip).isEqualTo(9);
    }

    @Test
    void jecxzAndLoopCountInEcxOrCx() {
        cpu.r[RCX] = 0x1_0000L;
        cpu.r[RAX] = 0;
        guest.run("67 E3 01 40 40"); // jcxz +1; inc eax; inc eax
        assertThat(cpu.r[RAX]).as("CX is 0").isEqualTo(1);
        guest.run("67 E2 FD"); // loop, to itself, in CX
        assertThat(cpu.r[RCX]).isEqualTo(0x1_0000L);
        cpu.r[RCX] = 5;
        cpu.r[RAX] = 0;
        guest.run("40 E2 FD"); // inc eax; loop -3
        assertThat(cpu.r[RAX]).isEqualTo(5);
    }

    @Test
    void beyondTheLimitOfCsNoJumpLeads() {
        guest.load(Guest32.CS, FIRST, 0, 0x400, Guest32.CODE, 0xc);
        cpu.r[RAX] = 0x50_0000L;
        assertThat(guest.fault("FF E0").vector()).isEqualTo(Vector.GENERAL_PROTECTION); // jmp eax
        assertThat(cpu.rip).isEqualTo(CODE);
    }

    // ---- what only one of the modes has

    @ParameterizedTest
    @ValueSource(
            strings = {
                "0F 05", // syscall
                "0F 34", // sysenter
                "F3 0F AE C0", // rdfsbase eax
                "0F 01 F8", // swapgs
                "C5 F8 77" // vzeroupper: LDS with a register
            })
    void whatCpuidDoesNotOfferTo32BitCodeIsUndefined(String code) {
        assertThat(guest.fault(code).vector()).isEqualTo(Vector.INVALID_OPCODE);
    }

    @Test
    void intoTrapsOnOverflow() {
        guest.run("31 C0 CE"); // xor eax, eax; into
        guest.write("B8 FF FF FF 7F 40 CE"); // mov eax, 0x7fffffff; inc eax; into
        assertThat(cpu.run(100)).isEqualTo(Exit.SOFTWARE_INTERRUPT);
        assertThat(cpu.exitVector()).isEqualTo(Vector.OVERFLOW);
        assertThat(cpu.rip).isEqualTo(CODE + 7);
    }

    /** Where the stack has no page, an operand beyond the segment's end is not found out. */
    @Test
    void popReadsTheStackBeforeItLooksAtItsOperand() {
        cpu.r[Cpu.RBP] = 0xffff_ffaaL;
        cpu.r[Cpu.RSP] = 0x5000_0000;
        GuestFault fault = guest.fault("8F 45 53"); // pop [ebp+0x53]
        assertThat(fault.vector()).isEqualTo(Vector.PAGE_FAULT);
        assertThat(fault.address()).isEqualTo(0x5000_0000);
    }

    @Test
    void boundFaultsOutsideOfBothBounds() {
        cpu.mmu().write32(DATA, -2);
        cpu.mmu().write32(DATA + 4, 3);
        for (int inside : new int[] {-2, 0, 3}) {
            cpu.r[RAX] = inside & 0xffff_ffffL;
            guest.run("62 05 00 00 80 00"); // bound eax, [0x800000]
        }
        for (int outside : new int[] {-3, 4}) {
            cpu.r[RAX] = outside & 0xffff_ffffL;
            GuestFault fault = guest.fault("62 05 00 00 80 00");
            assertThat(fault.vector()).isEqualTo(Vector.BOUND_RANGE);
            assertThat(cpu.rip).isEqualTo(CODE);
        }
    }

    @Test
    void ldsLoadsAPointerOfSixBytes() {
        guest.machine.descriptors.put(FIRST, Guest32.descriptor(4, 0xf_ffff, Guest32.DATA, 0xc));
        cpu.mmu().write32(DATA, (int) DATA);
        cpu.mmu().write16(DATA + 4, FIRST);
        cpu.mmu().write32(DATA + 8, 0x99);
        guest.run("C5 1D 00 00 80 00 8B 43 04"); // lds ebx, [0x800000]; mov eax, [ebx+4]
        assertThat(cpu.r[RAX]).isEqualTo(0x99);
        assertThat(cpu.selectors[Guest32.DS]).isEqualTo(FIRST);
    }

    @Test
    void fxsaveKnowsEightXmmRegisters() {
        cpu.xmm[2 * 7] = 7;
        cpu.xmm[2 * 8] = 8;
        guest.run("0F AE 05 00 00 80 00"); // fxsave [0x800000]
        assertThat(guest.guest.quad(DATA + 160 + 7 * 16)).isEqualTo(7);
        assertThat(guest.guest.quad(DATA + 160 + 8 * 16)).isZero();
        guest.run("0F AE 0D 00 00 80 00"); // fxrstor [0x800000]
        assertThat(cpu.xmm[2 * 8]).as("XMM8").isEqualTo(8);
    }

    // ---- traps

    @Test
    void singleStepsTrapBehindEachInstruction() {
        guest.write("40 40 CD 80"); // inc eax; inc eax
        cpu.r[RAX] = 0;
        cpu.setRflags(Flags.TF | Flags.FIXED);
        assertThat(cpu.run(100)).isEqualTo(Exit.DEBUG_TRAP);
        assertThat(cpu.rip).isEqualTo(CODE + 1);
        assertThat(cpu.step()).isEqualTo(Exit.DEBUG_TRAP);
        assertThat(cpu.rip).isEqualTo(CODE + 2);
        assertThat(cpu.r[RAX]).isEqualTo(2);
    }

    @Test
    void breakpointsStandAtLinearAddresses() {
        guest.load(Guest32.CS, FIRST, CODE - 0x1000, 0xf_ffff, Guest32.CODE, 0xc);
        guest.machine.load(CODE, Guest32.bytes("90 90 CD 80"));
        cpu.rip = 0x1000;
        cpu.setBreakpoints(new long[] {CODE + 1, 0, 0, 0}, 2);
        assertThat(cpu.run(100)).isEqualTo(Exit.DEBUG_TRAP);
        assertThat(cpu.rip).isEqualTo(0x1001);
    }

    @Test
    void theFlagsOfPopfHaveThirtyTwoBits() {
        cpu.r[RSP] = ESP;
        guest.run("68 00 00 20 00 9D 9C 58"); // push ID; popf; pushf; pop eax
        assertThat(cpu.r[RAX] & Flags.ID).isEqualTo(Flags.ID);
        assertThat(cpu.selectors[Guest32.DS]).isEqualTo(FLAT_DATA);
    }
}

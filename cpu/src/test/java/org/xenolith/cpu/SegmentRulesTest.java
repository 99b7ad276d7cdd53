package org.xenolith.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.cpu.Cpu.RAX;
import static org.xenolith.cpu.Cpu.RBX;
import static org.xenolith.cpu.Cpu.RCX;
import static org.xenolith.cpu.Cpu.RSP;
import static org.xenolith.cpu.GuestCode.CODE;
import static org.xenolith.cpu.GuestCode.DATA;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.cpu.semantics.Flags;

/**
 * What SS and IRET refuse at CPL 3, and what a program may ask about segments. SDM vol. 2, MOV,
 * IRET, LAR, LSL, VERR, SMSW and LDS/LES/LFS/LGS/LSS, 64-bit mode exceptions.
 */
@Timeout(20)
class SegmentRulesTest {
    private static final int LAR = 0x02, LSL = 0x03;
    private static final int EAX_ECX = 0xc0 | RCX, REX_W = 0x48;
    private static final int CODE64 = FlatMachine.FLAT_RING3_CS64;
    private static final int DATA64 = FlatMachine.FLAT_RING3_SS64;

    private final GuestCode guest = new GuestCode();
    private final Cpu cpu = guest.cpu;

    private int errorOfLoadingSs(long selector) {
        GuestFault fault = guest.fault(code -> code.mov(RAX, selector).movToSs(RAX));
        assertThat(fault.vector()).isEqualTo(Vector.GENERAL_PROTECTION);
        return fault.errorCode();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 3})
    void aNullSelectorForSsFaultsWhateverItsPrivilege(int selector) {
        assertThat(errorOfLoadingSs(selector)).isZero();
    }

    @Test
    void aCodeSegmentForSsFaults() {
        int code = FlatMachine.FLAT_RING3_CS64;
        assertThat(errorOfLoadingSs(code)).isEqualTo(code & ~3);
    }

    @Test
    void aWritableDataSegmentIsGoodForSs() {
        int data = FlatMachine.FLAT_RING3_SS64;
        guest.run(code -> code.mov(RAX, data).movToSs(RAX).syscall());
        assertThat(cpu.selectors[2]).isEqualTo(data);
    }

    @Test
    void iretWithNestedTaskSetFaults() {
        long[] frame = {CODE, FlatMachine.FLAT_RING3_CS64, Flags.FIXED, cpu.r[RSP], 0};
        for (int i = 0; i < frame.length; i++) {
            cpu.mmu().write64(cpu.r[RSP] + 8L * i, frame[i]);
        }
        cpu.setRflags(Flags.NT | Flags.FIXED);
        GuestFault fault = guest.fault(code -> code.iretq());
        assertThat(fault.vector()).isEqualTo(Vector.GENERAL_PROTECTION);
        assertThat(cpu.rip).isEqualTo(CODE);
    }

    // ---- questions about descriptors

    /** The opcode behind 0F with EAX, ECX, all bits of RAX set before; says whether ZF is set. */
    private boolean ask(int opcode, int modRm, int selector) {
        guest.run(
                code -> {
                    code.mov(RAX, -1).mov(RCX, selector).bytes(0x0f, opcode, modRm).syscall();
                });
        return guest.flag(Flags.ZF);
    }

    @ParameterizedTest
    @CsvSource({CODE64 + ",0x00affb00", DATA64 + ",0x00cff300"})
    void larReadsTheAccessRights(int selector, int descriptor) {
        assertThat(ask(LAR, EAX_ECX, selector)).as("ZF").isTrue();
        assertThat(cpu.r[RAX] & 0x00f0_ff00).isEqualTo(descriptor & 0x00f0_ff00);
        assertThat(cpu.r[RAX] >>> 32).as("upper half").isZero();
    }

    @ParameterizedTest
    @ValueSource(ints = {CODE64, DATA64})
    void lslReadsTheLimitOfTheLastByte(int selector) {
        assertThat(ask(LSL, EAX_ECX, selector)).as("ZF").isTrue();
        assertThat(cpu.r[RAX]).isEqualTo(0xffff_ffffL);
    }

    @ParameterizedTest
    @CsvSource({LAR + ",0", LAR + ",0x4b", LSL + ",0", LSL + ",0x4b"})
    void whatIsNoSegmentClearsZfAndKeepsTheDestination(int opcode, int selector) {
        assertThat(ask(opcode, EAX_ECX, selector)).as("ZF").isFalse();
        assertThat(cpu.r[RAX]).isEqualTo(-1);
    }

    @ParameterizedTest
    @CsvSource({CODE64 + ",true,false", DATA64 + ",true,true", "0,false,false"})
    void verrAndVerwTellWhatMayBeReadAndWritten(int selector, boolean read, boolean write) {
        assertThat(ask(0x00, 0xe0 | RCX, selector)).as("VERR").isEqualTo(read);
        assertThat(ask(0x00, 0xe8 | RCX, selector)).as("VERW").isEqualTo(write);
    }

    @Test
    void smswReadsCr0WithTheTaskSwitchedBit() {
        long cr0 = 0x8005_0033L;
        long taskSwitched = 1 << 3;
        guest.run(code -> code.mov(RAX, -1).bytes(REX_W, 0x0f, 0x01, 0xe0).syscall());
        assertThat(cpu.r[RAX]).isEqualTo(cr0);
        cpu.taskSwitched = true;
        cpu.mmu().write64(DATA, -1);
        guest.run(code -> code.mov(RBX, DATA).bytes(0x0f, 0x01, 0x23).syscall());
        assertThat(guest.quad(DATA))
                .as("two bytes of it")
                .isEqualTo(-1L << 16 | (cr0 | taskSwitched) & 0xffff);
    }

    // ---- far pointers

    /** LSS, LFS or LGS RAX or EAX, [RBX]. */
    private void loadFarPointer(int opcode, boolean wide, long offset, int selector) {
        cpu.mmu().write64(DATA, offset);
        cpu.mmu().write16(DATA + (wide ? 8 : 4), selector);
        guest.write(
                code -> {
                    code.mov(RAX, -1).mov(RBX, DATA).bytes(wide ? REX_W : 0x40);
                    code.bytes(0x0f, opcode, RBX).syscall();
                });
    }

    @ParameterizedTest
    @CsvSource({
        "0xb2,2,true",
        "0xb2,2,false",
        "0xb4,4,true",
        "0xb4,4,false",
        "0xb5,5,true",
        "0xb5,5,false"
    })
    void aFarPointerIsLoadedWithItsSelector(int opcode, int segment, boolean wide) {
        long offset = wide ? 0x1234_5678_9abc_def0L : 0x9abc_def0L;
        cpu.r[Cpu.FS_BASE] = 0x1000;
        cpu.r[Cpu.GS_BASE] = 0x1000;
        loadFarPointer(opcode, wide, offset, DATA64);
        guest.runToSyscall();
        assertThat(cpu.r[RAX]).isEqualTo(offset);
        assertThat(cpu.selectors[segment]).isEqualTo(DATA64);
        assertThat(cpu.r[Cpu.FS_BASE]).as("FS base").isEqualTo(segment == 4 ? 0 : 0x1000);
        assertThat(cpu.r[Cpu.GS_BASE]).as("GS base").isEqualTo(segment == 5 ? 0 : 0x1000);
    }

    @Test
    void aFarPointerWithANullSelectorIsRefusedForSsOnly() {
        loadFarPointer(0xb2, true, 7, 0);
        assertThat(guest.fault().vector()).isEqualTo(Vector.GENERAL_PROTECTION);
        assertThat(cpu.r[RAX]).as("RAX of the faulting instruction").isEqualTo(-1);
        loadFarPointer(0xb5, true, 7, 0);
        guest.runToSyscall();
        assertThat(cpu.r[RAX]).isEqualTo(7);
    }

    // ---- segments that are not present

    private static final int ABSENT = 0x0b;

    private GuestFault faultOfReturningTo(int cs, int ss) {
        long[] frame = {CODE, cs, Flags.FIXED, cpu.r[RSP], ss};
        for (int i = 0; i < frame.length; i++) {
            cpu.mmu().write64(cpu.r[RSP] + 8L * i, frame[i]);
        }
        return guest.fault(code -> code.iretq());
    }

    /** The last column is the vector; presence is looked at when all else is right. */
    @ParameterizedTest
    @CsvSource({
        "32-bit code,         0x00cf7b000000ffff, 11",
        "64-bit code,         0x00af7b000000ffff, 11",
        "conforming code,     0x00af1f000000ffff, 11",
        "code of the kernel,  0x00af1b000000ffff, 13",
        "code of both sizes,  0x00ef7b000000ffff, 13",
        "data,                0x00cf73000000ffff, 13",
        "nothing,             0,                  13",
    })
    void aReturnToCodeThatIsNotPresentSaysSo(String what, long descriptor, int vector) {
        guest.machine.descriptors.put(ABSENT, descriptor);
        GuestFault fault = faultOfReturningTo(ABSENT, DATA64);
        assertThat(fault.vector()).as(what).isEqualTo(vector);
        assertThat(fault.errorCode()).isEqualTo(ABSENT & ~3);
    }

    @ParameterizedTest
    @CsvSource({
        "data,                0x00cf73000000ffff, 12",
        "data of the kernel,  0x00cf13000000ffff, 13",
        "constant data,       0x00cf71000000ffff, 13",
        "code,                0x00af7b000000ffff, 13",
    })
    void aStackThatIsNotPresentIsAStackFault(String what, long descriptor, int vector) {
        guest.machine.descriptors.put(ABSENT, descriptor);
        GuestFault loaded = guest.fault(code -> code.mov(RAX, ABSENT).movToSs(RAX));
        assertThat(loaded.vector()).as(what).isEqualTo(vector);
        GuestFault returned = faultOfReturningTo(CODE64, ABSENT);
        assertThat(returned.vector()).as("%s, by IRETQ", what).isEqualTo(vector);
        assertThat(returned.errorCode()).isEqualTo(ABSENT & ~3);
    }

    @Test
    void iretTo64BitCodeWithoutAStackSegmentFaults() {
        GuestFault fault = faultOfReturningTo(CODE64, 0);
        assertThat(fault.vector()).isEqualTo(Vector.GENERAL_PROTECTION);
        assertThat(fault.errorCode()).isZero();
    }
}

package org.xenolith.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.cpu.Cpu.RBX;
import static org.xenolith.cpu.GuestCode.DATA;

import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.HexFormat;

/**
 * CR0.TS after a task switch: the first instruction that touches x87, MMX or SSE state raises #NM,
 * so that the kernel loads the task's own. SDM vol. 3A, 2.5 and 14.1.
 */
@Timeout(20)
class TaskSwitchRulesTest {
    private static final int PAGE = 0x1000;

    private final GuestCode guest = new GuestCode();
    private final Cpu cpu = guest.cpu;

    /** MOV RBX, DATA and one instruction, which may use memory at RBX. */
    private Assembler write(String instruction) {
        return guest.write(
                code -> {
                    code.mov(RBX, DATA);
                    for (byte octet : HexFormat.of().parseHex(instruction)) {
                        code.bytes(octet & 0xff);
                    }
                    code.syscall();
                });
    }

    @ParameterizedTest
    @CsvSource({
        "FLD1, d9e8",
        "FADD, d8c1",
        "FCOMI, dbf1",
        "FNSTSW AX, dfe0",
        "FNINIT, dbe3",
        "FLD m32, d903",
        "FSTP m64, dd1b",
        "FNSTENV, d933",
        "FRSTOR, dd23",
        "FWAIT, 9b",
        "FXSAVE, 0fae03",
        "FXRSTOR, 0fae0b",
        "LDMXCSR, 0fae13",
        "STMXCSR, 0fae1b",
        "PADDB mm, 0ffcc1",
        "MOVQ mm m64, 0f6f03",
        "EMMS, 0f77",
        "PXOR xmm, 660fefc9",
        "MOVAPS xmm, 0f28c1",
        "MOVUPS load, 0f1003",
        "MOVUPS store, 0f1103",
        "MOVAPS load, 0f2803",
        "MOVAPS store, 0f2903",
        "MOVQ xmm m64, f30f7e03",
        "MOVD r32, 660f7ec0",
        "MOVSD store, f20f1103",
        "ADDSD, f20f58c1",
        "UCOMISD, 660f2ec1",
        "CVTSI2SD, f20f2ac0",
        "MOVMSKPS, 0f50c1",
        "PMOVMSKB, 660fd7c1",
        "PSHUFB, 660f3800c1",
        "MOVNTDQ, 660fe703",
    })
    void anInstructionOnFpuStateFaultsAndChangesNothing(String name, String instruction) {
        guest.fill(DATA, 0x80, 0x1f, 0x11, 0x22);
        byte[] before = page();
        write(instruction);
        cpu.taskSwitched = true;
        assertThat(guest.fault().vector()).as(name).isEqualTo(Vector.DEVICE_NOT_AVAILABLE);
        assertThat(cpu.rip).as("rip of %s", name).isEqualTo(GuestCode.CODE + 10);
        assertThat(page()).as("memory after %s", name).isEqualTo(before);
    }

    private byte[] page() {
        byte[] bytes = new byte[PAGE];
        cpu.mmu().copyFrom(DATA, bytes, 0, PAGE);
        return bytes;
    }

    /** They came with SSE, but use general registers only, or nothing. */
    @ParameterizedTest
    @CsvSource({
        "MOVNTI, 0fc303",
        "PREFETCHNTA, 0f1803",
        "SFENCE, 0faef8",
        "CLFLUSH, 0fae3b",
        "CRC32, f20f38f1c1",
        "POPCNT, f30fb8c1",
        "PAUSE, f390",
    })
    void anInstructionOnOtherStateDoesNot(String name, String instruction) {
        write(instruction);
        cpu.taskSwitched = true;
        guest.runToSyscall();
    }
}

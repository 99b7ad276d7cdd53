package org.xenolith.cpu.oracle;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.xenolith.cpu.Vector;
import org.xenolith.cpu.oracle.HostCpu.Outcome;
import org.xenolith.cpu.oracle.HostCpu.Program;

import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

class HostCpuTest {
    private static final int CF = 1, DF = 0x400, AC = 0x40000;
    private static final int SIGSEGV = 11, SIGFPE = 8, SIGTRAP = 5, SIGALRM = 14;

    private static HostCpu host;

    @BeforeAll
    static void start() {
        host = HostCpu.startOrSkip();
    }

    @AfterAll
    static void stop() {
        if (host != null) {
            host.close();
        }
    }

    private static byte[] code(String hex) {
        return HexFormat.of().parseHex(hex.replace(" ", ""));
    }

    private static MachineState scrambled() {
        MachineState state = new MachineState();
        for (int i = 0; i < 16; i++) {
            state.gpr(i, 0x1111_1111_1111_1111L * i + i).xmm(i, 77L + i, -99L * i);
        }
        for (int i = 0; i < 8; i++) {
            state.mm(i, 0x0102_0304_0506_0708L * i);
        }
        return state.mxcsr(0x5fbf).rflags(CF | DF | 2);
    }

    @Test
    void aNopLeavesEveryRegisterAsItWas() {
        MachineState before = scrambled();
        Outcome outcome = host.run(new Program(code("90"), before));
        MachineState after = outcome.after();
        assertThat(outcome.faulted()).isFalse();
        for (int i = 0; i < 16; i++) {
            assertThat(after.gpr(i)).as("gpr %d", i).isEqualTo(before.gpr(i));
            assertThat(after.xmmLow(i)).as("xmm %d", i).isEqualTo(before.xmmLow(i));
            assertThat(after.xmmHigh(i)).as("xmm %d", i).isEqualTo(before.xmmHigh(i));
        }
        for (int i = 0; i < 8; i++) {
            assertThat(after.mm(i)).as("mm %d", i).isEqualTo(before.mm(i));
        }
        assertThat(after.mxcsr()).isEqualTo(before.mxcsr());
        assertThat(after.rflags() & ~0x200).isEqualTo(before.rflags());
        assertThat(after.rip()).isEqualTo(HostCpu.CODE_BASE + 1);
    }

    @Test
    void anAddReadsAndWritesTheRegistersOfItsOperands() {
        MachineState before = scrambled().gpr(MachineState.RSP, -1).gpr(15, 1);
        MachineState after =
                host.run(new Program(code("4C 01 FC"), before)).after(); // add rsp, r15
        assertThat(after.gpr(MachineState.RSP)).isZero();
        assertThat(after.rflags() & CF).isEqualTo(CF);
    }

    @Test
    void memoryComesBackAsTheCodeLeftIt() {
        MachineState before = new MachineState().gpr(MachineState.RDI, HostCpu.WINDOW_BASE + 0x101);
        Outcome outcome =
                host.run(new Program(code("80 2F 01"), before, 0x100, new byte[] {1, 0, 3}));
        assertThat(outcome.memory()).containsExactly(1, -1, 3); // sub byte [rdi], 1
    }

    @Test
    void aStoreBehindTheWindowIsAPageFaultWithItsAddress() {
        MachineState before = new MachineState().gpr(MachineState.RDI, HostCpu.WINDOW_END - 1);
        Outcome outcome = host.run(new Program(code("90 66 89 07"), before)); // nop; mov [rdi], ax
        assertThat(outcome.signal()).isEqualTo(SIGSEGV);
        assertThat(outcome.vector()).isEqualTo(Vector.PAGE_FAULT);
        assertThat(outcome.signalAddress()).isEqualTo(HostCpu.WINDOW_END);
        assertThat(outcome.cr2()).isEqualTo(HostCpu.WINDOW_END);
        assertThat(outcome.errorCode()).isEqualTo(6);
        assertThat(outcome.after().rip()).isEqualTo(HostCpu.CODE_BASE + 1);
    }

    @Test
    void exceptionsAreReportedByVectorAndTheNextProgramRunsNormally() {
        MachineState zero = new MachineState().rflags(AC | 2);
        List<Program> programs = new ArrayList<>();
        programs.add(new Program(code("F7 F0"), zero)); // div eax
        programs.add(new Program(code("0F 0B"), zero)); // ud2
        programs.add(new Program(code("F4"), zero)); // hlt
        programs.add(new Program(code("EB 40"), zero)); // jmp into the breakpoints
        programs.add(new Program(code("FF C0"), zero)); // inc eax
        List<Outcome> outcomes = host.run(programs);
        assertThat(outcomes)
                .extracting(Outcome::vector)
                .containsExactly(
                        Vector.DIVIDE_ERROR,
                        Vector.INVALID_OPCODE,
                        Vector.GENERAL_PROTECTION,
                        Vector.BREAKPOINT,
                        0);
        assertThat(outcomes.get(0).signal()).isEqualTo(SIGFPE);
        assertThat(outcomes.get(3).signal()).isEqualTo(SIGTRAP);
        assertThat(outcomes.get(3).after().rip()).isEqualTo(HostCpu.CODE_BASE + 0x43);
        assertThat(outcomes.get(4).faulted()).isFalse();
        assertThat(outcomes.get(4).after().gpr(MachineState.RAX)).isEqualTo(1);
    }

    @Test
    void anUnmaskedFloatingPointExceptionIsVector19() {
        MachineState before = new MachineState().mxcsr(0x1f80 & ~0x200).xmm(0, 1, 1);
        Outcome outcome = host.run(new Program(code("F2 0F 5E C1"), before)); // divsd xmm0, xmm1
        assertThat(outcome.vector()).isEqualTo(Vector.SIMD_ERROR);
        assertThat(outcome.after().xmmLow(0)).isEqualTo(1);
    }

    @Test
    void codeMayEndAtTheEndOfItsPagesSoThatTheFetchFaults() {
        Outcome outcome =
                host.run(
                        new Program(
                                code("90"),
                                HostCpu.CODE_SIZE - 1,
                                new MachineState(),
                                0,
                                new byte[0]));
        assertThat(outcome.vector()).isEqualTo(Vector.PAGE_FAULT);
        assertThat(outcome.cr2()).isEqualTo(HostCpu.CODE_BASE + HostCpu.CODE_SIZE);
        assertThat(outcome.signal()).isNotEqualTo(SIGALRM);
    }
}

package org.xenolith.cpu.oracle;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.xenolith.cpu.decode.CodeSize;
import org.xenolith.cpu.semantics.Flags;

import java.util.HexFormat;
import java.util.Map;
import java.util.Set;

/**
 * Loads of segments that are not present, or by selectors of inner levels, fault as they do on the
 * host: #NP, #SS or #GP.
 */
class RefusedSegmentsHostTest {
    private static final int[] ABSENT = {
        HostComparison.ABSENT_CODE,
        HostComparison.ABSENT_SECRET_CODE,
        HostComparison.ABSENT_DATA,
        HostComparison.ABSENT_CONSTANT_DATA,
    };

    /** 32-bit code; SS stands for the selector. */
    private static final Map<String, String> PROGRAMS_32 =
            Map.of(
                    "mov ds", "66b8SS008ed8",
                    "mov ss", "66b8SS008ed0",
                    "pop es", "6aSS07",
                    "lds", "66c74304SS00c503",
                    "lss", "66c74304SS000fb203",
                    "jmp far", "ea00000020SS00",
                    "call far", "9a00000020SS00",
                    "retf", "6aSS6a00cb",
                    "iretd", "9c6aSS6a00cf");

    /** 64-bit code; IRETQ with the selector for CS and for SS. */
    private static final Map<String, String> PROGRAMS_64 =
            Map.of(
                    "mov ds", "66b8SS008ed8",
                    "mov ss", "66b8SS008ed0",
                    "lgs", "66c74304SS000fb503",
                    "lss", "66c74304SS000fb203",
                    "jmp far", "66c74304SS00ff2b",
                    "call far", "66c74304SS00ff1b",
                    "retfq", "6aSS6a0048cb",
                    "iretq to code", "6a2b549c6aSS680000002048cf",
                    "iretq with stack", "6aSS549c6a33680000002048cf");

    private static HostCpu host;

    @BeforeAll
    static void start() {
        host = HostCpu.startOrSkip();
        HostCpu.Outcome asked = host.run(program("66b807000f02c0", CodeSize.CODE_64));
        assumeTrue(
                (asked.after().rflags() & Flags.ZF) != 0,
                "SKIPPED: the host's kernel gives programs no LDT"); // LAR sees no descriptor
    }

    @AfterAll
    static void stop() {
        if (host != null) {
            host.close();
        }
    }

    private static HostCpu.Program program(String code, CodeSize size) {
        MachineState before = new MachineState();
        before.gpr(MachineState.RSP, HostCpu.WINDOW_BASE + 0x1000);
        before.gpr(MachineState.RBX, HostCpu.WINDOW_BASE + 0x100);
        byte[] memory = new byte[HostCpu.WINDOW_SIZE];
        return new HostCpu.Program(HexFormat.of().parseHex(code), 0, before, 0, memory, size);
    }

    static Set<String> everyProgramOf32Bits() {
        return PROGRAMS_32.keySet();
    }

    static Set<String> everyProgramOf64Bits() {
        return PROGRAMS_64.keySet();
    }

    @ParameterizedTest
    @MethodSource("everyProgramOf32Bits")
    void a32BitLoadIsRefusedAsOnTheHost(String name) {
        compare(name, PROGRAMS_32.get(name), CodeSize.CODE_32);
    }

    @ParameterizedTest
    @MethodSource("everyProgramOf64Bits")
    void a64BitLoadIsRefusedAsOnTheHost(String name) {
        compare(name, PROGRAMS_64.get(name), CodeSize.CODE_64);
    }

    private static void compare(String name, String code, CodeSize size) {
        HostComparison comparison = new HostComparison(size, 0);
        for (int selector : ABSENT) {
            compareOne(name, code, size, selector, comparison);
        }
        int present = present(name, size);
        for (int rpl = 0; rpl < 3; rpl++) {
            compareOne(name, code, size, present & ~3 | rpl, comparison);
        }
    }

    /** One that is refused, if at all, for its RPL. Jumps and calls take any RPL: to data here. */
    private static int present(String name, CodeSize size) {
        if (name.startsWith("ret") || name.equals("iretd") || name.equals("iretq to code")) {
            return size == CodeSize.CODE_64 ? HostComparison.LINUX_CS64 : HostComparison.LINUX_CS32;
        }
        return HostComparison.LINUX_DATA;
    }

    private static void compareOne(
            String name, String code, CodeSize size, int selector, HostComparison comparison) {
        String what = "%s, selector %#x".formatted(name, selector);
        String bytes = code.replace("SS", "%02x".formatted(selector));
        HostCpu.Program program = program(bytes, size);
        comparison.compareProgram(what, program, host.run(program));
    }
}

package org.xenolith.core.domain;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.xenolith.cpu.Cpu;
import org.xenolith.cpu.decode.Decoder;
import org.xenolith.cpu.decode.Instruction;

import java.util.Arrays;
import java.util.HexFormat;

/** CPUID shows what the decoder knows, and nothing that it does not. SDM vol. 2, CPUID. */
class CpuidPolicyTest {
    private static final int ECX_FMA = 1 << 12, ECX_AES = 1 << 25, ECX_F16C = 1 << 29;
    private static final int ECX_PCLMULQDQ = 1 << 1, ECX_XSAVE = 1 << 26, ECX_AVX = 1 << 28;
    private static final int ECX_MONITOR = 1 << 3, ECX_OSXSAVE = 1 << 27;

    private final Cpu cpu = new PvGuest(1, new PvGuest.FakeClock()).vcpu(0).cpu();

    private int leaf1Ecx() {
        cpu.r[Cpu.RAX] = 1;
        cpu.r[Cpu.RCX] = 0;
        CpuidPolicy.execute(cpu, 0);
        return (int) cpu.r[Cpu.RCX];
    }

    @ParameterizedTest(name = "{0}, bit {1}")
    @CsvSource({
        "SSE3, 0, F20FD0C1",
        "SSSE3, 9, 660F3800C1",
        "CMPXCHG16B, 13, 480FC70F",
        "SSE4.1, 19, 660F3817C1",
        "SSE4.2, 20, F20F38F1C1",
        "MOVBE, 22, 0F38F001",
        "POPCNT, 23, F30FB8C1",
        "RDRAND, 30, 0FC7F0"
    })
    void anExtensionInLeaf1IsDecoded(String name, int bit, String example) {
        assertThat(leaf1Ecx() >>> bit & 1).as("ECX of leaf 1, bit %d", bit).isEqualTo(1);
        byte[] code = Arrays.copyOf(HexFormat.of().parseHex(example), Decoder.MAX_LENGTH);
        Instruction instruction = new Instruction();
        Decoder.decode(code, 0, code.length, instruction);
        assertThat(instruction.row).as(name).isNotNull();
    }

    @Test
    void whatIsNotDecodedOrNeedsXsaveIsHidden() {
        int hidden =
                ECX_FMA | ECX_AES | ECX_F16C | ECX_PCLMULQDQ | ECX_XSAVE | ECX_OSXSAVE | ECX_AVX;
        assertThat(leaf1Ecx() & (hidden | ECX_MONITOR)).isZero();
    }
}

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
    private static final int ECX_FMA = 1 << 12, ECX_F16C = 1 << 29;
    private static final int ECX_XSAVE = 1 << 26, ECX_AVX = 1 << 28;
    private static final int ECX_MONITOR = 1 << 3, ECX_OSXSAVE = 1 << 27;

    private final Cpu cpu = new PvGuest(1, new PvGuest.FakeClock()).vcpu(0).cpu();

    private int leaf1Ecx() {
        leaf(1, 0);
        return (int) cpu.r[Cpu.RCX];
    }

    private void leaf(int leaf, int subleaf) {
        cpu.r[Cpu.RAX] = leaf;
        cpu.r[Cpu.RCX] = subleaf;
        CpuidPolicy.execute(cpu, 0);
    }

    @ParameterizedTest(name = "{0}, bit {1}")
    @CsvSource({
        "SSE3, 0, F20FD0C1",
        "PCLMULQDQ, 1, 660F3A44C100",
        "SSSE3, 9, 660F3800C1",
        "CMPXCHG16B, 13, 480FC70F",
        "SSE4.1, 19, 660F3817C1",
        "SSE4.2, 20, F20F38F1C1",
        "MOVBE, 22, 0F38F001",
        "POPCNT, 23, F30FB8C1",
        "AES, 25, 660F38DCC1",
        "RDRAND, 30, 0FC7F0"
    })
    void anExtensionInLeaf1IsDecoded(String name, int bit, String example) {
        assertThat(leaf1Ecx() >>> bit & 1).as("ECX of leaf 1, bit %d", bit).isEqualTo(1);
        assertThatItIsDecoded(name, example);
    }

    @Test
    void shaInLeaf7IsDecoded() {
        leaf(7, 0);
        assertThat(cpu.r[Cpu.RBX] >>> 29 & 1).as("EBX of leaf 7, bit 29").isEqualTo(1);
        assertThatItIsDecoded("SHA", "0F38CBC1");
    }

    private static void assertThatItIsDecoded(String name, String example) {
        byte[] code = Arrays.copyOf(HexFormat.of().parseHex(example), Decoder.MAX_LENGTH);
        Instruction instruction = new Instruction();
        Decoder.decode(code, 0, code.length, instruction);
        assertThat(instruction.row).as(name).isNotNull();
    }

    @Test
    void whatIsNotDecodedOrNeedsXsaveIsHidden() {
        int hidden = ECX_FMA | ECX_F16C | ECX_XSAVE | ECX_OSXSAVE | ECX_AVX;
        assertThat(leaf1Ecx() & (hidden | ECX_MONITOR)).isZero();
    }

    /** Without a size PyPy complains, and glibc copies more than 16 KiB without REP MOVSB. */
    @ParameterizedTest(name = "subleaf {0}: level {2}, {3} KiB")
    @CsvSource({"0, 1, 1, 32", "1, 2, 1, 32", "2, 3, 2, 1024", "3, 3, 3, 32768"})
    void cachesHaveASize(int subleaf, int kind, int level, int kib) {
        leaf(4, subleaf);
        int eax = (int) cpu.r[Cpu.RAX], ebx = (int) cpu.r[Cpu.RBX], ecx = (int) cpu.r[Cpu.RCX];
        assertThat(eax & 31).isEqualTo(kind);
        assertThat(eax >>> 5 & 7).isEqualTo(level);
        int line = (ebx & 0xFFF) + 1,
                partitions = (ebx >>> 12 & 0x3FF) + 1,
                ways = (ebx >>> 22) + 1;
        assertThat(line * partitions * ways * (ecx + 1)).isEqualTo(kib << 10);
    }

    @Test
    void leaf2SendsToLeaf4WhichEnds() {
        leaf(2, 0);
        assertThat(cpu.r[Cpu.RAX]).as("once, and the descriptor for leaf 4").isEqualTo(0xFF01);
        leaf(4, 4);
        assertThat(cpu.r[Cpu.RAX]).isZero();
        leaf(4, -1);
        assertThat(cpu.r[Cpu.RAX]).isZero();
    }

    @Test
    void theSecondLevelIsInTheExtendedLeafToo() {
        leaf(0x8000_0006, 0);
        assertThat(cpu.r[Cpu.RCX] >>> 16).as("KiB").isEqualTo(1024);
    }
}

package org.xenolith.cpu.decode;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.xenolith.cpu.semantics.simd.SimdRow;
import org.xenolith.cpu.semantics.simd.SimdTable;

import java.util.List;

/** The decoder's rows and those of the functions bound to them are the same. */
class SimdOpcodesTest {
    /** CPUID shows guests this level and no later one. */
    private static final String VISIBLE_FEATURE = "sse2";

    @Test
    void everyDecodedRowHasItsFunction() {
        assertThat(simdRows())
                .isNotEmpty()
                .allSatisfy(
                        row ->
                                assertThat(
                                                SimdTable.find(
                                                        row.encoding(),
                                                        row.mnemonic(),
                                                        row.operands()))
                                        .as("%s %s", row.encoding(), row.mnemonic())
                                        .isNotNull());
    }

    @Test
    void everyFunctionOfAVisibleFeatureIsDecoded() {
        List<String> decoded =
                simdRows().stream()
                        .map(row -> key(row.encoding(), row.mnemonic(), row.operands()))
                        .toList();
        List<String> bound =
                SimdTable.rows().stream()
                        .filter(row -> row.feature().equals(VISIBLE_FEATURE))
                        .map(SimdOpcodesTest::key)
                        .toList();
        assertThat(decoded).containsExactlyInAnyOrderElementsOf(bound);
    }

    private static List<OpcodeRow> simdRows() {
        return OpcodeTable.rows().stream().filter(row -> row.has(OpcodeRow.SIMD)).toList();
    }

    private static String key(SimdRow row) {
        return key(row.encoding(), row.mnemonic(), row.operands());
    }

    private static String key(String encoding, String mnemonic, List<?> operands) {
        return encoding + " " + mnemonic + " " + operands;
    }
}

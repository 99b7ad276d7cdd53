package org.xenolith.cpu.semantics.simd;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.xenolith.cpu.decode.OpcodeRow;
import org.xenolith.cpu.decode.OpcodeTable;

import java.util.stream.Stream;

class SimdTableTest {
    static Stream<OpcodeRow> everySimdRowOfTheDecoder() {
        return OpcodeTable.rows().stream().filter(row -> row.has(OpcodeRow.SIMD));
    }

    @ParameterizedTest
    @MethodSource("everySimdRowOfTheDecoder")
    void everySimdRowOfTheDecoderHasSemantics(OpcodeRow row) {
        assertThat(SimdTable.find(row.encoding(), row.mnemonic(), row.operands())).isNotNull();
    }

    @Test
    void noRowStandsTwice() {
        assertThat(SimdTable.rows()).extracting(SimdRow::key).doesNotHaveDuplicates();
    }

    @Test
    void everyRowIsBoundToAFunction() {
        assertThat(SimdTable.rows()).extracting(SimdRow::semantics).doesNotContainNull();
    }
}

package org.xenolith.cpu.decode;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

class OpcodeTableTest {
    private static final int MODRM_REGISTER = 0xc0;

    static List<OpcodeRow> everyOpcodeRow() {
        return OpcodeTable.rows();
    }

    static Stream<Arguments> everyRowOfEachCodeSize() {
        return Arrays.stream(CodeSize.values())
                .flatMap(
                        size ->
                                everyOpcodeRow().stream()
                                        .filter(row -> row.existsIn(size))
                                        .map(row -> Arguments.of(size, row)));
    }

    @ParameterizedTest
    @MethodSource("everyRowOfEachCodeSize")
    void everyRowIsWhatItsOwnEncodingDecodesTo(CodeSize size, OpcodeRow row) {
        Encoding encoding = Encoding.parse(row.encoding());
        Instruction instruction = new Instruction();
        Set<OpcodeRow> found = new HashSet<>();
        for (int mod : new int[] {0, MODRM_REGISTER}) {
            byte[] code = bytesOf(encoding, mod);
            int length = Decoder.decode(size, code, 0, code.length, instruction);
            assertThat(length).as("length").isPositive();
            found.add(instruction.row);
        }
        assertThat(found).contains(row);
    }

    @ParameterizedTest
    @EnumSource(CodeSize.class)
    void codeHasNoRowsOfTheOtherSize(CodeSize size) {
        for (OpcodeRow row : new OpcodeIndex(size).rows) {
            assertThat(row == null || row.existsIn(size)).as("%s in %s", row, size).isTrue();
        }
    }

    @Test
    void idsAreDense() {
        for (int id = 0; id < OpcodeTable.rows().size(); id++) {
            assertThat(OpcodeTable.rows().get(id).id()).isEqualTo(id);
        }
    }

    @Test
    void theRowsThatMayBeLockedAreThoseOfTheManual() {
        for (OpcodeRow row : OpcodeTable.rows()) {
            assertThat(row.has(OpcodeRow.LOCKABLE))
                    .as("%s %s %s", row.encoding(), row.mnemonic(), row.operands())
                    .isEqualTo(LockPrefix.isAllowed(row));
        }
    }

    @Test
    void noLineIsWrittenTwice() {
        Set<String> seen = new HashSet<>();
        for (OpcodeRow row : OpcodeTable.rows()) {
            assertThat(seen.add(row.encoding() + row.operands()))
                    .as("%s %s", row.encoding(), row.mnemonic())
                    .isTrue();
        }
    }

    @Test
    void immediatesOfTheEncodingAreThoseOfTheOperands() {
        for (OpcodeRow row : OpcodeTable.rows()) {
            assertThat(row.encoding().matches(".* (i[bwzv]|c[bz]|ap|o)( ib)?$"))
                    .as("%s %s %s", row.encoding(), row.mnemonic(), row.operands())
                    .isEqualTo(row.operands().stream().anyMatch(OpcodeTableTest::followsTheOpcode));
        }
    }

    private static boolean followsTheOpcode(Operand operand) {
        return switch (operand) {
            case IB, IBS, IW, IZ, IV, JB, JZ, AP, OB, OV -> true;
            default -> false;
        };
    }

    /**
     * The encoding, 90+r with the register that sets it apart from NOP, and room for what follows.
     */
    private static byte[] bytesOf(Encoding encoding, int mod) {
        ByteArrayOutputStream code = new ByteArrayOutputStream();
        switch (encoding.prefix()) {
            case Encoding.P66 -> code.write(0x66);
            case Encoding.F3 -> code.write(0xf3);
            case Encoding.F2 -> code.write(0xf2);
            default -> {}
        }
        if (encoding.rexW()) {
            code.write(0x48);
        }
        switch (encoding.opcode() & ~0xff) {
            case Encoding.MAP_0F -> code.write(0x0f);
            case Encoding.MAP_0F38 -> code.writeBytes(new byte[] {0x0f, 0x38});
            case Encoding.MAP_0F3A -> code.writeBytes(new byte[] {0x0f, 0x3a});
            default -> {}
        }
        code.write(encoding.opcode() + encoding.opcodes() - 1);
        switch (encoding.modRm()) {
            case ABSENT -> {}
            case OPERANDS_ONLY, REG -> code.write(mod | encoding.lastModRm() << 3);
            case WHOLE -> code.write(encoding.firstModRm());
        }
        code.writeBytes(new byte[Decoder.MAX_LENGTH]);
        return code.toByteArray();
    }
}

package org.xenolith.cpu.decode;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.HexFormat;

/** 32-bit code: what differs from 64-bit mode. */
class CompatibilityDecoderTest {
    private final Instruction instruction = new Instruction();

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "06 | push es",
                "0e | push cs",
                "16 | push ss",
                "1e | push ds",
                "07 | pop es",
                "17 | pop ss",
                "1f | pop ds",
                "27 | daa",
                "2f | das",
                "37 | aaa",
                "3f | aas",
                "40 | inc eax",
                "47 | inc edi",
                "66 41 | inc cx",
                "48 | dec eax",
                "4f | dec edi",
                "66 4b | dec bx",
                "60 | pusha",
                "66 60 | pushaw",
                "61 | popa",
                "66 61 | popaw",
                "62 08 | bound ecx,QWORD PTR [eax]",
                "66 62 08 | bound cx,DWORD PTR [eax]",
                "63 ca | arpl dx,cx",
                "63 08 | arpl WORD PTR [eax],cx",
                "82 c3 05 | add bl,0x5",
                "82 08 ff | or BYTE PTR [eax],0xff",
                "82 d1 01 | adc cl,0x1",
                "82 d9 01 | sbb cl,0x1",
                "82 e1 01 | and cl,0x1",
                "82 e9 01 | sub cl,0x1",
                "82 f1 01 | xor cl,0x1",
                "82 f9 01 | cmp cl,0x1",
                "9a 78 56 34 92 23 00 | call 0x23:0x92345678",
                "66 9a 34 92 23 00 | call 0x23:0x9234",
                "ea 78 56 34 92 33 80 | jmp 0x8033:0x92345678",
                "66 ea 34 12 33 00 | jmp 0x33:0x1234",
                "c4 08 | les ecx,FWORD PTR [eax]",
                "66 c4 08 | les cx,DWORD PTR [eax]",
                "c5 08 | lds ecx,FWORD PTR [eax]",
                "ce | into",
                "d4 0a | aam 0xa",
                "d5 10 | aad 0x10",
                "d6 | salc",
            })
    void instructionsThat64BitModeHasNot(String bytes, String text) {
        decode(bytes);
        assertThat(Disassembler.disassemble(instruction, 0)).isEqualTo(text);
        assertThat(instruction.row.existsIn(CodeSize.CODE_64)).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "c4 c0", // VEX
                "c5 c0",
                "62 c0", // EVEX
                "0f 01 f8", // swapgs
                "f3 0f ae c0", // rdfsbase
                "f3 0f ae c8",
                "f3 0f ae d0",
                "f3 0f ae d8",
                "8c f0",
                "8f c8",
                "0f 0a",
                "f0 40", // lock inc eax
                "f0 63 08"
            })
    void undefinedHere(String bytes) {
        byte[] code = HexFormat.ofDelimiter(" ").parseHex(bytes + " 00".repeat(8));
        int length = Decoder.decode(CodeSize.CODE_32, code, 0, code.length, instruction);
        assertThat(instruction.row).as(bytes).isNull();
        assertThat(length).as("length of " + bytes).isPositive();
    }

    @Test
    void thereIsNoRex() {
        assertThat(decode("48").row.mnemonic()).as("REX.W").isEqualTo("dec");
        assertThat(instruction.length).isEqualTo(1);
        assertThat(decode("90").row.mnemonic()).isEqualTo("nop");
        assertThat(decode("91").row.mnemonic()).isEqualTo("xchg");
        assertThat(decode("88 e0").rex).as("mov al,ah").isZero();
    }

    @Test
    void operandsHave32BitsOr16() {
        assertThat(decode("89 d8").operandSize).isEqualTo(4);
        assertThat(decode("66 89 d8").operandSize).isEqualTo(2);
        assertThat(decode("50").operandSize).as("push").isEqualTo(4);
        assertThat(decode("66 50").operandSize).isEqualTo(2);
        assertThat(decode("c3").operandSize).as("ret").isEqualTo(4);
        assertThat(decode("c9").operandSize).as("leave").isEqualTo(4);
        assertThat(decode("ff d0").operandSize).as("call eax").isEqualTo(4);
        assertThat(decode("66 ff d0").operandSize).isEqualTo(2);
    }

    @Test
    void nearBranchesHaveOffsetsOfTheOperandSize() {
        assertThat(decode("e8 fe ff ff ff").immediate).isEqualTo(-2);
        assertThat(decode("66 e8 fe ff").immediate).isEqualTo(-2);
        assertThat(instruction.operandSize).isEqualTo(2);
        assertThat(decode("66 0f 84 01 80").immediate).isEqualTo(-0x7fff);
        assertThat(decode("66 74 fe").operandSize).as("IP is cut").isEqualTo(2);
    }

    @Test
    void branchTargetsWrapAtTheOperandSize() {
        decode("eb 10");
        assertThat(Disassembler.disassemble(instruction, 0xffff_fff8L)).isEqualTo("jmp 0xa");
        decode("66 e9 10 00");
        assertThat(Disassembler.disassemble(instruction, 0x1_fff8)).isEqualTo("jmp 0xc");
    }

    @Test
    void farPointersAreTwoImmediates() {
        decode("ea 78 56 34 92 33 80");
        assertThat(instruction.immediate).as("offset").isEqualTo(0x9234_5678L);
        assertThat(instruction.immediate2).as("selector").isEqualTo(0x8033);
        assertThat(instruction.memory).isFalse();
    }

    @Test
    void absoluteAddressesAreNotRelativeToEip() {
        decode("8b 05 00 00 60 ff");
        assertThat(instruction.ripRelative).isFalse();
        assertThat(instruction.memory).isTrue();
        assertThat(instruction.base).isEqualTo(Instruction.NO_REGISTER);
        assertThat(instruction.displacement).isEqualTo(0xffff_ffff_ff60_0000L);
    }

    @Test
    void moffsHaveTheAddressSize() {
        assertThat(decode("a1 78 56 34 92").displacement).isEqualTo(0x9234_5678L);
        assertThat(instruction.memory).isTrue();
        assertThat(decode("67 a1 78 96").displacement).isEqualTo(0x9678);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "67 8b 00 | [bx+si]",
                "67 8b 41 7f | [bx+di+0x7f]",
                "67 8b 82 34 12 | [bp+si+0x1234]",
                "67 8b 03 | [bp+di]",
                "67 8b 44 ff | [si-0x1]",
                "67 8b 05 | [di]",
                "67 8b 46 00 | [bp+0x0]",
                "67 8b 86 00 80 | [bp-0x8000]",
                "67 8b 06 34 92 | ds:0x9234",
                "67 8b 07 | [bx]",
            })
    void addressesOf16BitsAreFormedAsOnThe8086(String bytes, String address) {
        assertThat(decode(bytes).addressSize).isEqualTo(2);
        assertThat(Disassembler.disassemble(instruction, 0))
                .isEqualTo("mov eax,DWORD PTR " + address);
    }

    @Test
    void addressesOf16BitsHaveRegistersOfTheFile() {
        decode("67 8b 42 10");
        assertThat(instruction.base).as("BP").isEqualTo(5);
        assertThat(instruction.index).as("SI").isEqualTo(6);
        assertThat(instruction.scale).isZero();
        assertThat(instruction.displacement).isEqualTo(0x10);
        decode("67 8b 07");
        assertThat(instruction.base).as("BX").isEqualTo(3);
        assertThat(instruction.index).isEqualTo(Instruction.NO_REGISTER);
    }

    @Test
    void everySegmentOverrideCountsAndTheLastWins() {
        assertThat(segment("26 8b 00")).isEqualTo(Instruction.ES);
        assertThat(segment("2e 8b 00")).isEqualTo(Instruction.CS);
        assertThat(segment("36 8b 00")).isEqualTo(Instruction.SS);
        assertThat(segment("3e 8b 45 00")).isEqualTo(Instruction.DS);
        assertThat(segment("64 8b 00")).isEqualTo(Instruction.FS);
        assertThat(segment("65 8b 00")).isEqualTo(Instruction.GS);
        assertThat(segment("65 3e 8b 00")).isEqualTo(Instruction.DS);
        assertThat(segment("65 a1 00 00 00 00")).as("moffs").isEqualTo(Instruction.GS);
        assertThat(segment("26 a4")).as("movs").isEqualTo(Instruction.ES);
        assertThat(instruction.segmentOverride).isTrue();
    }

    @Test
    void withoutOverrideTheBaseRegisterDecides() {
        assertThat(segment("8b 00")).as("[eax]").isEqualTo(Instruction.DS);
        assertThat(segment("8b 45 00")).as("[ebp+0]").isEqualTo(Instruction.SS);
        assertThat(segment("8b 04 24")).as("[esp]").isEqualTo(Instruction.SS);
        assertThat(segment("8b 44 05 00")).as("[ebp+eax+0]").isEqualTo(Instruction.SS);
        assertThat(segment("8b 04 28")).as("[eax+ebp]").isEqualTo(Instruction.DS);
        assertThat(segment("8b 05 00 00 00 00")).as("[disp32]").isEqualTo(Instruction.DS);
        assertThat(segment("8b 04 25 00 00 00 00")).as("SIB").isEqualTo(Instruction.DS);
        assertThat(segment("67 8b 42 00")).as("[bp+si+0]").isEqualTo(Instruction.SS);
        assertThat(segment("67 8b 46 00")).as("[bp+0]").isEqualTo(Instruction.SS);
        assertThat(segment("67 8b 06 00 00")).as("[disp16]").isEqualTo(Instruction.DS);
        assertThat(segment("67 8b 00")).as("[bx+si]").isEqualTo(Instruction.DS);
        assertThat(segment("a1 00 00 00 00")).as("moffs").isEqualTo(Instruction.DS);
        assertThat(segment("a4")).as("movs").isEqualTo(Instruction.DS);
        assertThat(instruction.segmentOverride).isFalse();
    }

    @Test
    void nothingIsLeftOverFromTheInstructionBefore() {
        decode("f0 65 66 83 84 88 44 33 22 11 77");
        decode("c3");
        assertThat(instruction)
                .usingRecursiveComparison()
                .isEqualTo(new CompatibilityDecoderTest().decode("c3"));
    }

    @Test
    void theCodeSizeIsThatOfTheDecodingBefore() {
        byte[] code = {(byte) 0x3e, (byte) 0x8b, 0x00};
        assertThat(decode("3e 8b 00").code32).isTrue();
        Decoder.decode(CodeSize.CODE_64, code, 0, code.length, instruction);
        assertThat(instruction.code32).isFalse();
        assertThat(instruction.segmentOverride).isFalse();
        assertThat(Disassembler.disassemble(instruction, 0)).isEqualTo("mov eax,DWORD PTR [rax]");
    }

    @Test
    void copiesWithAnotherAddressStay32BitCode() {
        Instruction copy = decode("67 8b 46 00").withAddress(7, instruction.segment);
        assertThat(copy.code32).isTrue();
        assertThat(copy.segment).isEqualTo(Instruction.SS);
    }

    private int segment(String bytes) {
        return decode(bytes).segment;
    }

    private Instruction decode(String bytes) {
        byte[] code = HexFormat.ofDelimiter(" ").parseHex(bytes);
        int length = Decoder.decode(CodeSize.CODE_32, code, 0, code.length, instruction);
        assertThat(length).as("length of " + bytes).isEqualTo(code.length);
        assertThat(instruction.row).as("row of " + bytes).isNotNull();
        assertThat(instruction.length).isEqualTo(length);
        return instruction;
    }
}

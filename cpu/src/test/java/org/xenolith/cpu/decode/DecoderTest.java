package org.xenolith.cpu.decode;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.HexFormat;

class DecoderTest {
    private final Instruction instruction = new Instruction();

    @Test
    void operandSizePrefixMakesWords() {
        assertThat(decode("66 89 d8").operandSize).as("mov ax,bx").isEqualTo(2);
    }

    @Test
    void rexWBeatsTheOperandSizePrefix() {
        assertThat(decode("66 48 89 d8").operandSize).as("mov rax,rbx").isEqualTo(8);
    }

    @Test
    void rexCountsOnlyDirectlyBeforeTheOpcode() {
        decode("48 66 89 d8");
        assertThat(instruction.rex).isZero();
        assertThat(instruction.operandSize).isEqualTo(2);
    }

    @Test
    void theLastOfTwoRexPrefixesCounts() {
        decode("48 41 89 d8");
        assertThat(instruction.rex).isEqualTo(0x41);
        assertThat(instruction.rm).isEqualTo(8);
        assertThat(instruction.operandSize).isEqualTo(4);
    }

    @Test
    void rexExtendsEachRegisterField() {
        decode("4f 8b 44 c8 10");
        assertThat(instruction.reg).as("reg with REX.R").isEqualTo(8);
        assertThat(instruction.base).as("base with REX.B").isEqualTo(8);
        assertThat(instruction.index).as("index with REX.X").isEqualTo(9);
        assertThat(instruction.scale).isEqualTo(3);
        assertThat(instruction.displacement).isEqualTo(0x10);
    }

    @Test
    void rspIsNoIndexButR12Is() {
        assertThat(decode("8b 04 24").index).as("[rsp]").isEqualTo(Instruction.NO_REGISTER);
        assertThat(decode("42 8b 04 24").index).as("[rsp+r12]").isEqualTo(12);
    }

    @Test
    void r13AndRbpAsBaseNeedADisplacement() {
        decode("41 8b 45 00");
        assertThat(instruction.base).isEqualTo(13);
        assertThat(instruction.ripRelative).isFalse();
        decode("41 8b 05 04 00 00 00");
        assertThat(instruction.ripRelative).as("mod 0, rm 5 with REX.B").isTrue();
        assertThat(instruction.base).isEqualTo(Instruction.NO_REGISTER);
    }

    @Test
    void absoluteAddressTakesASibByteWithoutBase() {
        decode("8b 04 25 00 00 60 ff");
        assertThat(instruction.memory).isTrue();
        assertThat(instruction.ripRelative).isFalse();
        assertThat(instruction.base).isEqualTo(Instruction.NO_REGISTER);
        assertThat(instruction.index).isEqualTo(Instruction.NO_REGISTER);
        assertThat(instruction.displacement).isEqualTo(0xffff_ffff_ff60_0000L);
    }

    @Test
    void ripRelativeDisplacementIsTheEncodedOneAlsoBeforeAnImmediate() {
        decode("48 c7 05 10 00 00 00 ff ff ff ff");
        assertThat(instruction.ripRelative).isTrue();
        assertThat(instruction.displacement).isEqualTo(0x10);
        assertThat(instruction.immediate).as("sign-extended imm32").isEqualTo(-1);
    }

    @Test
    void addressSizePrefixShortensAddresses() {
        assertThat(decode("67 8b 00").addressSize).isEqualTo(4);
        decode("67 a1 78 56 34 92");
        assertThat(instruction.displacement).as("moffs32").isEqualTo(0x9234_5678L);
    }

    @Test
    void moffsIsAMemoryOperandWithoutRegisters() {
        decode("48 a1 88 77 66 55 44 33 22 11");
        assertThat(instruction.memory).isTrue();
        assertThat(instruction.base).isEqualTo(Instruction.NO_REGISTER);
        assertThat(instruction.index).isEqualTo(Instruction.NO_REGISTER);
        assertThat(instruction.displacement).isEqualTo(0x1122_3344_5566_7788L);
    }

    @Test
    void onlyFsAndGsOverrideTheSegment() {
        assertThat(decode("64 8b 00").segment).isEqualTo(Instruction.FS);
        assertThat(decode("65 8b 00").segment).isEqualTo(Instruction.GS);
        assertThat(decode("64 65 8b 00").segment).as("the last one").isEqualTo(Instruction.GS);
        assertThat(decode("2e 8b 00").segment).as("CS").isEqualTo(Instruction.NO_REGISTER);
        assertThat(decode("65 3e 8b 00").segment).as("GS, then DS").isEqualTo(Instruction.GS);
    }

    @Test
    void notrackJumpIsAJump() {
        assertThat(decode("3e ff e0").row.mnemonic()).isEqualTo("jmp");
    }

    @Test
    void immediatesExtendAsTheirOperandCodeSays() {
        assertThat(decode("83 c0 ff").immediate).as("IBS").isEqualTo(-1);
        assertThat(decode("c0 e0 ff").immediate).as("IB").isEqualTo(0xff);
        assertThat(decode("c2 f0 ff").immediate).as("IW").isEqualTo(0xfff0);
        assertThat(decode("b8 ff ff ff ff").immediate).as("IV").isEqualTo(0xffff_ffffL);
        assertThat(decode("66 81 c0 00 80").immediate).as("IZ, word").isEqualTo(-0x8000);
        assertThat(decode("48 b8 88 77 66 55 44 33 22 91").immediate)
                .as("IV, quadword")
                .isEqualTo(0x9122_3344_5566_7788L);
    }

    @Test
    void enterHasTwoImmediates() {
        decode("c8 10 00 02");
        assertThat(instruction.immediate).isEqualTo(0x10);
        assertThat(instruction.immediate2).isEqualTo(2);
    }

    @Test
    void nearBranchIgnoresTheOperandSizePrefix() {
        decode("66 e9 78 56 34 12");
        assertThat(instruction.operandSize).isEqualTo(8);
        assertThat(instruction.immediate).isEqualTo(0x1234_5678);
    }

    @Test
    void pushIs64BitUnlessPrefixed() {
        assertThat(decode("50").operandSize).isEqualTo(8);
        assertThat(decode("66 50").operandSize).isEqualTo(2);
        assertThat(decode("66 68 34 12").immediate).as("push imm16").isEqualTo(0x1234);
    }

    @Test
    void opcodeRegisterTakesRexB() {
        assertThat(decode("41 57").rm).as("push r15").isEqualTo(15);
        assertThat(decode("49 0f c8").rm).as("bswap r8").isEqualTo(8);
    }

    @Test
    void nopIsNoExchangeUnlessRexBNamesR8() {
        assertThat(decode("90").row.mnemonic()).isEqualTo("nop");
        assertThat(decode("48 90").row.mnemonic()).isEqualTo("nop");
        assertThat(decode("f3 90").row.mnemonic()).isEqualTo("pause");
        assertThat(decode("41 90").row.mnemonic()).isEqualTo("xchg");
        assertThat(instruction.rm).isEqualTo(8);
    }

    @Test
    void mandatoryPrefixesSelectAndTheLastRepeatBeatsAll() {
        assertThat(decode("0f 10 c1").row.mnemonic()).isEqualTo("movups");
        assertThat(decode("66 0f 10 c1").row.mnemonic()).isEqualTo("movupd");
        assertThat(decode("66 f3 0f 10 c1").row.mnemonic()).isEqualTo("movss");
        assertThat(decode("f2 66 0f 10 c1").row.mnemonic()).isEqualTo("movsd");
        assertThat(decode("f3 f2 0f 10 c1").row.mnemonic()).isEqualTo("movsd");
        assertThat(decode("f2 f3 0f 10 c1").row.mnemonic()).isEqualTo("movss");
    }

    @Test
    void rexWSelectsTheWideForm() {
        assertThat(decode("0f c7 0f").row.mnemonic()).isEqualTo("cmpxchg8b");
        assertThat(decode("48 0f c7 0f").row.mnemonic()).isEqualTo("cmpxchg16b");
        assertThat(decode("66 48 0f 6e c0").row.mnemonic()).isEqualTo("movq");
    }

    @Test
    void bitCountsThatTheProcessorLacksAreBitScans() {
        assertThat(decode("f3 0f bc c1").row.mnemonic()).as("tzcnt").isEqualTo("bsf");
        assertThat(decode("f3 0f bd c1").row.mnemonic()).as("lzcnt").isEqualTo("bsr");
    }

    @Test
    void shadowStackHintsAreNoOperations() {
        assertThat(decode("f3 0f 1e fa").row.mnemonic()).isEqualTo("endbr64");
        assertThat(decode("f3 48 0f 1e c8").row.mnemonic()).as("rdsspq").isEqualTo("nop");
        assertThat(decode("66 2e 0f 1f 84 00 00 00 00 00").row.mnemonic()).isEqualTo("nop");
    }

    @Test
    void controlRegistersAreMovedToRegistersWhateverModSays() {
        decode("0f 20 18");
        assertThat(instruction.row.mnemonic()).isEqualTo("mov");
        assertThat(instruction.memory).isFalse();
        assertThat(instruction.reg).isEqualTo(3);
    }

    @Test
    void lockNeedsALockableInstructionWithAMemoryDestination() {
        assertThat(decode("f0 48 01 00").row.mnemonic()).isEqualTo("add");
        assertThat(instruction.lock).isTrue();
        assertThat(decode("f0 87 00").row.mnemonic()).isEqualTo("xchg");
        assertUndefined("f0 48 01 c0"); // register destination
        assertUndefined("f0 48 03 00"); // memory is the source
        assertUndefined("f0 39 00"); // cmp writes nothing
        assertUndefined("f0 89 00"); // mov
        assertUndefined("f0 90");
    }

    /** The processor fetches all of it before it finds that it cannot be locked. */
    @Test
    void anInstructionThatCannotBeLockedIsReadToItsEndAllTheSame() {
        assertUndefined("f0 05 11 22 33 44"); // add eax, imm32
        assertUndefined("f0 81 b9 11 22 33 44 55 66 77 88"); // cmp dword [rcx + disp32], imm32
        assertThat(decodeSome("f0 05 11 22 33", 5)).isEqualTo(Decoder.NEED_MORE);
        assertThat(decodeSome("f0 81 b9 11 22 33 44 55 66 77", 10)).isEqualTo(Decoder.NEED_MORE);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "06",
                "27",
                "9a",
                "ea",
                "c4",
                "c5",
                "62",
                "d6",
                "82", // gone in 64-bit mode, VEX, EVEX
                "0f 0a",
                "0f 0f",
                "0f 24",
                "0f 36",
                "0f 38 0c",
                "0f 3a 0e",
                "f3 0f 38 f0 00", // CRC32 is F2, MOVBE none or 66
                "0f 38 f0 c0", // MOVBE with a register
                "0f 01 d0",
                "0f 01 ca",
                "0f 01 cb",
                "0f 01 c1", // xgetbv, clac, stac, vmcall
                "0f c7 f8",
                "0f ae 20",
                "0f c7 e0", // rdseed, xsave
                "8e c8",
                "8c f0",
                "8f c8",
                "c6 c8",
                "ff f8",
                "fe d0",
                "0f ba c0",
                "8d c0"
            })
    void whatTheGuestsProcessorLacksIsUndefined(String bytes) {
        assertUndefined(bytes);
    }

    @Test
    void undefinedNeedsNoByteBehindTheOneThatShowsIt() {
        assertThat(decodeSome("0f 0a", 2)).isEqualTo(2);
        assertThat(instruction.row).isNull();
        assertThat(decodeSome("ff fc 25", 2)).isEqualTo(2);
        assertThat(instruction.row).isNull();
    }

    @Test
    void fifteenBytesAreDecodedAndSixteenAreTooLong() {
        String fourteenPrefixes = "66 ".repeat(14);
        assertThat(decodeSome(fourteenPrefixes + "90 00 00", 17)).isEqualTo(15);
        assertThat(decodeSome("66 " + fourteenPrefixes + "90 00", 17)).isEqualTo(Decoder.TOO_LONG);
        assertThat(decodeSome("66 " + fourteenPrefixes, 15)).isEqualTo(Decoder.TOO_LONG);
        assertThat(decodeSome(fourteenPrefixes, 14)).isEqualTo(Decoder.NEED_MORE);
        assertThat(decodeSome("66 ".repeat(8) + "48 c7 05 00 00 00 00 00 00 00 00", 19))
                .isEqualTo(Decoder.TOO_LONG);
    }

    @Test
    void nothingIsLeftOverFromTheInstructionBefore() {
        decode("f0 65 66 83 84 88 44 33 22 11 77");
        decode("c3");
        assertThat(instruction)
                .usingRecursiveComparison()
                .ignoringFields("row")
                .isEqualTo(new DecoderTest().decode("c3"));
    }

    private Instruction decode(String bytes) {
        byte[] code = HexFormat.ofDelimiter(" ").parseHex(bytes);
        int length = Decoder.decode(code, 0, code.length, instruction);
        assertThat(length).as("length of " + bytes).isEqualTo(code.length);
        assertThat(instruction.row).as("row of " + bytes).isNotNull();
        assertThat(instruction.length).isEqualTo(length);
        return instruction;
    }

    private int decodeSome(String bytes, int available) {
        return Decoder.decode(
                HexFormat.ofDelimiter(" ").parseHex(bytes.strip()), 0, available, instruction);
    }

    private void assertUndefined(String bytes) {
        byte[] code = HexFormat.ofDelimiter(" ").parseHex(bytes + " 00".repeat(8));
        int length = Decoder.decode(code, 0, code.length, instruction);
        assertThat(instruction.row).as(bytes).isNull();
        assertThat(length).as("length of " + bytes).isPositive();
    }
}

package org.xenolith.cpu.decode;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/**
 * One line of the survey {@code isa-usage.tsv}: an instruction form that existing software uses.
 *
 * @param kind int, sys, priv, x87, sse, sse2 or bmi
 * @param mnemonic as disassemblers print it, behind {@code lock} or {@code rep} where it was seen
 *     so
 * @param operands kinds and widths in bits: r64, m8, imm32, rel8, xmm
 */
record SurveyedForm(String kind, String mnemonic, List<String> operands) {
    /** Disassembler's name on the left, the table's on the right. */
    private static final Map<String, String> ROW_NAMES =
            Map.ofEntries(
                    Map.entry("movabs", "mov"),
                    Map.entry("cdqe", "cbw"),
                    Map.entry("cwde", "cbw"),
                    Map.entry("cdq", "cwd"),
                    Map.entry("cqo", "cwd"),
                    Map.entry("iretq", "iret"),
                    Map.entry("retfq", "retf"),
                    Map.entry("pushfq", "pushf"),
                    Map.entry("popfq", "popf"),
                    Map.entry("tzcnt", "bsf"),
                    Map.entry("wait", "fwait"),
                    Map.entry("sysretq", "sysret"));

    static List<SurveyedForm> readAll() {
        try (InputStream resource = SurveyedForm.class.getResourceAsStream("isa-usage.tsv")) {
            return new String(resource.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> !line.startsWith("#"))
                    .map(SurveyedForm::parse)
                    .toList();
        } catch (IOException e) {
            throw new IllegalStateException("isa-usage.tsv cannot be read", e);
        }
    }

    private static SurveyedForm parse(String line) {
        String[] columns = line.split("\t");
        List<String> operands = columns[2].equals("-") ? List.of() : List.of(columns[2].split(","));
        return new SurveyedForm(columns[0], columns[1], operands);
    }

    /** The name without prefixes. */
    String bareMnemonic() {
        return mnemonic.substring(mnemonic.indexOf(' ') + 1);
    }

    boolean isCoveredBy(OpcodeRow row) {
        return row.mnemonic().equals(rowName()) && flagsFit(row) && operandsFit(row);
    }

    /** The name that the table gives the mnemonic. */
    private String rowName() {
        String bare = bareMnemonic();
        boolean string = kind.equals("int") && bare.matches("(movs|stos|lods|scas|cmps)[bwdq]");
        if (string) {
            return bare.substring(0, 4);
        }
        if (bare.matches("cmp(eq|lt|le|unord|neq|nlt|nle|ord)[ps][sd]")) {
            return "cmp" + bare.substring(bare.length() - 2);
        }
        return ROW_NAMES.getOrDefault(bare, bare);
    }

    private boolean flagsFit(OpcodeRow row) {
        if (mnemonic.startsWith("lock ")) {
            return row.has(OpcodeRow.LOCKABLE);
        }
        return !mnemonic.startsWith("rep ") || row.has(OpcodeRow.REP);
    }

    private boolean operandsFit(OpcodeRow row) {
        boolean predicateInName = row.mnemonic().matches("cmp[ps][sd]") && operands.size() == 2;
        int expected = row.operands().size() - (predicateInName ? 1 : 0);
        if (operands.size() != expected) {
            return false;
        }
        for (int i = 0; i < expected; i++) {
            if (!fits(operands.get(i), row.operands().get(i))) {
                return false;
            }
        }
        return true;
    }

    private static boolean fits(String operand, Operand code) {
        return switch (code) {
            case EB -> isOneOf(operand, "r8", "m8");
            case EW -> isOneOf(operand, "r16", "m16");
            case ED -> isOneOf(operand, "r32", "m32");
            case EV -> isOneOf(operand, "r16", "r32", "r64", "m16", "m32", "m64");
            case EY -> isOneOf(operand, "r32", "r64", "m32", "m64");
            case EQ -> isOneOf(operand, "r64", "m64");
            case GB, ZB, AL, CL -> operand.equals("r8");
            case GW, DX -> operand.equals("r16");
            case GD, RD -> operand.equals("r32");
            case GV, ZV, RV, RAX -> isOneOf(operand, "r16", "r32", "r64");
            case GY, RY -> isOneOf(operand, "r32", "r64");
            case ZQ, RQ -> operand.equals("r64");
            case M, MP, MA -> operand.startsWith("m");
            case MB, XB, YB, OB -> operand.equals("m8");
            case MW -> operand.equals("m16");
            case MD -> operand.equals("m32");
            case MQ -> operand.equals("m64");
            case MV, XV, YV, OV -> isOneOf(operand, "m16", "m32", "m64");
            case MY -> isOneOf(operand, "m32", "m64");
            case MX -> operand.equals("m128");
            case IB, IBS, ONE -> operand.equals("imm8");
            case IW -> operand.equals("imm16");
            case IZ -> isOneOf(operand, "imm16", "imm32");
            case IV -> isOneOf(operand, "imm16", "imm32", "imm64");
            case JB -> operand.equals("rel8");
            case JZ -> operand.equals("rel32");
            case SW, ES, CS, SS, DS, FS, GS -> operand.equals("sreg");
            case AP -> operand.startsWith("ptr");
            case CD -> operand.startsWith("cr");
            case DD -> operand.startsWith("dr");
            case PQ, NQ -> operand.equals("mm");
            case QD -> isOneOf(operand, "mm", "m32");
            case QQ -> isOneOf(operand, "mm", "m64");
            case VX, VSS, VSD, VD, VQ, UX, UQ, XMM0 -> operand.equals("xmm");
            case WX -> isOneOf(operand, "xmm", "m128");
            case WW -> isOneOf(operand, "xmm", "m16");
            case WSS, WD -> isOneOf(operand, "xmm", "m32");
            case WSD, WQ -> isOneOf(operand, "xmm", "m64");
        };
    }

    private static boolean isOneOf(String operand, String... accepted) {
        return List.of(accepted).contains(operand);
    }
}

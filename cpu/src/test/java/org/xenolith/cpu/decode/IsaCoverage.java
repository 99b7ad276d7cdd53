package org.xenolith.cpu.decode;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** Writes docs/isa-coverage.md: what software uses, what the tables hold, what raises #UD. */
final class IsaCoverage {
    private static final String INTRODUCTION =
            """
            # Instruction coverage

            <!-- Made by IsaCoverage from the opcode tables; a test fails when it is stale. Do not edit. -->

            The survey lists each instruction form that a Debian kernel, BusyBox, bash, Python, gcc and a web
            server with its database contain or execute. Guests see an x86-64-v2 processor (SSE3, SSSE3, SSE4.1,
            SSE4.2, POPCNT, CMPXCHG16B) with MOVBE, AES, PCLMULQDQ, SHA, RDRAND, RDTSCP and FSGSBASE: CPUID hides the
            rest, and what is hidden raises #UD.
            """;

    /** Features hidden from guests, each with one of its instructions. */
    static final Map<String, String> HIDDEN = hiddenFeatures();

    private final List<SurveyedForm> survey = SurveyedForm.readAll();
    private final Map<SurveyedForm, Set<String>> encodings = new LinkedHashMap<>();

    IsaCoverage() {
        survey.forEach(form -> encodings.put(form, encodingsOf(form)));
    }

    String page() {
        StringBuilder page = new StringBuilder(INTRODUCTION);
        page.append("\n## Summary\n\n").append(summary());
        page.append("\n## In use, without a row\n\n").append(list(missing()));
        page.append("\n## Hidden from guests: #UD\n\n").append(hidden());
        page.append("\n## In use\n\n").append(inUse());
        page.append("\n## Known beyond the survey\n\n").append(beyond());
        page.append("\n## In 32-bit code only\n\n");
        page.append(listOf(OpcodeRow.INVALID_64));
        page.append("\n## In 64-bit mode only\n\n");
        page.append(listOf(OpcodeRow.ONLY_64));
        return page.toString();
    }

    /** Forms of the survey that no row covers. */
    List<String> missing() {
        return survey.stream()
                .filter(form -> encodings.get(form).isEmpty())
                .map(form -> form.mnemonic() + " " + String.join(",", form.operands()))
                .toList();
    }

    private Set<String> encodingsOf(SurveyedForm form) {
        Set<String> found = new LinkedHashSet<>();
        for (OpcodeRow row : rowsOf64BitMode()) {
            if (form.isCoveredBy(row)) {
                found.add(row.encoding());
            }
            if (row.has(OpcodeRow.ESCAPE)) {
                found.addAll(x87Encodings(form, row));
            }
        }
        return found;
    }

    /** Escape opcodes are named by the disassembler: ask it about each ModRM byte. */
    private static Set<String> x87Encodings(SurveyedForm form, OpcodeRow row) {
        Set<String> found = new LinkedHashSet<>();
        int opcode = Encoding.parse(row.encoding()).opcode();
        Instruction instruction = new Instruction();
        for (int modRm = 0; modRm < 256; modRm++) {
            byte[] code = new byte[Decoder.MAX_LENGTH];
            code[0] = (byte) opcode;
            code[1] = (byte) modRm;
            Decoder.decode(code, 0, code.length, instruction);
            if (isX87Form(form, instruction)) {
                found.add(
                        instruction.memory || !form.operands().isEmpty()
                                ? "%02X /%d".formatted(opcode, modRm >>> 3 & 7)
                                : "%02X %02X".formatted(opcode, modRm));
            }
        }
        return found;
    }

    private static boolean isX87Form(SurveyedForm form, Instruction instruction) {
        String text = Disassembler.disassemble(instruction, 0);
        String[] words = text.split(" ");
        if (!words[0].equals(form.mnemonic())) {
            return false;
        }
        if (form.operands().isEmpty()) {
            return words.length == 1;
        }
        String width =
                switch (words[1]) {
                    case "WORD" -> "m16";
                    case "DWORD" -> "m32";
                    case "QWORD" -> "m64";
                    case "TBYTE" -> "m80";
                    default -> "st";
                };
        return form.operands().getFirst().equals(width);
    }

    private String summary() {
        StringBuilder table = new StringBuilder("| class | forms in use | with a row | #UD |\n");
        table.append("|---|---:|---:|---:|\n");
        Map<String, List<SurveyedForm>> byKind =
                survey.stream()
                        .collect(
                                Collectors.groupingBy(
                                        SurveyedForm::kind, TreeMap::new, Collectors.toList()));
        byKind.forEach((kind, forms) -> table.append(summaryLine(kind, forms)));
        return table.append(summaryLine("all", survey))
                .append("\nThe tables hold ")
                .append(OpcodeTable.rows().size())
                .append(" rows, ")
                .append(OpcodeTable.rows().size() - rowsOf64BitMode().size())
                .append(" of them for 32-bit code only.\n")
                .toString();
    }

    private String summaryLine(String kind, Collection<SurveyedForm> forms) {
        long covered = forms.stream().filter(form -> !encodings.get(form).isEmpty()).count();
        return "| %s | %d | %d | %d |\n"
                .formatted(kind, forms.size(), covered, forms.size() - covered);
    }

    private static String hidden() {
        StringBuilder table = new StringBuilder("| feature | for example |\n|---|---|\n");
        HIDDEN.forEach(
                (feature, example) -> table.append("| %s | `%s` |\n".formatted(feature, example)));
        return table.toString();
    }

    private String inUse() {
        Map<String, List<SurveyedForm>> byMnemonic =
                survey.stream()
                        .collect(
                                Collectors.groupingBy(
                                        SurveyedForm::mnemonic, TreeMap::new, Collectors.toList()));
        StringBuilder table = new StringBuilder("| mnemonic | forms | rows |\n|---|---|---|\n");
        byMnemonic.forEach((mnemonic, forms) -> table.append(inUseLine(mnemonic, forms)));
        return table.toString();
    }

    private String inUseLine(String mnemonic, List<SurveyedForm> forms) {
        Set<String> rows = new LinkedHashSet<>();
        forms.forEach(form -> rows.addAll(encodings.get(form)));
        String operands =
                forms.stream()
                        .map(form -> String.join(",", form.operands()))
                        .collect(Collectors.joining("; "));
        String found = rows.isEmpty() ? "#UD" : "`" + String.join("`, `", rows) + "`";
        return "| %s | %s | %s |\n".formatted(mnemonic, operands, found);
    }

    private String beyond() {
        Set<String> used = new TreeSet<>();
        encodings.values().forEach(used::addAll);
        Set<String> others = new TreeSet<>();
        for (OpcodeRow row : rowsOf64BitMode()) {
            if (!used.contains(row.encoding()) && !row.has(OpcodeRow.ESCAPE)) {
                others.add(nameOf(row));
            }
        }
        return list(new ArrayList<>(others));
    }

    private static List<OpcodeRow> rowsOf64BitMode() {
        return OpcodeTable.rows().stream().filter(row -> row.existsIn(CodeSize.CODE_64)).toList();
    }

    private static String listOf(int flag) {
        return list(
                OpcodeTable.rows().stream()
                        .filter(row -> row.has(flag))
                        .map(IsaCoverage::nameOf)
                        .sorted()
                        .toList());
    }

    private static String nameOf(OpcodeRow row) {
        return row.mnemonic() + " (" + row.encoding() + ")";
    }

    private static String list(List<String> items) {
        return items.isEmpty() ? "None.\n" : String.join(", ", items) + ".\n";
    }

    private static Map<String, String> hiddenFeatures() {
        Map<String, String> hidden = new LinkedHashMap<>();
        hidden.put("VAES, VPCLMULQDQ (VEX)", "C4 E2 75 DC C2 vaesenc");
        hidden.put("GFNI", "66 0F 38 CF C1 gf2p8mulb");
        hidden.put("AVX, AVX2, FMA, BMI1, BMI2 (VEX)", "C5 F8 77 vzeroupper");
        hidden.put("AVX-512 (EVEX)", "62 F1 7C 48 10 C1 vmovups");
        hidden.put("3DNow!", "0F 0E femms");
        hidden.put("ADX", "66 0F 38 F6 C1 adcx");
        hidden.put("XSAVE", "0F 01 D0 xgetbv");
        hidden.put("SMAP", "0F 01 CA clac");
        hidden.put("RDSEED", "0F C7 F8 rdseed");
        hidden.put("RDPID", "F3 0F C7 F8 rdpid");
        hidden.put("INVPCID", "66 0F 38 82 01 invpcid");
        hidden.put("PKU", "0F 01 EE rdpkru");
        hidden.put("RTM", "0F 01 D5 xend");
        hidden.put("CLFLUSHOPT, CLWB", "66 0F AE 39 clflushopt");
        hidden.put("VMX, SVM", "0F 01 C1 vmcall");
        hidden.put("SGX", "0F 01 CF encls");
        hidden.put("SERIALIZE", "0F 01 E8 serialize");
        hidden.put("WAITPKG", "66 0F AE F1 tpause");
        return hidden;
    }
}

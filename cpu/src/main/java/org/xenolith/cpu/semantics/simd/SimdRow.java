package org.xenolith.cpu.semantics.simd;

import java.util.List;
import java.util.regex.Pattern;

/**
 * One encoding and what it computes.
 *
 * @param encoding as in {@link org.xenolith.cpu.decode.OpcodeRow}, e.g. {@code "66 0F FE /r"}
 * @param operands operand codes, destination first, e.g. {@code VX}, {@code WX}
 * @param feature the processor feature it belongs to, under its name in Linux's /proc/cpuinfo
 */
public record SimdRow(String encoding, String mnemonic, List<String> operands, String feature) {
    private static final Pattern GAP = Pattern.compile(" {2,}");

    /** Reads a line of three columns, two blanks or more apart: encoding, mnemonic, operands. */
    static SimdRow parse(String line, String feature) {
        String[] columns = GAP.split(line);
        List<String> operands =
                columns[2].equals("-") ? List.of() : List.of(columns[2].split(", "));
        return new SimdRow(columns[0], columns[1], operands, feature);
    }

    /** What it computes. */
    public Semantics semantics() {
        return SimdTable.semantics(this);
    }

    /**
     * What sets the row's form apart from the mnemonic's others: {@code .imm} a shift by an
     * immediate, {@code .mmx} MMX registers, {@code .store} memory as destination, {@code .load}
     * memory alone as source; else empty.
     */
    String form() {
        if (operands.size() == 2 && operands.getLast().equals("IB")) {
            return ".imm";
        }
        if (operands.stream().anyMatch(operand -> "PN".indexOf(operand.charAt(0)) >= 0)) {
            return ".mmx";
        }
        if (operands.isEmpty() || operands.stream().noneMatch(SimdRow::isMemory)) {
            return "";
        }
        return isMemory(operands.getFirst()) ? ".store" : ".load";
    }

    private static boolean isMemory(String operand) {
        return operand.startsWith("M");
    }

    /** Names the row: encoding, mnemonic and operands. */
    public String key() {
        return key(encoding, mnemonic, operands);
    }

    static String key(String encoding, String mnemonic, List<?> operands) {
        StringBuilder key = new StringBuilder(encoding).append(' ').append(mnemonic);
        operands.forEach(operand -> key.append(' ').append(operand));
        return key.toString();
    }

    @Override
    public String toString() {
        return key();
    }
}

package org.xenolith.cpu.generate;

import java.util.List;
import java.util.Locale;

/**
 * A class of comparisons that have become one operation with the branch behind them.
 *
 * @param name of the comparison, as Java begins a class
 * @param compute what it makes of {@code a} and {@code b}
 * @param record what it records for whoever asks for flags
 * @param forms operand forms with their widths in bits
 * @param tests what Java asks to know whether the branch is taken, by condition; empty for a pair
 *     that nobody writes
 */
record FusedClass(
        String name, String compute, String record, List<String> forms, List<String> tests) {
    private static final String NEVER = "";

    static final List<FusedClass> ALL =
            List.of(
                    new FusedClass(
                            "Cmp",
                            "a - b",
                            "cpu.setFlags(Flags.SUB, a, b, result);",
                            List.of("RR64", "RR32", "RI64", "RI32", "RI8"),
                            List.of(
                                    NEVER,
                                    NEVER,
                                    "Long.compareUnsigned(a, b) < 0",
                                    "Long.compareUnsigned(a, b) >= 0",
                                    "a == b",
                                    "a != b",
                                    "Long.compareUnsigned(a, b) <= 0",
                                    "Long.compareUnsigned(a, b) > 0",
                                    "result < 0",
                                    "result >= 0",
                                    NEVER,
                                    NEVER,
                                    "a < b",
                                    "a >= b",
                                    "a <= b",
                                    "a > b")),
                    // CF and OF are clear after TEST.
                    new FusedClass(
                            "Test",
                            "a & b",
                            "cpu.setLogicFlags(result);",
                            List.of("RR64", "RR32", "RR8", "RI64", "RI32", "RI8"),
                            List.of(
                                    NEVER,
                                    NEVER,
                                    NEVER,
                                    NEVER,
                                    "result == 0",
                                    "result != 0",
                                    "result == 0",
                                    "result != 0",
                                    "result < 0",
                                    "result >= 0",
                                    NEVER,
                                    NEVER,
                                    "result < 0",
                                    "result >= 0",
                                    "result <= 0",
                                    "result > 0")));

    String source() {
        String imports = "import org.xenolith.cpu.Cpu;\n";
        if (record.contains("Flags.")) {
            imports += "import org.xenolith.cpu.semantics.Flags;\n";
        }
        StringBuilder members = new StringBuilder(factory());
        for (String form : forms) {
            members.append(factoryOf(form));
            for (int condition = 0; condition < tests.size(); condition++) {
                if (!tests.get(condition).equals(NEVER)) {
                    members.append(operation(form, condition));
                }
            }
        }
        return JavaText.file(
                imports,
                "{@code %s} and the branch behind it.".formatted(name.toLowerCase(Locale.ROOT)),
                "Fused" + name + "Ops",
                members.toString());
    }

    private String factory() {
        StringBuilder cases = new StringBuilder();
        for (String form : forms) {
            String label = form.equals(forms.getLast()) ? "default" : "case \"%s\"".formatted(form);
            cases.append("%s -> %s(condition, c, b);\n".formatted(label, lower(form)));
        }
        return """
        /** The pair for an operand form with its width, or null. */
        static Op create(String form, int condition, Binding c, Binding b) {
            return switch (form) {
        %s    };
        }

        """
                .formatted(cases.toString().indent(8));
    }

    private String factoryOf(String form) {
        StringBuilder cases = new StringBuilder();
        for (int condition = 0; condition < tests.size(); condition++) {
            if (!tests.get(condition).equals(NEVER)) {
                cases.append(
                        "case %d -> new %s(c, b);\n"
                                .formatted(condition, className(form, condition)));
            }
        }
        return """
        private static Op %s(int condition, Binding c, Binding b) {
            return switch (condition) {
        %s        default -> null;
            };
        }

        """
                .formatted(lower(form), cases.toString().indent(8));
    }

    private String operation(String form, int condition) {
        Width width = form.endsWith("64") ? Width.Q : form.endsWith("32") ? Width.L : Width.B;
        String body =
                """
                long[] r = cpu.r;
                long a = %s;
                long b = %s;
                long result = %s;
                %s
                return %s ? taken(cpu) : notTaken(cpu);
                """
                        .formatted(
                                width.register("dst"),
                                source(form, width),
                                isDifference() ? width.narrow(compute) : compute,
                                record,
                                tests.get(condition));
        return JavaText.operation(
                className(form, condition), "FusedBranch", "Binding c, Binding b", "c, b", body);
    }

    /** TEST of two byte registers is fused only where both are the same one. */
    private static String source(String form, Width width) {
        if (form.startsWith("RI")) {
            return "immediate";
        }
        return form.equals("RR8") ? "a" : width.register("src");
    }

    /** Two operands of a width have no more bits in common than each has; a difference may. */
    private boolean isDifference() {
        return compute.contains("-");
    }

    private static String className(String form, int condition) {
        return form + "J" + Conditions.NAMES[condition];
    }

    private static String lower(String form) {
        return form.toLowerCase(Locale.ROOT);
    }
}

package org.xenolith.cpu.generate;

/** The class of conditional branches and moves. The opcode's low four bits are the condition. */
final class Conditions {
    /** The ends of mnemonics, by condition. SDM vol. 2, appendix B, table B-10. */
    static final String[] NAMES = {
        "o", "no", "b", "ae", "e", "ne", "be", "a", "s", "ns", "p", "np", "l", "ge", "le", "g"
    };

    private static final String IMPORTS =
            """
            import org.xenolith.cpu.Cpu;
            import org.xenolith.cpu.semantics.Flags;
            """;

    private Conditions() {}

    static String source() {
        StringBuilder members = new StringBuilder();
        members.append(factory("branch", "J")).append(factory("move", "Cmov"));
        for (int condition = 0; condition < NAMES.length; condition++) {
            String test = test(condition);
            members.append(
                    operation(
                            "J" + NAMES[condition],
                            "Branch",
                            "return %s ? taken(cpu) : notTaken(cpu);\n".formatted(test)));
            members.append(
                    operation(
                            "Cmov" + NAMES[condition],
                            "ConditionalMove",
                            "return move(cpu, %s);\n".formatted(test)));
        }
        return JavaText.file(
                IMPORTS,
                "Conditional branches and moves, a class for each condition.",
                "ConditionOps",
                members.toString());
    }

    private static String operation(String name, String parent, String body) {
        return JavaText.operation(name, parent, "Binding b", "b", body);
    }

    private static String factory(String what, String prefix) {
        StringBuilder cases = new StringBuilder();
        int last = NAMES.length - 1;
        for (int condition = 0; condition < last; condition++) {
            cases.append("case %d -> new %s(b);\n".formatted(condition, prefix + NAMES[condition]));
        }
        cases.append("default -> new %s(b);\n".formatted(prefix + NAMES[last]));
        return """
        /** Conditional %s; {@code condition} as in the opcode's low four bits. */
        static Op %s(int condition, Binding b) {
            return switch (condition) {
        %s    };
        }

        """
                .formatted(what, what, cases.toString().indent(8));
    }

    /** Odd conditions are the negation of those before them. */
    private static String test(int condition) {
        String all = "(cpu.flagRule, cpu.flagA, cpu.flagB, cpu.flagResult, cpu.flagReady)";
        String some = "(cpu.flagRule, cpu.flagResult, cpu.flagReady)";
        String test =
                switch (condition >> 1) {
                    case 0 -> "Flags.overflow" + all;
                    case 1 -> "Flags.below" + all;
                    case 2 -> "Flags.zero" + some;
                    case 3 -> "Flags.belowOrEqual" + all;
                    case 4 -> "Flags.sign" + some;
                    case 5 -> "Flags.parity" + some;
                    case 6 -> "Flags.less" + all;
                    default -> "Flags.lessOrEqual" + all;
                };
        return (condition & 1) == 0 ? test : "!" + test;
    }
}

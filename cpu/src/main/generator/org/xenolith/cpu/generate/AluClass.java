package org.xenolith.cpu.generate;

import java.util.List;
import java.util.Locale;

/**
 * A class of all operand forms and widths of one arithmetic or logic operation.
 *
 * @param name of the instruction, as Java begins a class
 * @param method of {@code org.xenolith.cpu.semantics.Alu} that computes the result
 * @param flags what is recorded of it
 * @param writes whether it keeps its result
 */
record AluClass(String name, String method, Flags flags, boolean writes) {
    /** What an operation records for whoever asks for flags. */
    enum Flags {
        SUM,
        DIFFERENCE,
        LOGIC,
        /** A sum or difference that takes the carry in, and has a rule for either value of it. */
        SUM_WITH_CARRY,
        DIFFERENCE_WITH_CARRY;

        boolean takesCarry() {
            return this == SUM_WITH_CARRY || this == DIFFERENCE_WITH_CARRY;
        }

        boolean isPlain() {
            return this == SUM || this == DIFFERENCE;
        }

        String record() {
            return switch (this) {
                case SUM -> "cpu.setFlags(Flags.ADD, a, b, result);";
                case DIFFERENCE -> "cpu.setFlags(Flags.SUB, a, b, result);";
                case LOGIC -> "cpu.setLogicFlags(result);";
                case SUM_WITH_CARRY -> "cpu.setFlags(Alu.ruleOfAdc(carry), a, b, result);";
                case DIFFERENCE_WITH_CARRY -> "cpu.setFlags(Alu.ruleOfSbb(carry), a, b, result);";
            };
        }
    }

    static final List<AluClass> ALL =
            List.of(
                    new AluClass("Add", "add", Flags.SUM, true),
                    new AluClass("Or", "or", Flags.LOGIC, true),
                    new AluClass("Adc", "adc", Flags.SUM_WITH_CARRY, true),
                    new AluClass("Sbb", "sbb", Flags.DIFFERENCE_WITH_CARRY, true),
                    new AluClass("And", "and", Flags.LOGIC, true),
                    new AluClass("Sub", "sub", Flags.DIFFERENCE, true),
                    new AluClass("Xor", "xor", Flags.LOGIC, true),
                    new AluClass("Cmp", "sub", Flags.DIFFERENCE, false),
                    new AluClass("Test", "and", Flags.LOGIC, false));

    private static final String IMPORTS =
            """
            import org.xenolith.cpu.Cpu;
            import org.xenolith.cpu.mmu.Mmu;
            import org.xenolith.cpu.semantics.Alu;
            """;

    String source() {
        String imports =
                flags.isPlain() ? IMPORTS + "import org.xenolith.cpu.semantics.Flags;\n" : IMPORTS;
        StringBuilder members = new StringBuilder(factory());
        for (Form form : Form.values()) {
            for (Width width : Width.values()) {
                members.append(operation(form, width, true));
                if (hasSilentForm(form, width)) {
                    members.append(operation(form, width, false));
                }
            }
        }
        String javadoc =
                "{@code %s} in every operand form and width."
                        .formatted(name.toLowerCase(Locale.ROOT));
        return JavaText.file(imports, javadoc, name + "Ops", members.toString());
    }

    /**
     * Where nobody reads the flags of a 32 or 64-bit result in a register, they are not recorded.
     * ADD and SUB of a constant are then a {@code RegisterMove}.
     */
    private boolean hasSilentForm(Form form, Width width) {
        return writes
                && !flags.takesCarry()
                && form.writesRegister()
                && !(form == Form.RI && flags.isPlain())
                && (width == Width.L || width == Width.Q);
    }

    private static String className(Form form, Width width, boolean records) {
        return form.name() + width.bits + (records ? "" : "Silent");
    }

    private String factory() {
        StringBuilder forms = new StringBuilder();
        for (Form form : Form.values()) {
            StringBuilder widths = new StringBuilder();
            for (Width width : List.of(Width.W, Width.L, Width.Q)) {
                widths.append("case %d -> %s;\n".formatted(width.bits, choice(form, width)));
            }
            widths.append("default -> %s;\n".formatted(choice(form, Width.B)));
            forms.append(
                    """
                    case %s ->
                            switch (bits) {
                    %s        };
                    """
                            .formatted(form, widths.toString().indent(12)));
        }
        return """
        /** The operation for a form and a width in bits. */
        static Op create(OperandForm form, int bits, Binding b) {
            return switch (form) {
        %s    };
        }

        """
                .formatted(forms.toString().indent(8));
    }

    private String choice(Form form, Width width) {
        String recording = "new %s(b)".formatted(className(form, width, true));
        return hasSilentForm(form, width)
                ? "b.flagsDead ? new %s(b) : %s".formatted(className(form, width, false), recording)
                : recording;
    }

    private String operation(Form form, Width width, boolean records) {
        StringBuilder body = new StringBuilder("long[] r = cpu.r;\n");
        if (form.usesMemory()) {
            body.append("Mmu mmu = cpu.mmu();\nlong vaddr = vaddr(r);\n");
        }
        if (writes && !form.writesRegister()) {
            body.append("mmu.checkUpdate(vaddr, %d);\n".formatted(width.bits / 8));
        }
        body.append("long a = %s;\n".formatted(form.readDestination(width)));
        body.append("long b = %s;\n".formatted(form.readSource(width)));
        if (flags.takesCarry()) {
            body.append("int carry = cpu.carry();\n");
        }
        String call = "Alu.%s(a, b%s)".formatted(method, flags.takesCarry() ? ", carry" : "");
        body.append("long result = %s;\n".formatted(width.narrow(call)));
        if (writes) {
            body.append(form.write(width, "result")).append('\n');
        }
        if (records) {
            body.append(flags.record()).append('\n');
        }
        body.append("return next;\n");
        return JavaText.operation(
                className(form, width, records), form.parent, "Binding b", "b", body.toString());
    }
}

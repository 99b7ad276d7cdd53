package org.xenolith.cpu.generate;

/** What all generated files have in common. */
final class JavaText {
    private static final String HEADER = "// Written by org.xenolith.cpu.generate.OpGenerator.\n";

    private JavaText() {}

    /** A file with one class that nobody can make an instance of. */
    static String file(String imports, String javadoc, String name, String members) {
        return HEADER
                + """
                package org.xenolith.cpu.interp;

                %s
                /** %s */
                final class %s {
                    private %s() {}

                %s}
                """
                        .formatted(imports, javadoc, name, name, indented(members.stripTrailing()));
    }

    private static String indented(String members) {
        return members.indent(4).replaceAll("(?m)^ +$", "");
    }

    /**
     * An operation.
     *
     * @param fields what its constructor takes and hands on, such as {@code Binding b}
     * @param arguments the same without types
     * @param body of {@code execute}
     */
    static String operation(
            String name, String parent, String fields, String arguments, String body) {
        return """
        private static final class %s extends %s {
            %s(%s) {
                super(%s);
            }

            @Override
            public Op execute(Cpu cpu) {
        %s    }
        }

        """
                .formatted(name, parent, name, fields, arguments, body.indent(8));
    }
}

package org.xenolith.cpu.generate;

/** Where the operands of an operation are: destination and source. */
enum Form {
    RR("RegisterRegister", "dst", "src"),
    RM("RegisterMemory", "dst", null),
    MR("MemoryRegister", null, "reg"),
    RI("RegisterImmediate", "dst", null),
    MI("MemoryImmediate", null, null);

    /** The class of {@code OperandForm} that holds such operands. */
    final String parent;

    private final String destination;
    private final String source;

    Form(String parent, String destination, String source) {
        this.parent = "OperandForm." + parent;
        this.destination = destination;
        this.source = source;
    }

    boolean writesRegister() {
        return destination != null;
    }

    boolean usesMemory() {
        return this == RM || !writesRegister();
    }

    boolean isImmediate() {
        return this == RI || this == MI;
    }

    String readDestination(Width width) {
        return writesRegister() ? width.register(destination) : width.load();
    }

    String readSource(Width width) {
        if (isImmediate()) {
            return "immediate";
        }
        return source == null ? width.load() : width.register(source);
    }

    String write(Width width, String value) {
        return writesRegister() ? width.setRegister(destination, value) : width.store(value);
    }
}

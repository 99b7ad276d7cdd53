package org.xenolith.cpu.generate;

/** The width of an operand, and how Java reads, narrows and writes it. */
enum Width {
    B(8),
    W(16),
    L(32),
    Q(64);

    final int bits;

    Width(int bits) {
        this.bits = bits;
    }

    /** The value of the register whose number stands in a field of the operation. */
    String register(String field) {
        return switch (this) {
            case Q -> "r[%s]".formatted(field);
            case L -> "(int) r[%s]".formatted(field);
            case W -> "(short) r[%s]".formatted(field);
            case B -> "(byte) (r[%s] >> %sShift)".formatted(field, field);
        };
    }

    String setRegister(String field, String value) {
        return switch (this) {
            case Q -> "r[%s] = %s;".formatted(field, value);
            case L -> "r[%s] = %s & Registers.LOW_32;".formatted(field, value);
            case W -> "Registers.set16(r, %s, %s);".formatted(field, value);
            case B -> "Registers.set8(r, %s, %sShift, %s);".formatted(field, field, value);
        };
    }

    String load() {
        return switch (this) {
            case Q -> "mmu.read64(vaddr)";
            case L -> "mmu.read32(vaddr)";
            case W -> "(short) mmu.read16(vaddr)";
            case B -> "(byte) mmu.read8(vaddr)";
        };
    }

    String store(String value) {
        return this == Q
                ? "mmu.write64(vaddr, %s);".formatted(value)
                : "mmu.write%d(vaddr, (int) %s);".formatted(bits, value);
    }

    /** An expression of type long, cut to this width and extended by its sign. */
    String narrow(String expression) {
        return switch (this) {
            case Q -> expression;
            case L -> "(int) (%s)".formatted(expression);
            case W -> "(short) (%s)".formatted(expression);
            case B -> "(byte) (%s)".formatted(expression);
        };
    }
}

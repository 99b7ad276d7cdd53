package org.xenolith.cpu.translate;

import org.xenolith.cpu.interp.Translator;

/** How a guest's code is executed. */
public enum Tier {
    /** Everything in the interpreter. */
    INTERP,
    /** What runs often is translated; one translator serves all guests of the process. */
    JIT;

    private static final class Shared {
        private static final Jit JIT = new Jit(Jit.Policy.NORMAL);
    }

    /** What a guest gets that asks for nothing. */
    public static Tier standard() {
        return INTERP;
    }

    /**
     * What to hand to {@link org.xenolith.cpu.interp.CodeCache#translateWith}.
     *
     * @return null for none
     */
    public Translator translator() {
        return this == INTERP ? null : Shared.JIT;
    }

    /** The translator's counters, or null without one. */
    public Jit jit() {
        return this == INTERP ? null : Shared.JIT;
    }
}

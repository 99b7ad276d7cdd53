package org.xenolith.cpu.translate;

import org.xenolith.cpu.interp.Translator;

/** How a guest's code is executed. */
public enum Tier {
    /** Everything in the interpreter. */
    INTERP,
    /** What runs often is translated; one translator serves all guests of the process. */
    JIT,
    /** As JIT, and translated code is compared with the interpreter now and then. One vCPU. */
    VERIFY;

    private static final class Shared {
        private static final Jit JIT = new Jit(Jit.Policy.NORMAL);
    }

    private static final class Verifying {
        private static final Jit JIT = new Jit(Jit.Policy.VERIFYING);
    }

    /** What a guest gets that asks for nothing. */
    public static Tier standard() {
        return JIT;
    }

    /**
     * What to hand to {@link org.xenolith.cpu.interp.CodeCache#translateWith}, before vCPUs are
     * made.
     *
     * @return null for none
     */
    public Translator translator() {
        return jit();
    }

    /** The translator and its counters, or null without one. */
    public Jit jit() {
        return switch (this) {
            case INTERP -> null;
            case JIT -> Shared.JIT;
            case VERIFY -> Verifying.JIT;
        };
    }
}

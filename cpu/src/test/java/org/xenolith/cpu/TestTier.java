package org.xenolith.cpu;

import org.xenolith.cpu.interp.Translator;
import org.xenolith.cpu.translate.Jit;

/**
 * How code of a test runs. The suites run twice in a build, the second time with {@code
 * -Dxenolith.tier=EVERYTHING}.
 */
public enum TestTier {
    /** In the interpreter only. */
    INTERPRETER(null),
    /** Translated when hot, as a guest's. */
    HOT(new Jit(Jit.Policy.NORMAL)),
    /** Translated before it runs for the first time, where there is a translation. */
    EVERYTHING(new Jit(Jit.Policy.EVERYTHING)),
    /** As EVERYTHING, in the form of units whose floating point is rarely quick. */
    EXACT(new Jit(Jit.Policy.EVERYTHING_EXACT)),
    /**
     * Translated when it runs for the second time: places where a run only stopped are not. Units
     * are shared, as those of guests are.
     */
    REPEATED(new Jit(new Jit.Policy(1, 1_000_000, true, 200, 0, false, 1_000))),
    /** As EVERYTHING, and compared with the interpreter each time. */
    VERIFIED(new Jit(Jit.Policy.EVERYTHING_VERIFIED));

    private final Jit jit;

    TestTier(Jit jit) {
        this.jit = jit;
    }

    public static TestTier ofTests() {
        return valueOf(System.getProperty("xenolith.tier", "INTERPRETER"));
    }

    public Translator translator() {
        return jit;
    }

    public Jit jit() {
        return jit;
    }
}

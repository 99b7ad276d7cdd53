package org.xenolith.core.machine;

/** What has to be closed together. */
final class Closing {
    private Closing() {}

    /**
     * Runs each step, whatever becomes of those before it.
     *
     * @param owner whose steps they are
     * @throws IllegalStateException when all had their turn, if one of them threw something; it has
     *     what others threw, too
     */
    static void all(String owner, Iterable<? extends Runnable> steps) {
        IllegalStateException failure = null;
        for (Runnable step : steps) {
            try {
                step.run();
            } catch (RuntimeException | Error e) {
                if (failure == null) {
                    failure =
                            new IllegalStateException(
                                    "a part of " + owner + " stays open: " + e, e);
                } else {
                    failure.addSuppressed(e);
                }
            }
        }
        if (failure != null) {
            throw failure;
        }
    }
}

package org.xenolith.core.image.debian;

import org.junit.jupiter.api.Assumptions;
import org.xenolith.core.image.ImageException;

/** The real LAMP image for tests, cached outside the repository as for any user. */
public final class LampInput {
    private LampInput() {}

    /**
     * Builds it, which takes minutes, or takes it from the cache. Where it cannot be had the test
     * is skipped with the reason; on a build server ({@code CI=true}) it fails.
     */
    public static LampImage.Input orSkip() {
        try {
            return LampImage.prepare(Progress.NONE);
        } catch (ImageException e) {
            if ("true".equals(System.getenv("CI"))) {
                throw new AssertionError("CI needs the LAMP image: " + e.getMessage(), e);
            }
            return Assumptions.abort("SKIPPED, no LAMP image: " + e.getMessage());
        }
    }
}

package org.xenolith.core.image.debian;

import org.junit.jupiter.api.Assumptions;
import org.xenolith.core.image.ImageException;

/** The real Debian boot input for tests, cached outside the repository as for any user. */
public final class DebianInput {
    private DebianInput() {}

    /**
     * Fetches it, or takes it from the cache. Where it cannot be had the test is skipped with the
     * reason; on a build server ({@code CI=true}) it fails, so that nobody ships untested.
     */
    public static BootInput orSkip() {
        return orSkip(Progress.NONE);
    }

    static BootInput orSkip(Progress progress) {
        try {
            return DebianImage.prepare(progress);
        } catch (ImageException e) {
            if ("true".equals(System.getenv("CI"))) {
                throw new AssertionError("CI needs the Debian kernel: " + e.getMessage(), e);
            }
            return Assumptions.abort("SKIPPED, no Debian kernel: " + e.getMessage());
        }
    }
}

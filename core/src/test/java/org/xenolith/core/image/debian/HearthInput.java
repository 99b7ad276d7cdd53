package org.xenolith.core.image.debian;

import org.junit.jupiter.api.Assumptions;
import org.xenolith.core.image.ImageException;

import java.nio.file.Path;

/** hearth's initial RAM disk for tests, cached outside the repository as for any user. */
public final class HearthInput {
    private HearthInput() {}

    /**
     * Fetches BusyBox, or takes it from the cache. Where it cannot be had the test is skipped with
     * the reason; on a build server ({@code CI=true}) it fails, so that nobody ships untested.
     */
    public static Path orSkip() {
        try {
            return HearthImage.prepare(false, Progress.NONE);
        } catch (ImageException e) {
            if ("true".equals(System.getenv("CI"))) {
                throw new AssertionError("CI needs BusyBox: " + e.getMessage(), e);
            }
            return Assumptions.abort("SKIPPED, no BusyBox: " + e.getMessage());
        }
    }
}

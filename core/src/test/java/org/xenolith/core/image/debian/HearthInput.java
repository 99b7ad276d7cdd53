package org.xenolith.core.image.debian;

import org.xenolith.core.image.ImageException;
import org.xenolith.devices.host.HostNeeds;

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
            return HostNeeds.missing("BusyBox", e);
        }
    }
}

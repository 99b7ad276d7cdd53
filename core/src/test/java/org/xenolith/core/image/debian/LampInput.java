package org.xenolith.core.image.debian;

import org.xenolith.core.image.ImageException;
import org.xenolith.devices.host.HostNeeds;

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
            return HostNeeds.missing("the LAMP image", e);
        }
    }
}

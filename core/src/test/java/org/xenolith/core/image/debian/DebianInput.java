package org.xenolith.core.image.debian;

import org.xenolith.core.image.ImageException;
import org.xenolith.devices.host.HostNeeds;

import java.nio.file.Path;

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
        return orSkip(() -> DebianImage.prepare(progress));
    }

    /** The LAMP guest's initial RAM disk, of the same kernel; needs no LAMP image. */
    static Path lampInitrdOrSkip() {
        return orSkip(
                        () ->
                                DebianImage.ofThisUser(new LampInitramfs())
                                        .prepare(false, Progress.NONE))
                .initrd();
    }

    private interface Maker {
        BootInput make() throws ImageException;
    }

    private static BootInput orSkip(Maker maker) {
        try {
            return maker.make();
        } catch (ImageException e) {
            return HostNeeds.missing("the Debian kernel", e);
        }
    }
}

package org.xenolith.core.saved;

import org.xenolith.core.config.DiskSpec;

import java.nio.file.Path;
import java.util.Optional;

/**
 * A disk in a snapshot's configuration, as JSON has it: absent members are null, paths absolute.
 */
record DiskText(String file, String format, String device, boolean readOnly, String overlay) {
    static DiskText of(DiskSpec disk) {
        return new DiskText(
                absolute(disk.file()),
                disk.format().orElse(null),
                disk.device().orElse(null),
                disk.readOnly(),
                disk.overlay().map(DiskText::absolute).orElse(null));
    }

    /** Found from whatever folder the guest is restored in. */
    static String absolute(Path path) {
        return path.toAbsolutePath().normalize().toString();
    }

    DiskSpec toDisk() {
        return new DiskSpec(
                Path.of(file),
                Optional.ofNullable(format),
                Optional.ofNullable(device),
                readOnly,
                false,
                Optional.ofNullable(overlay).map(Path::of));
    }
}

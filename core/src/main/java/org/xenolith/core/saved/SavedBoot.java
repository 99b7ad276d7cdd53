package org.xenolith.core.saved;

import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.boot.EventActions;
import org.xenolith.core.disk.BootDisk;

import java.nio.file.Path;
import java.util.Optional;

/**
 * How a saved guest starts anew when it reboots after it was restored. Files are named, not
 * contained: what they hold at that time is what starts.
 *
 * @param kernel {@link BootOptions#UNKNOWN_KERNEL} with a disk, as are initrd and command line
 * @param disk that all three are read from at each start
 */
public record SavedBoot(
        Path kernel,
        Optional<Path> initrd,
        String commandLine,
        Optional<BootDisk> disk,
        EventActions actions) {
    /** Empty for a guest of which that is not known. */
    static Optional<SavedBoot> of(BootOptions options) {
        if (!options.isBootable()) {
            return Optional.empty();
        }
        return Optional.of(
                options.bootDisk()
                        .map(disk -> of(disk, options.actions()))
                        .orElseGet(
                                () ->
                                        new SavedBoot(
                                                options.kernel(),
                                                options.initrd(),
                                                options.commandLine(),
                                                Optional.empty(),
                                                options.actions())));
    }

    static SavedBoot of(BootDisk disk, EventActions actions) {
        return new SavedBoot(
                BootOptions.UNKNOWN_KERNEL, Optional.empty(), "", Optional.of(disk), actions);
    }

    void addTo(BootOptions.Builder options) {
        options.kernel(kernel).initrd(initrd).commandLine(commandLine).bootDisk(disk);
    }
}

package org.xenolith.core.saved;

import org.xenolith.core.boot.EventActions;
import org.xenolith.core.config.GuestConfig.Action;
import org.xenolith.core.disk.BootDisk;

import java.nio.file.Path;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;

/**
 * A {@link SavedBoot} in a snapshot's configuration, as JSON has it: absent members are null, paths
 * absolute.
 *
 * @param kernel null when {@code disk} is there
 * @param initrd with a disk: in the place of the disk's
 * @param commandLine with a disk: what follows the disk's
 */
record BootText(
        String kernel,
        DiskText disk,
        String initrd,
        String commandLine,
        String onPoweroff,
        String onReboot,
        String onCrash) {
    static BootText of(SavedBoot boot) {
        Optional<BootDisk> disk = boot.disk();
        return new BootText(
                disk.isPresent() ? null : DiskText.absolute(boot.kernel()),
                disk.map(BootDisk::disk).map(DiskText::of).orElse(null),
                disk.map(BootDisk::initrd)
                        .orElse(boot.initrd())
                        .map(DiskText::absolute)
                        .orElse(null),
                disk.map(BootDisk::arguments).orElse(boot.commandLine()),
                text(boot.actions().onPoweroff()),
                text(boot.actions().onReboot()),
                text(boot.actions().onCrash()));
    }

    private static String text(Action action) {
        return action.name().toLowerCase(Locale.ROOT);
    }

    /**
     * @throws IllegalArgumentException when a member is none of ours
     * @throws NullPointerException when one is missing
     */
    SavedBoot toBoot() {
        if (disk != null && kernel != null) {
            throw new IllegalArgumentException("a kernel and a disk");
        }
        EventActions actions =
                new EventActions(action(onPoweroff), action(onReboot), action(onCrash));
        Optional<Path> file = Optional.ofNullable(initrd).map(Path::of);
        String line = Objects.requireNonNull(commandLine);
        return disk == null
                ? new SavedBoot(Path.of(kernel), file, line, Optional.empty(), actions)
                : SavedBoot.of(new BootDisk(disk.toDisk(), file, line), actions);
    }

    private static Action action(String text) {
        return Action.valueOf(text.toUpperCase(Locale.ROOT));
    }
}

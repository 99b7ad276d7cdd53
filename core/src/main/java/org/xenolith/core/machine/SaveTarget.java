package org.xenolith.core.machine;

import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.disk.BootDisk;
import org.xenolith.core.snapshot.SnapshotException;
import org.xenolith.core.snapshot.SnapshotWriter;
import org.xenolith.devices.block.DiskImage;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Which files a guest may be saved to: none that a guest still needs. */
final class SaveTarget {
    private final Host host;

    SaveTarget(Host host) {
        this.host = host;
    }

    /**
     * @throws SnapshotException when saving would replace what is no file, a disk that is open, or
     *     what a guest of the host boots when it starts again
     */
    void require(Path file) throws IOException {
        Path target = SnapshotWriter.targetOf(file);
        if (!Files.exists(target)) {
            return;
        }
        if (DiskImage.isInUse(target)) {
            throw new SnapshotException(file + " is a disk that is in use");
        }
        for (Guest guest : host.guestsAndThoseBeingMade()) {
            for (Path needed : bootFiles(guest.options())) {
                if (Files.exists(needed) && Files.isSameFile(needed, target)) {
                    throw new SnapshotException(
                            "%s is what the guest '%s' boots".formatted(file, guest.name()));
                }
            }
        }
    }

    private static List<Path> bootFiles(BootOptions options) {
        List<Path> files = new ArrayList<>();
        if (options.isBootable()) {
            files.add(options.kernel());
        }
        options.initrd().ifPresent(files::add);
        options.bootDisk().flatMap(BootDisk::initrd).ifPresent(files::add);
        options.bootDisk().map(disk -> disk.disk().file()).ifPresent(files::add);
        return files;
    }
}

package org.xenolith.core.machine;

import org.xenolith.core.backend.DiskName;
import org.xenolith.core.boot.BootFailed;
import org.xenolith.core.config.DiskSpec;
import org.xenolith.devices.block.BlockImage;
import org.xenolith.devices.block.DiskImage;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The disks of a copied guest: each with what the guest that it is a copy of has written to its
 * own, since both remember that. The latter stands still, its disks settled.
 */
final class ForkedDisks implements DeviceAttacher.Disks {
    private final Guest parent;
    private final Map<DiskName, DiskSpec> originals;

    /** Overlays that were made. */
    private final List<Path> made = new ArrayList<>();

    ForkedDisks(Guest parent) {
        this.parent = parent;
        originals = DeviceAttacher.named(parent.options().devices().disks());
    }

    /**
     * @throws BootFailed when the copy would write to the same file, or has another disk there
     */
    @Override
    public BlockImage open(DiskName name, DiskSpec disk) throws IOException {
        DiskSpec original = originals.get(name);
        if (original == null || !Files.isSameFile(original.file(), disk.file())) {
            throw new BootFailed(
                    "Its disk %s is not the one that %s has".formatted(name.name(), parent.name()));
        }
        if (disk.readOnly() && original.readOnly()) {
            return DeviceAttacher.open(disk);
        }
        if (disk.ephemeral() && original.ephemeral()) {
            return DiskImage.copyEphemeral(
                    parent.devices().image(name).orElseThrow(),
                    disk.file(),
                    disk.imageFormat(),
                    DeviceAttacher.scratchFolder(disk));
        }
        if (disk.overlay().isPresent() && original.overlay().isPresent()) {
            copy(original.overlay().get(), disk.overlay().get());
            return DeviceAttacher.open(disk);
        }
        throw new BootFailed(
                "The disk %s cannot be copied: %s and its copies need an overlay of their own each, or"
                                .formatted(name.name(), parent.name())
                        + " forget what they write");
    }

    private void copy(Path overlay, Path copy) throws IOException {
        try {
            DiskImage.copyFile(overlay, copy);
            made.add(copy);
        } catch (FileAlreadyExistsException e) {
            throw new BootFailed(
                    copy + " is there already: a copy of a guest begins with that guest's disk", e);
        }
    }

    /** The copy comes to nothing: its disks hold nothing of its own. */
    void remove() {
        for (Path overlay : made) {
            try {
                Files.delete(overlay);
            } catch (IOException e) {
                parent.report("the disk of a copy that failed stays: " + FileSentence.of(e));
            }
        }
        made.clear();
    }
}

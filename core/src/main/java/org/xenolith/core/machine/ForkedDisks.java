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
        requireSame(name, original, disk);
        if (disk.ephemeral() && keepsApart(original)) {
            return DiskImage.copyView(
                    image(name),
                    disk.file(),
                    disk.imageFormat(),
                    DeviceAttacher.scratchFolder(disk));
        }
        if (disk.overlay().isPresent() && keepsApart(original)) {
            if (!isReadTogether(original, disk)) {
                copy(name, original, disk.overlay().get());
            }
            return DeviceAttacher.open(disk);
        }
        if (isReadTogether(original, disk)) {
            return DeviceAttacher.open(disk);
        }
        throw new BootFailed(
                "The disk %s cannot be copied: %s and its copies need an overlay of their own each, or"
                                .formatted(name.name(), parent.name())
                        + " forget what they write");
    }

    /** Read by the copy in another format it would be another disk, whatever file it is. */
    private void requireSame(DiskName name, DiskSpec original, DiskSpec disk) throws IOException {
        if (original == null
                || !original.format().equals(disk.format())
                || !Files.isSameFile(original.file(), disk.file())) {
            throw new BootFailed(
                    "Its disk %s is not the one that %s has".formatted(name.name(), parent.name()));
        }
    }

    /** Whether what is written does not go to the file that others may have too. */
    private static boolean keepsApart(DiskSpec disk) {
        return disk.ephemeral() || disk.overlay().isPresent();
    }

    /** Whether both read the same files and nobody writes to them. */
    private static boolean isReadTogether(DiskSpec original, DiskSpec disk) {
        return disk.readOnly()
                && original.readOnly()
                && !disk.ephemeral()
                && !original.ephemeral()
                && disk.overlay().equals(original.overlay());
    }

    private BlockImage image(DiskName name) {
        return parent.devices().image(name).orElseThrow();
    }

    private void copy(DiskName name, DiskSpec original, Path copy) throws IOException {
        try {
            if (original.overlay().isPresent()) {
                DiskImage.copyFile(original.overlay().get(), copy);
            } else {
                DiskImage.saveView(image(name), original.file(), original.imageFormat(), copy);
            }
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

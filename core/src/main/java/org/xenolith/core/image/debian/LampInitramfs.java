package org.xenolith.core.image.debian;

import org.xenolith.core.image.Initramfs;
import org.xenolith.guests.LampRecipe;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * The initial RAM disk of the LAMP guest: BusyBox, the drivers of disk and network, an /init that
 * mounts the disk. BusyBox has no links to its commands here, since each would be a file for the
 * guest's kernel to unpack.
 */
final class LampInitramfs implements InitramfsRecipe {
    /** The virtio ones are for the same image on another machine, for comparison. */
    private static final List<String> MODULES =
            List.of("xen-blkfront", "xen-netfront", "virtio_pci", "virtio_blk", "virtio_net");

    /** Raise it when anything but the script changes, so that cached archives are remade. */
    private static final int FORMAT = 3;

    @Override
    public String version() throws IOException {
        return "lamp-" + InitramfsRecipe.digest(FORMAT, List.of(LampRecipe.init()));
    }

    @Override
    public List<String> modules() {
        return MODULES;
    }

    @Override
    public String commandLine() {
        return LampImage.COMMAND_LINE;
    }

    @Override
    public Initramfs build(Path busybox, KernelModules modules) throws IOException {
        Initramfs initramfs = new Initramfs();
        for (String directory : List.of("dev", "proc", "sys", "mnt")) {
            initramfs.directory(directory);
        }
        // The kernel opens these before /init can mount a devtmpfs.
        initramfs.characterDevice("dev/console", 0600, 5, 1);
        initramfs.characterDevice("dev/null", 0666, 1, 3);
        initramfs.file("init", 0755, LampRecipe.init());
        initramfs.file("bin/busybox", 0755, Files.readAllBytes(busybox));
        initramfs.symlink("bin/sh", "busybox");
        modules.addTo(initramfs);
        return initramfs;
    }
}

package org.xenolith.core.image.debian;

import org.xenolith.core.image.Initramfs;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;

/**
 * Debian's kernel for a system that lies on a disk: the cached initial RAM disk with another /init,
 * which mounts {@code root=} and becomes the init found there.
 */
public final class HandOverInitramfs {
    private static final String SCRIPT = "hand-over";

    private HandOverInitramfs() {}

    /**
     * Writes the initial RAM disk.
     *
     * @param debian what it is made of: BusyBox and the kernel's modules come from there
     */
    public static void write(BootInput debian, Path target) throws IOException {
        try (InputStream script = HandOverInitramfs.class.getResourceAsStream(SCRIPT)) {
            // The kernel unpacks both archives; of two files of one path the later one stays.
            new Initramfs()
                    .file("init", 0755, script.readAllBytes())
                    .appendTo(debian.initrd(), target);
        }
    }
}

package org.xenolith.devices.filesystem;

import org.xenolith.devices.block.HostTool;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;

/** Makes file systems and partitions with the tools that everyone uses. */
final class DiskMaker {
    static final HostTool MKE2FS = new HostTool("mke2fs", "e2fsprogs");
    static final HostTool DEBUGFS = new HostTool("debugfs", "e2fsprogs");
    static final HostTool MKFS_FAT = new HostTool("mkfs.fat", "dosfstools");
    static final HostTool MCOPY = new HostTool("mcopy", "mtools");
    static final HostTool MMD = new HostTool("mmd", "mtools");
    static final HostTool SFDISK = new HostTool("sfdisk", "fdisk");
    static final HostTool SGDISK = new HostTool("sgdisk", "gdisk");

    private DiskMaker() {}

    /** A file of zeroes. */
    static Path empty(Path path, long sizeBytes) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.setLength(sizeBytes);
        }
        return path;
    }

    /** An ext file system with the content of a directory. */
    static Path ext(Path path, long sizeBytes, Path content, Object... options) throws IOException {
        Object[] arguments = new Object[options.length + 6];
        System.arraycopy(options, 0, arguments, 0, options.length);
        System.arraycopy(
                new Object[] {"-q", "-F", "-d", content, empty(path, sizeBytes), ""},
                0,
                arguments,
                options.length,
                6);
        arguments[arguments.length - 1] = sizeBytes / 1024 + "k";
        MKE2FS.run(arguments);
        return path;
    }

    /** Copies one file over a part of another. */
    static void paste(Path from, Path into, long offset) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(into.toFile(), "rw")) {
            file.seek(offset);
            file.write(Files.readAllBytes(from));
        }
    }

    static Path write(Path path, String text) throws IOException {
        Files.createDirectories(path.getParent());
        return Files.writeString(path, text);
    }
}

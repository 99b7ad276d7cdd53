package org.xenolith.core.machine;

import org.xenolith.core.image.debian.BootInput;
import org.xenolith.core.image.debian.HandOverInitramfs;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.stream.Stream;

/** A root file system for tests: Debian's BusyBox and a first process of a few lines. */
final class GuestRoot {
    /** Where the first partition starts, as partitioning tools have it since 2010. */
    static final long PARTITION_OFFSET = 1 << 20;

    private static final long SIZE = 96L << 20;

    private final Path directory;

    private GuestRoot(Path directory) {
        this.directory = directory;
    }

    /** With BusyBox out of the package that Debian's boot input was made of. */
    static GuestRoot with(BootInput debian, Path folder) throws Exception {
        HostTool.require("dpkg-deb");
        Path release = debian.kernel().getParent().getParent();
        Path unpacked = folder.resolve("busybox");
        try (DirectoryStream<Path> packages =
                Files.newDirectoryStream(release, "busybox-static_*.deb")) {
            HostTool.run("dpkg-deb", "-x", "" + packages.iterator().next(), "" + unpacked);
        }
        GuestRoot root = new GuestRoot(folder.resolve("root"));
        root.add("bin/busybox", busyboxBelow(unpacked));
        for (String mountPoint : new String[] {"dev", "proc", "sys"}) {
            Files.createDirectory(root.directory.resolve(mountPoint));
        }
        return root;
    }

    private static byte[] busyboxBelow(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(file -> file.endsWith("bin/busybox"))
                    .findFirst()
                    .map(GuestRoot::read)
                    .orElseThrow();
        }
    }

    private static byte[] read(Path file) {
        try {
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    Path directory() {
        return directory;
    }

    /** Adds a file that all may read and run. */
    GuestRoot add(String path, byte[] content) throws IOException {
        Path file = directory.resolve(path);
        Files.createDirectories(file.getParent());
        Files.write(file, content);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
        return this;
    }

    GuestRoot add(String path, String content) throws IOException {
        return add(path, content.getBytes(java.nio.charset.StandardCharsets.UTF_8));
    }

    /** Adds what a kernel package leaves in /boot, and the grub.cfg that names it. */
    GuestRoot addBoot(BootInput debian, String commandLine) throws IOException {
        add("boot/vmlinuz-test", Files.readAllBytes(debian.kernel()));
        Path initrd = directory.resolve("boot/initrd.img-test");
        HandOverInitramfs.write(debian, initrd);
        return add(
                "boot/grub/grub.cfg",
                """
                menuentry 'Debian' {
                    linux /boot/vmlinuz-test %s
                    initrd /boot/initrd.img-test
                }
                """
                        .formatted(commandLine));
    }

    /** An image that is one ext4 file system. */
    void writeDisk(Path image) throws Exception {
        HostTool.run(
                "mke2fs", "-q", "-t", "ext4", "-d", "" + directory, "" + image, SIZE / 1024 + "K");
    }

    /**
     * An image with a partition table and the file system in its only partition.
     *
     * @param label gpt or dos, in the words of sfdisk
     */
    void writeDisk(Path image, String label) throws Exception {
        Path script = Files.writeString(image.resolveSibling(label), "label: " + label + "\n,\n");
        try (var file =
                Files.newByteChannel(
                        image, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            // Room behind the partition for GPT's second table.
            file.position(SIZE + 2 * PARTITION_OFFSET - 1).write(java.nio.ByteBuffer.allocate(1));
        }
        HostTool.run("sh", "-c", "sfdisk -q " + image + " <" + script);
        HostTool.run(
                "mke2fs",
                "-q",
                "-t",
                "ext4",
                "-E",
                "offset=" + PARTITION_OFFSET,
                "-d",
                "" + directory,
                "" + image,
                SIZE / 1024 + "K");
    }
}

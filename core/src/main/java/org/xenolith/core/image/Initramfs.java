package org.xenolith.core.image;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * An initial RAM disk under construction: files in memory, written as an uncompressed cpio archive.
 *
 * <p>Uncompressed on purpose: the guest would unpack it on an interpreted processor. Owner, times
 * and inode numbers are fixed, so equal contents give equal bytes. Archives may be concatenated;
 * the kernel unpacks one after the other, later files replacing earlier ones.
 */
public final class Initramfs {
    private static final int PERMISSIONS = 07777;
    private static final int DIRECTORY_LINKS = 2;

    private record Node(Cpio.Entry entry, byte[] data) {}

    private final Map<String, Node> nodes = new LinkedHashMap<>();

    /** Adds a directory, mode 0755; its parents come by themselves, here and everywhere. */
    public Initramfs directory(String path) {
        return directory(path, 0755);
    }

    /** Adds a directory; {@code mode} holds permissions only, 01777 for a public one. */
    public Initramfs directory(String path, int mode) {
        return put(path, Cpio.DIRECTORY | mode & PERMISSIONS, 0, 0, new byte[0]);
    }

    /** Adds a file, replacing one of the same path; {@code mode} holds permissions only. */
    public Initramfs file(String path, int mode, byte[] contents) {
        return put(path, Cpio.REGULAR | mode & PERMISSIONS, 0, 0, contents);
    }

    /** Adds a text file, say a script. */
    public Initramfs file(String path, int mode, String contents) {
        return file(path, mode, contents.getBytes(StandardCharsets.UTF_8));
    }

    /** Adds a symbolic link at {@code path} to {@code target}. */
    public Initramfs symlink(String path, String target) {
        return put(path, Cpio.SYMLINK | 0777, 0, 0, target.getBytes(StandardCharsets.UTF_8));
    }

    /** Adds a character device. */
    public Initramfs characterDevice(String path, int mode, int major, int minor) {
        return put(path, Cpio.CHARACTER_DEVICE | mode & PERMISSIONS, major, minor, new byte[0]);
    }

    private Initramfs put(String path, int mode, int major, int minor, byte[] data) {
        String relative = relative(path);
        int slash = relative.lastIndexOf('/');
        if (slash > 0 && !nodes.containsKey(relative.substring(0, slash))) {
            directory(relative.substring(0, slash));
        }
        nodes.put(
                relative,
                new Node(new Cpio.Entry(relative, mode, major, minor, data.length), data));
        return this;
    }

    private static String relative(String path) {
        String relative = path.startsWith("/") ? path.substring(1) : path;
        if (relative.isEmpty() || relative.endsWith("/") || relative.contains("//")) {
            throw new IllegalArgumentException("not the path of a file: '" + path + "'");
        }
        return relative;
    }

    /** Writes the archive; the stream stays open, and more archives may follow. */
    public void writeTo(OutputStream out) throws IOException {
        int inode = 1;
        for (Node node : nodes.values()) {
            boolean directory = (node.entry.mode() & Cpio.TYPE_MASK) == Cpio.DIRECTORY;
            write(out, inode++, directory ? DIRECTORY_LINKS : 1, node.entry, node.data);
        }
        write(out, 0, 1, new Cpio.Entry(Cpio.TRAILER, 0, 0, 0, 0), new byte[0]);
    }

    private static void write(OutputStream out, int inode, int links, Cpio.Entry entry, byte[] data)
            throws IOException {
        out.write(Cpio.header(inode, links, entry));
        out.write(data);
        out.write(new byte[(int) Cpio.padding(data.length)]);
    }

    /** Writes the archive to a file that appears complete or not at all. */
    public void writeTo(Path target) throws IOException {
        writeWhole(target, this::writeTo);
    }

    /**
     * Writes another initial RAM disk with this archive appended, so that these files are added to
     * it and win over files of the same path.
     */
    public void appendTo(Path base, Path target) throws IOException {
        writeWhole(
                target,
                out -> {
                    long copied = Files.copy(base, out);
                    out.write(new byte[(int) Cpio.padding(copied)]);
                    writeTo(out);
                });
    }

    private interface Writer {
        void writeTo(OutputStream out) throws IOException;
    }

    private static void writeWhole(Path target, Writer writer) throws IOException {
        Path directory = target.toAbsolutePath().getParent();
        Files.createDirectories(directory);
        Path partial = Files.createTempFile(directory, ".initramfs", ".part");
        try {
            try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(partial))) {
                writer.writeTo(out);
            }
            Files.move(
                    partial,
                    target,
                    StandardCopyOption.ATOMIC_MOVE,
                    StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(partial);
        }
    }
}

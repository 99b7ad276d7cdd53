package org.xenolith.devices.filesystem;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A file system that is only read. Paths are absolute, with slashes; symbolic links are followed
 * within the file system, as if it were the root.
 *
 * <p>Time and memory of every call are bounded, whatever is on the disk.
 */
public abstract sealed class FileSystem permits ExtFileSystem, FatFileSystem {
    /** How {@link #contentOf} calls what it does not know. */
    public static final String NOTHING_KNOWN = "no known file system";

    /** Linux' limit: path_resolution(7). */
    private static final int MAX_SYMLINKS = 40;

    private static final int MAX_TARGET_BYTES = 4096;

    private static final int READ_BYTES = 1 << 20;

    private final Volume volume;

    FileSystem(Volume volume) {
        this.volume = volume;
    }

    /**
     * @throws UnreadableFileSystem if the volume holds none that is known here, or a damaged one
     */
    public static FileSystem open(Volume volume) throws IOException {
        if (ExtFileSystem.isOn(volume)) {
            return new ExtFileSystem(volume);
        }
        if (FatFileSystem.isOn(volume)) {
            return new FatFileSystem(volume);
        }
        throw new UnreadableFileSystem(
                "There is "
                        + ForeignContent.describe(volume)
                        + " on "
                        + volume
                        + "; ext2, ext3, ext4 and FAT can be read");
    }

    /**
     * What a volume holds, in words for a person: "ext4", "swap space", {@link #NOTHING_KNOWN}, or
     * a sentence about the damage.
     */
    public static String contentOf(Volume volume) throws IOException {
        if (!ExtFileSystem.isOn(volume) && !FatFileSystem.isOn(volume)) {
            return ForeignContent.describe(volume);
        }
        try {
            return open(volume).type();
        } catch (UnreadableFileSystem damaged) {
            return damaged.getMessage();
        }
    }

    /** "ext4", "vfat": what mount(8) calls it. */
    public abstract String type();

    abstract Node root() throws IOException;

    /** Whether names that differ in case only are the same name. */
    abstract boolean ignoresCase();

    public Volume volume() {
        return volume;
    }

    /** Whether there is a regular file, or a link to one. */
    public boolean isFile(String path) throws IOException {
        return find(path).filter(node -> node.kind() == Node.Kind.FILE).isPresent();
    }

    /** Names in a directory, in the order of the disk; empty if there is no such directory. */
    public List<String> list(String path) throws IOException {
        Optional<Node> node = find(path);
        if (node.isEmpty() || node.get().kind() != Node.Kind.DIRECTORY) {
            return List.of();
        }
        return new ArrayList<>(node.get().children().keySet());
    }

    /**
     * The content of a file.
     *
     * @param maxBytes larger files are refused
     */
    public byte[] read(String path, int maxBytes) throws IOException {
        return read(file(path, maxBytes));
    }

    /**
     * Copies the content of a file, which need not fit into memory.
     *
     * @param maxBytes larger files are refused
     * @return its length
     */
    public long copy(String path, long maxBytes, OutputStream into) throws IOException {
        Node node = file(path, maxBytes);
        byte[] buffer = new byte[(int) Math.min(node.sizeBytes(), READ_BYTES)];
        for (long at = 0; at < node.sizeBytes(); at += buffer.length) {
            int count = (int) Math.min(node.sizeBytes() - at, buffer.length);
            node.read(at, ByteBuffer.wrap(buffer, 0, count));
            into.write(buffer, 0, count);
        }
        return node.sizeBytes();
    }

    private Node file(String path, long maxBytes) throws IOException {
        Node node =
                find(path)
                        .orElseThrow(
                                () ->
                                        new UnreadableFileSystem(
                                                "There is no " + path + " on " + volume));
        UnreadableFileSystem.require(
                node.kind() == Node.Kind.FILE, path + " on " + volume + " is no file");
        UnreadableFileSystem.require(
                node.sizeBytes() <= maxBytes,
                "%s on %s has %d bytes, more than the %d that are sensible"
                        .formatted(path, volume, node.sizeBytes(), maxBytes));
        return node;
    }

    private static byte[] read(Node node) throws IOException {
        // A size is only believed as far as something could be read.
        byte[] content = new byte[(int) Math.min(node.sizeBytes(), READ_BYTES)];
        for (int at = 0; at < node.sizeBytes(); ) {
            int count = (int) Math.min(node.sizeBytes() - at, READ_BYTES);
            if (at + count > content.length) {
                int doubled = (int) Math.min(node.sizeBytes(), 2L * content.length);
                content = Arrays.copyOf(content, Math.max(at + count, doubled));
            }
            node.read(at, ByteBuffer.wrap(content, at, count));
            at += count;
        }
        return content;
    }

    /** Where a path leads, all symbolic links followed. */
    private Optional<Node> find(String path) throws IOException {
        Deque<Node> directories = new ArrayDeque<>();
        directories.push(root());
        Deque<String> names = split(path);
        int symlinks = 0;
        Node node = directories.peek();
        while (!names.isEmpty()) {
            String name = names.pop();
            Optional<Node> next = step(directories, name);
            if (next.isEmpty()) {
                return Optional.empty();
            }
            node = next.get();
            if (node.kind() == Node.Kind.SYMLINK) {
                UnreadableFileSystem.require(
                        ++symlinks <= MAX_SYMLINKS,
                        "Too many symbolic links on the way to " + path + " on " + volume);
                String target = target(node);
                if (target.startsWith("/")) {
                    retainRoot(directories);
                }
                Deque<String> rest = split(target);
                rest.addAll(names);
                names = rest;
                node = directories.peek();
            } else if (node.kind() == Node.Kind.DIRECTORY && node != directories.peek()) {
                directories.push(node);
            } else if (node.kind() != Node.Kind.DIRECTORY && !names.isEmpty()) {
                return Optional.empty();
            }
        }
        return Optional.of(node);
    }

    private Optional<Node> step(Deque<Node> directories, String name) throws IOException {
        if (name.equals("..")) {
            if (directories.size() > 1) {
                directories.pop();
            }
            return Optional.of(directories.peek());
        }
        Map<String, Node.Reference> children = directories.peek().children();
        Node.Reference reference = children.get(name);
        if (reference == null && ignoresCase()) {
            for (Map.Entry<String, Node.Reference> child : children.entrySet()) {
                if (child.getKey().equalsIgnoreCase(name)) {
                    reference = child.getValue();
                }
            }
        }
        return reference == null ? Optional.empty() : Optional.of(reference.node());
    }

    private static void retainRoot(Deque<Node> directories) {
        while (directories.size() > 1) {
            directories.pop();
        }
    }

    private String target(Node symlink) throws IOException {
        UnreadableFileSystem.require(
                symlink.sizeBytes() <= MAX_TARGET_BYTES,
                "A symbolic link on " + volume + " is longer than any path");
        return new String(read(symlink), StandardCharsets.UTF_8);
    }

    private static Deque<String> split(String path) {
        Deque<String> names = new ArrayDeque<>();
        for (String name : path.split("/")) {
            if (!name.isEmpty() && !name.equals(".")) {
                names.add(name);
            }
        }
        return names;
    }
}

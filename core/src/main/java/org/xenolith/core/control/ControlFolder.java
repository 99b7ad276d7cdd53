package org.xenolith.core.control;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The folder with one socket per running process, {@code PID.sock}. It belongs to its user and
 * nobody else may enter it: that is what protects the sockets.
 */
public final class ControlFolder {
    private static final String SUFFIX = ".sock", UNFINISHED = ".new";
    private static final Set<PosixFilePermission> OWNER_ONLY =
            PosixFilePermissions.fromString("rwx------");

    private final Path folder;

    private ControlFolder(Path folder) {
        this.folder = folder;
    }

    /** A folder of the caller's choice. */
    public static ControlFolder in(Path folder) {
        return new ControlFolder(folder);
    }

    /** {@code $XDG_RUNTIME_DIR/xenolith}, or a folder of the user's own below the temporary one. */
    public static ControlFolder ofUser() {
        String runtime = System.getenv("XDG_RUNTIME_DIR");
        Path folder =
                runtime != null && !runtime.isBlank()
                        ? Path.of(runtime, "xenolith")
                        : Path.of(
                                System.getProperty("java.io.tmpdir"),
                                "xenolith-" + System.getProperty("user.name"));
        return new ControlFolder(folder);
    }

    /**
     * Makes sure that the folder is there and private.
     *
     * @throws IOException if somebody else could have put something there
     */
    void prepare() throws IOException {
        Files.createDirectories(folder.toAbsolutePath().getParent());
        try {
            Files.createDirectory(folder, PosixFilePermissions.asFileAttribute(OWNER_ONLY));
        } catch (FileAlreadyExistsException there) {
            requirePrivate();
        }
    }

    private void requirePrivate() throws IOException {
        PosixFileAttributes attributes =
                Files.readAttributes(folder, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
        boolean ours =
                attributes.owner().getName().equals(System.getProperty("user.name"))
                        || attributes.owner().equals(Files.getOwner(Path.of("/proc/self")));
        if (!attributes.isDirectory() || !ours || !attributes.permissions().equals(OWNER_ONLY)) {
            throw new IOException(
                    folder + " is no private folder of yours: remove it, or set XDG_RUNTIME_DIR");
        }
    }

    /** Where a process listens. */
    Path socketOf(long pid) {
        return folder.resolve(pid + SUFFIX);
    }

    /** Where a process makes the socket that it will listen on: nobody looks there. */
    Path unfinishedSocketOf(long pid) {
        return folder.resolve(pid + UNFINISHED);
    }

    /** Removes what processes have left that died before they listened. */
    void removeUnfinished() throws IOException {
        for (long pid : pids(UNFINISHED)) {
            if (ProcessHandle.of(pid).isEmpty()) {
                Files.deleteIfExists(unfinishedSocketOf(pid));
            }
        }
    }

    /** Processes that have left a socket, alive or not. */
    List<Long> pids() throws IOException {
        return pids(SUFFIX);
    }

    private List<Long> pids(String suffix) throws IOException {
        if (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
            return List.of();
        }
        requirePrivate();
        List<Long> pids = new ArrayList<>();
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : (Iterable<Path>) files::iterator) {
                String name = file.getFileName().toString();
                if (name.matches("\\d{1,18}\\" + suffix)) {
                    pids.add(Long.parseLong(name.substring(0, name.length() - suffix.length())));
                }
            }
        }
        pids.sort(null);
        return pids;
    }
}

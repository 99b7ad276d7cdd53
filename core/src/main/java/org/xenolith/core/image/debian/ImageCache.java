package org.xenolith.core.image.debian;

import org.xenolith.core.image.ImageException;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * A folder of made things. Each appears by renaming, complete or not at all; what an interrupted
 * run left ends in ".part" and is swept by the next one.
 */
final class ImageCache {
    static final String PART = ".part";

    /** Two threads of one JVM cannot both ask for the file lock: it belongs to the process. */
    private static final ReentrantLock WITHIN_THIS_JVM = new ReentrantLock();

    private final Path directory;
    private final String what;
    private final Deleter deleter;

    /** Removes a tree of files; some belong to users that only root can speak for. */
    @FunctionalInterface
    interface Deleter {
        void delete(Path tree) throws IOException;
    }

    interface Action<T> {
        T run() throws IOException;
    }

    interface Work {
        /** Fills the folder and names what of it is to be kept. */
        Path in(Path workplace) throws IOException;
    }

    /**
     * @param what is made here, for messages: "Debian image"
     */
    ImageCache(Path directory, String what, Deleter deleter) {
        this.directory = directory.toAbsolutePath();
        this.what = what;
        this.deleter = deleter;
    }

    Path directory() {
        return directory;
    }

    /**
     * Where Xenolith caches, by the XDG base directory specification: relative paths are void. The
     * launcher {@code vmm} looks by the same rule.
     */
    static Path ofThisUser() {
        return under(
                System.getenv("XDG_CACHE_HOME"),
                System.getenv("HOME"),
                System.getProperty("user.home"));
    }

    /**
     * @param userHome what the user database says; Java does not ask HOME
     */
    static Path under(String xdgCacheHome, String home, String userHome) {
        Path base =
                isAbsolute(xdgCacheHome)
                        ? Path.of(xdgCacheHome)
                        : Path.of(isAbsolute(home) ? home : userHome, ".cache");
        return base.resolve("xenolith");
    }

    private static boolean isAbsolute(String path) {
        return path != null && Path.of(path).isAbsolute();
    }

    /** Runs an action while no other thread or process makes anything here. */
    <T> T locked(Action<T> action) throws ImageException {
        WITHIN_THIS_JVM.lock();
        try {
            makeDirectory();
            try (FileChannel channel =
                            FileChannel.open(
                                    directory.resolve("lock"),
                                    StandardOpenOption.CREATE,
                                    StandardOpenOption.WRITE);
                    FileLock _ = channel.lock()) {
                return action.run();
            }
        } catch (ImageException e) {
            throw e;
        } catch (IOException | UncheckedIOException e) {
            throw cannotMake(e);
        } finally {
            WITHIN_THIS_JVM.unlock();
        }
    }

    /** Java names the folder that it could not make, and not always why. */
    private void makeDirectory() throws IOException {
        try {
            Files.createDirectories(directory);
        } catch (FileAlreadyExistsException e) {
            throw new IOException(e.getFile() + " is no folder", e);
        } catch (NoSuchFileException e) {
            throw new IOException("no folder can be made at " + e.getFile(), e);
        }
    }

    ImageException cannotMake(Exception cause) {
        return new ImageException(
                "cannot make the %s in %s: %s".formatted(what, directory, reason(cause)), cause);
    }

    private static String reason(Exception cause) {
        return switch (cause) {
            case UncheckedIOException e -> reason(e.getCause());
            case AccessDeniedException e -> "permission denied for " + e.getFile();
            case NoSuchFileException e -> "there is no " + e.getFile();
            default -> cause.getMessage();
        };
    }

    /** Lets a file or folder appear under its name complete or not at all. */
    void inWorkplace(Work work, Path name) throws IOException {
        Path workplace = Files.createDirectory(directory.resolve("work" + PART));
        try {
            Files.move(work.in(workplace), name, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            if (Files.exists(workplace)) {
                deleter.delete(workplace);
            }
        }
    }

    /** Removes what interrupted runs left; the lock keeps a running one safe. */
    void sweep() throws IOException {
        for (Path leftover : filesIn(directory, name -> name.endsWith(PART))) {
            deleter.delete(leftover);
        }
    }

    static List<Path> filesIn(Path directory, Predicate<String> name) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(file -> name.test(file.getFileName().toString())).sorted().toList();
        }
    }

    static void deleteOwn(Path tree) throws IOException {
        try (Stream<Path> walk = Files.walk(tree)) {
            for (Path path : walk.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}

package org.xenolith.devices.p9;

import static org.xenolith.devices.libc.FileCalls.AT_EMPTY_PATH;
import static org.xenolith.devices.libc.FileCalls.AT_FDCWD;
import static org.xenolith.devices.libc.FileCalls.O_DIRECTORY;
import static org.xenolith.devices.libc.FileCalls.O_NOCTTY;
import static org.xenolith.devices.libc.FileCalls.O_NOFOLLOW;
import static org.xenolith.devices.libc.FileCalls.O_PATH;
import static org.xenolith.devices.libc.LibC.O_CLOEXEC;
import static org.xenolith.devices.libc.LibC.O_NONBLOCK;

import org.xenolith.devices.libc.FileCalls;
import org.xenolith.devices.libc.LibC;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * A file of the host that is held by a descriptor, and so stays this file whatever becomes of its
 * name. Most are only {@code O_PATH}: such a descriptor opens nothing, so it may be of a device, a
 * FIFO or a link. Calls that fail throw what {@link FileCalls} throws. Not thread-safe.
 */
final class HostFile implements AutoCloseable {
    private static final int LONGEST_TARGET = 4096;
    private static final int PERMISSIONS = 07777, SET_ID = 06000;

    /** The file itself, not an entry of it. */
    private static final byte[] EMPTY_PATH = {0};

    private static final byte[] SELF = {'.', 0};

    private final int descriptor;
    private boolean closed;

    HostFile(int descriptor) {
        this.descriptor = descriptor;
    }

    /** Follows a path of the host's user, links included. */
    static HostFile atPath(byte[] path) {
        return new HostFile(FileCalls.openat(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0));
    }

    int descriptor() {
        if (closed) {
            throw new IllegalStateException("descriptor " + descriptor + " is closed");
        }
        return descriptor;
    }

    /** An entry of this folder, itself if it is a link. */
    HostFile entry(FileName name) {
        return new HostFile(
                FileCalls.openat(
                        descriptor(), name.terminated(), O_PATH | O_NOFOLLOW | O_CLOEXEC, 0));
    }

    /** The same file under another descriptor. */
    HostFile again() {
        return new HostFile(FileCalls.fcntl(descriptor(), FileCalls.F_DUPFD_CLOEXEC, 0));
    }

    FileStatus status() {
        byte[] status = new byte[FileCalls.SIZEOF_STATX];
        FileCalls.statx(
                descriptor(), EMPTY_PATH, AT_EMPTY_PATH, FileCalls.STATX_BASIC_STATS, status);
        return FileStatus.readFrom(status);
    }

    /**
     * Opens the file to be read or written. Its kind cannot change any more once it is held, so
     * nothing blocks here or happens by itself.
     *
     * @param flags {@code O_RDONLY} and its like; a folder is only read
     * @throws P9Error when it is neither a regular file nor a folder
     */
    HostFile open(int flags) {
        FileStatus status = status();
        int all = flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
        if (status.isFolder()) {
            if (flags != LibC.O_RDONLY) {
                throw new P9Error(Errno.EISDIR);
            }
            return new HostFile(FileCalls.openat(descriptor(), SELF, all | O_DIRECTORY, 0));
        }
        if (!status.isRegular()) {
            throw new P9Error(Errno.EACCES);
        }
        return new HostFile(FileCalls.openat(AT_FDCWD, procPath(), all, 0));
    }

    /**
     * The name of the descriptor, which the host's kernel resolves to the very file: for calls that
     * take no {@code O_PATH} descriptor.
     */
    byte[] procPath() {
        return ("/proc/self/fd/" + descriptor() + "\0").getBytes(StandardCharsets.US_ASCII);
    }

    /** Where this link leads to, as its bytes. */
    byte[] target() {
        byte[] target = new byte[LONGEST_TARGET];
        long length = FileCalls.readlinkat(descriptor(), EMPTY_PATH, target, LONGEST_TARGET);
        return Arrays.copyOf(target, (int) length);
    }

    byte[] fileSystemStatus() {
        byte[] status = new byte[FileCalls.SIZEOF_STATFS];
        FileCalls.fstatfs(descriptor(), status);
        return status;
    }

    // ---- attributes

    /** Permissions that a client may set: a program of the host never changes its user by them. */
    static int permissions(int mode, boolean folder) {
        return mode & (folder ? PERMISSIONS : PERMISSIONS & ~SET_ID);
    }

    /**
     * @param mode {@link #permissions} of it are set
     */
    void setMode(int mode) {
        FileStatus status = status();
        if (status.isLink()) {
            throw new P9Error(Errno.EOPNOTSUPP);
        }
        FileCalls.fchmodat(AT_FDCWD, procPath(), permissions(mode, status.isFolder()), 0);
    }

    /**
     * @param user {@link Owners#UNCHANGED} or a user of the host
     */
    void setOwner(int user, int group) {
        FileCalls.fchownat(descriptor(), EMPTY_PATH, user, group, AT_EMPTY_PATH);
    }

    /** For a file that is not open to be written. */
    void setSizeByPath(long bytes) {
        FileStatus status = status();
        if (!status.isRegular()) {
            throw new P9Error(status.isFolder() ? Errno.EISDIR : Errno.EINVAL);
        }
        FileCalls.truncate(procPath(), bytes);
    }

    /**
     * @param times as {@link FileCalls#utimensat} takes them
     */
    void setTimes(long[] times) {
        FileCalls.utimensat(AT_FDCWD, procPath(), times, 0);
    }

    /** Gives the descriptor back. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            LibC.close(descriptor);
        }
    }
}

package org.xenolith.devices.p9;

import static org.xenolith.devices.libc.FileCalls.AT_FDCWD;
import static org.xenolith.devices.libc.FileCalls.AT_REMOVEDIR;
import static org.xenolith.devices.libc.FileCalls.AT_SYMLINK_FOLLOW;
import static org.xenolith.devices.libc.FileCalls.O_CREAT;
import static org.xenolith.devices.libc.FileCalls.O_EXCL;
import static org.xenolith.devices.libc.FileCalls.O_NOCTTY;
import static org.xenolith.devices.libc.FileCalls.O_NOFOLLOW;
import static org.xenolith.devices.libc.LibC.O_CLOEXEC;
import static org.xenolith.devices.libc.LibC.O_NONBLOCK;

import org.xenolith.devices.libc.FileCalls;

import java.util.Arrays;

/** What is made, moved and removed in a folder of the host; errors as in {@link HostFile}. */
final class FolderEntries {
    private static final int RWX_OF_ALL = 0777;

    private FolderEntries() {}

    /**
     * Makes a regular file and opens it.
     *
     * @param flags how it is open
     * @param mode its permissions, whatever the umask of this process
     */
    static HostFile create(HostFile folder, FileName name, int flags, int mode) {
        int permissions = HostFile.permissions(mode, false);
        int all = flags | O_CREAT | O_EXCL | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
        HostFile file =
                new HostFile(
                        FileCalls.openat(folder.descriptor(), name.terminated(), all, permissions));
        return withMode(file, permissions);
    }

    /**
     * @return the new folder
     */
    static HostFile makeFolder(HostFile folder, FileName name, int mode) {
        int permissions = HostFile.permissions(mode, true);
        FileCalls.mkdirat(folder.descriptor(), name.terminated(), permissions);
        return withMode(folder.entry(name), permissions);
    }

    /**
     * @param target any bytes but NUL
     * @return the new link
     */
    static HostFile makeLink(HostFile folder, FileName name, byte[] target) {
        for (byte each : target) {
            if (each == 0) {
                throw new P9Error(Errno.EINVAL);
            }
        }
        FileCalls.symlinkat(
                Arrays.copyOf(target, target.length + 1), folder.descriptor(), name.terminated());
        return folder.entry(name);
    }

    /**
     * Makes an empty file, a FIFO or the name of a socket.
     *
     * @param mode kind and permissions
     * @throws P9Error for devices
     */
    static HostFile makeNode(HostFile folder, FileName name, int mode) {
        int kind = mode & FileStatus.S_IFMT;
        if (kind != FileStatus.S_IFREG
                && kind != FileStatus.S_IFIFO
                && kind != FileStatus.S_IFSOCK) {
            throw new P9Error(Errno.EPERM);
        }
        int permissions = HostFile.permissions(mode, false);
        FileCalls.syscall(
                FileCalls.SYS_MKNODAT,
                folder.descriptor(),
                name.terminated(),
                kind | permissions,
                0);
        return withMode(folder.entry(name), permissions);
    }

    /** The umask may have taken bits; a bit that the folder passes on stays. */
    private static HostFile withMode(HostFile made, int permissions) {
        try {
            FileStatus status = made.status();
            if ((status.mode() & RWX_OF_ALL) != (permissions & RWX_OF_ALL)) {
                made.setMode(status.mode() & ~RWX_OF_ALL | permissions);
            }
            return made;
        } catch (RuntimeException e) {
            made.close();
            throw e;
        }
    }

    /** Gives a file, a link itself too, a second name. */
    static void addName(HostFile file, HostFile folder, FileName name) {
        FileCalls.linkat(
                AT_FDCWD,
                file.procPath(),
                folder.descriptor(),
                name.terminated(),
                AT_SYMLINK_FOLLOW);
    }

    static void rename(HostFile oldFolder, FileName oldName, HostFile newFolder, FileName newName) {
        FileCalls.renameat(
                oldFolder.descriptor(),
                oldName.terminated(),
                newFolder.descriptor(),
                newName.terminated());
    }

    static void remove(HostFile folder, FileName name, boolean isFolder) {
        FileCalls.unlinkat(folder.descriptor(), name.terminated(), isFolder ? AT_REMOVEDIR : 0);
    }
}

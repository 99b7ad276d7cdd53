package org.xenolith.devices.libc;

import com.sun.jna.LastErrorException;
import com.sun.jna.Native;

/**
 * Calls on files by the descriptor of a folder and one name in it, under their own names: what Java
 * offers goes by whole paths, which others may change while the host's kernel follows them. Names
 * are bytes that end with NUL. Apart from {@link LibC}, since a C library that lacks one of them is
 * good enough for everything else.
 */
public final class FileCalls {
    // <bits/fcntl-linux.h>
    public static final int O_WRONLY = 0x1;
    public static final int O_CREAT = 0x40;
    public static final int O_EXCL = 0x80;
    public static final int O_NOCTTY = 0x100;
    public static final int O_TRUNC = 0x200;
    public static final int O_APPEND = 0x400;
    public static final int O_DSYNC = 0x1000;
    public static final int O_DIRECTORY = 0x10000;
    public static final int O_NOFOLLOW = 0x20000;
    public static final int O_SYNC = 0x101000;
    public static final int O_PATH = 0x200000;
    public static final int AT_FDCWD = -100;
    public static final int AT_REMOVEDIR = 0x200;
    public static final int AT_SYMLINK_FOLLOW = 0x400;
    public static final int AT_EMPTY_PATH = 0x1000;
    public static final int F_DUPFD_CLOEXEC = 1030;
    public static final int SEEK_SET = 0;

    // <linux/stat.h>
    public static final int STATX_BASIC_STATS = 0x7ff;
    public static final int SIZEOF_STATX = 256;

    // <bits/statfs.h>
    public static final int SIZEOF_STATFS = 120;

    // <sys/stat.h>, nanoseconds of a time to set
    public static final long UTIME_NOW = 0x3fffffff;
    public static final long UTIME_OMIT = 0x3ffffffe;

    // <asm/unistd_64.h>
    public static final long SYS_MKNODAT = 259;

    static {
        Native.register(FileCalls.class, "c");
    }

    private FileCalls() {}

    /** Variadic in C, as {@link LibC#fcntl} is. */
    public static native int openat(int folder, byte[] name, int flags, int mode)
            throws LastErrorException;

    /** Variadic in C. */
    public static native int fcntl(int descriptor, int command, long argument)
            throws LastErrorException;

    /**
     * @param status {@value #SIZEOF_STATX} bytes, filled by the call
     */
    public static native int statx(int folder, byte[] name, int flags, int mask, byte[] status)
            throws LastErrorException;

    /**
     * @param status {@value #SIZEOF_STATFS} bytes, filled by the call
     */
    public static native int fstatfs(int descriptor, byte[] status) throws LastErrorException;

    /**
     * @return bytes of the target, which has no NUL at its end
     */
    public static native long readlinkat(int folder, byte[] name, byte[] into, long lengthBytes)
            throws LastErrorException;

    public static native int unlinkat(int folder, byte[] name, int flags) throws LastErrorException;

    public static native int mkdirat(int folder, byte[] name, int mode) throws LastErrorException;

    public static native int symlinkat(byte[] target, int folder, byte[] name)
            throws LastErrorException;

    public static native int linkat(
            int oldFolder, byte[] oldName, int newFolder, byte[] newName, int flags)
            throws LastErrorException;

    public static native int renameat(int oldFolder, byte[] oldName, int newFolder, byte[] newName)
            throws LastErrorException;

    /** For {@link #SYS_MKNODAT}, a function of its own only since glibc 2.33. */
    public static native long syscall(long number, long folder, byte[] name, long mode, long device)
            throws LastErrorException;

    public static native int fchmodat(int folder, byte[] name, int mode, int flags)
            throws LastErrorException;

    /**
     * @param user -1 leaves it
     */
    public static native int fchownat(int folder, byte[] name, int user, int group, int flags)
            throws LastErrorException;

    public static native int truncate(byte[] path, long lengthBytes) throws LastErrorException;

    public static native int ftruncate(int descriptor, long lengthBytes) throws LastErrorException;

    /**
     * @param times access and modification, seconds and nanoseconds each
     */
    public static native int utimensat(int folder, byte[] name, long[] times, int flags)
            throws LastErrorException;

    /**
     * @param address of the bytes to fill
     */
    public static native long pread(int descriptor, long address, long lengthBytes, long offset)
            throws LastErrorException;

    public static native long pwrite(int descriptor, long address, long lengthBytes, long offset)
            throws LastErrorException;

    public static native int fsync(int descriptor) throws LastErrorException;

    public static native int fdatasync(int descriptor) throws LastErrorException;

    public static native long lseek(int descriptor, long offset, int whence)
            throws LastErrorException;

    /**
     * @param entries filled with {@code struct linux_dirent64}
     * @return bytes filled, 0 at the end
     */
    public static native long getdents64(int descriptor, byte[] entries, long lengthBytes)
            throws LastErrorException;

    /** The user that files belong to which this process makes. */
    public static native int geteuid();

    /** Its group. */
    public static native int getegid();
}

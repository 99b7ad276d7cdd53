package org.xenolith.devices.libc;

import com.sun.jna.LastErrorException;
import com.sun.jna.Native;

/**
 * Functions of the C library under their own names. Addresses and sizes are {@code long}; a call
 * that fails throws {@link LastErrorException}, which {@link HostCallFailed#of} turns into a
 * sentence.
 */
public final class LibC {
    /** Size of a page, and so the granularity of mmap and madvise. */
    public static final int PAGE_SIZE = 4096;

    // <bits/mman-linux.h>
    public static final int PROT_READ = 0x1;
    public static final int PROT_WRITE = 0x2;
    public static final int MAP_PRIVATE = 0x02;
    public static final int MAP_ANONYMOUS = 0x20;
    public static final int MAP_NORESERVE = 0x4000;
    public static final int MADV_DONTNEED = 4;

    // <bits/termios-tcflow.h>
    public static final int TCSANOW = 0;

    // <bits/fcntl-linux.h>
    public static final int O_RDONLY = 0x0;
    public static final int O_RDWR = 0x2;
    public static final int O_NONBLOCK = 0x800;
    public static final int O_CLOEXEC = 0x80000;
    public static final int F_OFD_GETLK = 36;
    public static final int F_OFD_SETLK = 37;

    // <linux/falloc.h>
    public static final int FALLOC_FL_KEEP_SIZE = 0x1;
    public static final int FALLOC_FL_PUNCH_HOLE = 0x2;

    // <bits/poll.h>
    public static final short POLLIN = 0x1;

    private static final String LIBRARY_FOLDERS = "jna.platform.library.path";

    static {
        // JNA would run ldconfig to find out where libraries are; this one is in the process
        // already.
        if (System.getProperty(LIBRARY_FOLDERS) == null) {
            System.setProperty(LIBRARY_FOLDERS, "");
        }
        Native.register(LibC.class, "c");
    }

    private LibC() {}

    public static native long mmap(
            long address, long lengthBytes, int protection, int flags, int descriptor, long offset)
            throws LastErrorException;

    public static native int madvise(long address, long lengthBytes, int advice)
            throws LastErrorException;

    /**
     * @param vector one byte per page of the range; bit 0 says that the page is resident
     */
    public static native int mincore(long address, long lengthBytes, byte[] vector)
            throws LastErrorException;

    public static native int isatty(int descriptor);

    /**
     * @param termios at least {@code sizeof(struct termios)} bytes, filled by the call
     */
    public static native int tcgetattr(int descriptor, byte[] termios) throws LastErrorException;

    public static native int tcsetattr(int descriptor, int when, byte[] termios)
            throws LastErrorException;

    public static native int open(String path, int flags) throws LastErrorException;

    public static native int close(int descriptor) throws LastErrorException;

    /**
     * @param argument a struct that the request reads and fills
     */
    public static native int ioctl(int descriptor, long request, byte[] argument)
            throws LastErrorException;

    /**
     * @param argument what the request takes by value
     */
    public static native int ioctl(int descriptor, long request, long argument)
            throws LastErrorException;

    /**
     * @param address of the bytes to fill
     * @return how many were read; 0 at the end of a file
     */
    public static native long read(int descriptor, long address, long lengthBytes)
            throws LastErrorException;

    public static native long write(int descriptor, long address, long lengthBytes)
            throws LastErrorException;

    /**
     * @param descriptors address of an array of {@code struct pollfd}
     * @return how many of them have something to tell
     */
    public static native int poll(long descriptors, long count, int timeoutMillis)
            throws LastErrorException;

    public static native int eventfd(int initial, int flags) throws LastErrorException;

    /**
     * A variadic function in C; the calling convention of x86-64 passes its pointer like that of
     * any other.
     *
     * @param lock {@code struct flock}, read and filled by the call
     */
    public static native int fcntl(int descriptor, int command, byte[] lock)
            throws LastErrorException;

    public static native int fallocate(int descriptor, int mode, long offset, long lengthBytes)
            throws LastErrorException;

    static native String strerror(int errno);
}

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

    static {
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

    static native String strerror(int errno);
}

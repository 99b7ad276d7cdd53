package org.xenolith.devices.memory;

import com.sun.jna.LastErrorException;

import org.xenolith.devices.libc.HostCallFailed;
import org.xenolith.devices.libc.LibC;

import java.lang.foreign.MemorySegment;
import java.util.Locale;

/**
 * A range of host memory that costs nothing until it is touched and can be given back page by page.
 *
 * <p>The segment lives in the global scope and is never unmapped: code that keeps it in a {@code
 * static final} gets the fastest checked access HotSpot has, and no access can outlive it.
 */
public final class HostMemory {
    /** Bytes whose residence one mincore call reports: 64 MiB need a vector of 16 KiB. */
    private static final long RESIDENCE_WINDOW = 64L << 20;

    private final MemorySegment segment;

    private HostMemory(MemorySegment segment) {
        this.segment = segment;
    }

    /**
     * Reserves address space that reads as zeroes. The host backs a page when it is first written.
     *
     * @param bytes size, a multiple of {@link LibC#PAGE_SIZE}
     * @throws HostCallFailed if the host refuses
     */
    public static HostMemory reserve(long bytes) {
        requirePages("size", bytes);
        if (bytes == 0) {
            throw new IllegalArgumentException("size must not be 0");
        }
        try {
            long address =
                    LibC.mmap(
                            0,
                            bytes,
                            LibC.PROT_READ | LibC.PROT_WRITE,
                            LibC.MAP_PRIVATE | LibC.MAP_ANONYMOUS | LibC.MAP_NORESERVE,
                            -1,
                            0);
            return new HostMemory(MemorySegment.ofAddress(address).reinterpret(bytes));
        } catch (LastErrorException e) {
            throw HostCallFailed.of("Cannot reserve " + inMebibytes(bytes) + " of host memory", e);
        }
    }

    /** The whole range, page aligned, valid until the process ends. */
    public MemorySegment segment() {
        return segment;
    }

    public long sizeBytes() {
        return segment.byteSize();
    }

    /**
     * Gives pages back to the host. They read as zeroes afterwards and cost nothing until written.
     *
     * @param offset of the first page, in bytes
     * @param lengthBytes a multiple of the page size
     */
    public void release(long offset, long lengthBytes) {
        requirePages("offset", offset);
        requirePages("length", lengthBytes);
        MemorySegment range = segment.asSlice(offset, lengthBytes); // checks the bounds
        try {
            LibC.madvise(range.address(), lengthBytes, LibC.MADV_DONTNEED);
        } catch (LastErrorException e) {
            throw HostCallFailed.of("Cannot give back " + inMebibytes(lengthBytes), e);
        }
    }

    /** How many bytes of the range the host holds in memory now. */
    public long residentBytes() {
        byte[] vector = new byte[(int) (Math.min(RESIDENCE_WINDOW, sizeBytes()) / LibC.PAGE_SIZE)];
        long residentPages = 0;
        for (long offset = 0; offset < sizeBytes(); offset += RESIDENCE_WINDOW) {
            long lengthBytes = Math.min(RESIDENCE_WINDOW, sizeBytes() - offset);
            try {
                LibC.mincore(segment.address() + offset, lengthBytes, vector);
            } catch (LastErrorException e) {
                throw HostCallFailed.of("Cannot ask how much memory is resident", e);
            }
            for (int page = 0; page < lengthBytes / LibC.PAGE_SIZE; page++) {
                residentPages += vector[page] & 1;
            }
        }
        return residentPages * LibC.PAGE_SIZE;
    }

    private static void requirePages(String what, long bytes) {
        if (bytes < 0 || bytes % LibC.PAGE_SIZE != 0) {
            throw new IllegalArgumentException(
                    what + " must be whole pages of " + LibC.PAGE_SIZE + " bytes, not " + bytes);
        }
    }

    private static String inMebibytes(long bytes) {
        return String.format(Locale.ROOT, "%.1f MiB", bytes / (double) (1 << 20));
    }
}

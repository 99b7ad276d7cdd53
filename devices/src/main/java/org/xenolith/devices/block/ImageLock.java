package org.xenolith.devices.block;

import com.sun.jna.LastErrorException;

import org.xenolith.devices.libc.HostCallFailed;
import org.xenolith.devices.libc.LibC;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Keeps two writers, or a writer and a reader, off one image. QEMU's rules are followed byte by
 * byte, so that QEMU and qemu-img respect our locks and we theirs: a process that uses a permission
 * holds a shared lock on byte 100 + permission, and one that does not tolerate it in others holds a
 * shared lock on byte 200 + permission. Whoever comes looks whether an exclusive lock would be
 * possible on the opposite bytes.
 *
 * <p>The locks belong to the open file (fcntl(2), "open file description locks"): they vanish with
 * the descriptor, and two opens within this process see each other.
 */
final class ImageLock {
    private static final int USED = 100;
    private static final int NOT_TOLERATED = 200;

    // QEMU's permissions, include/block/block-common.h; only those that disks use.
    private static final int CONSISTENT_READ = 0;
    private static final int WRITE = 1;
    private static final int RESIZE = 3;

    private static final short F_RDLCK = 0;
    private static final short F_WRLCK = 1;
    private static final short F_UNLCK = 2;

    /** {@code struct flock} on x86-64: l_type, l_whence, l_start, l_len, l_pid. */
    private static final int FLOCK_SIZE = 32;

    private static final int L_TYPE = 0;
    private static final int L_START = 8;
    private static final int L_LEN = 16;

    private static final int EAGAIN = 11;
    private static final int EACCES = 13;

    private ImageLock() {}

    /**
     * @throws ImageRefused if another open file stands against it
     */
    static void acquire(int descriptor, String name, boolean readOnly) throws IOException {
        int[] used =
                readOnly ? new int[] {CONSISTENT_READ} : new int[] {CONSISTENT_READ, WRITE, RESIZE};
        int[] notTolerated = {WRITE, RESIZE};
        try {
            // Announce first, look afterwards: of two that come at once at least one sees the
            // other.
            for (int permission : used) {
                share(descriptor, USED + permission);
            }
            for (int permission : notTolerated) {
                share(descriptor, NOT_TOLERATED + permission);
            }
            for (int permission : notTolerated) {
                requireNobodyAt(
                        descriptor,
                        USED + permission,
                        name + " is in use: it is open for writing elsewhere");
            }
            for (int permission : used) {
                requireNobodyAt(
                        descriptor,
                        NOT_TOLERATED + permission,
                        name + " is in use: it is open elsewhere, so it cannot be written to");
            }
        } catch (LastErrorException e) {
            if (e.getErrorCode() == EAGAIN || e.getErrorCode() == EACCES) {
                throw new ImageRefused(
                        name + " is in use: another program has locked it exclusively");
            }
            throw new IOException(HostCallFailed.of("Cannot lock " + name, e).getMessage(), e);
        }
    }

    /** Whether an image of any process is open on the file, for writing or for reading. */
    static boolean isHeld(int descriptor, String name) throws IOException {
        try {
            for (int permission = CONSISTENT_READ; permission <= RESIZE; permission++) {
                if (isSomebodyAt(descriptor, USED + permission)) {
                    return true;
                }
            }
            return false;
        } catch (LastErrorException e) {
            throw new IOException(HostCallFailed.of("Cannot look at " + name, e).getMessage(), e);
        }
    }

    private static void share(int descriptor, int position) {
        LibC.fcntl(descriptor, LibC.F_OFD_SETLK, lock(F_RDLCK, position));
    }

    private static void requireNobodyAt(int descriptor, int position, String sentence)
            throws ImageRefused {
        if (isSomebodyAt(descriptor, position)) {
            throw new ImageRefused(sentence);
        }
    }

    private static boolean isSomebodyAt(int descriptor, int position) {
        byte[] lock = lock(F_WRLCK, position);
        LibC.fcntl(descriptor, LibC.F_OFD_GETLK, lock);
        return ByteBuffer.wrap(lock).order(ByteOrder.LITTLE_ENDIAN).getShort(L_TYPE) != F_UNLCK;
    }

    private static byte[] lock(short type, int position) {
        ByteBuffer lock = ByteBuffer.allocate(FLOCK_SIZE).order(ByteOrder.LITTLE_ENDIAN);
        lock.putShort(L_TYPE, type).putLong(L_START, position).putLong(L_LEN, 1);
        return lock.array();
    }
}

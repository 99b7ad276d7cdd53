package org.xenolith.devices.block;

import com.sun.jna.LastErrorException;

import org.xenolith.devices.libc.HostCallFailed;
import org.xenolith.devices.libc.LibC;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;

/**
 * A file or block device of the host, locked while it is open.
 *
 * <p>Threads that come here must not be interrupted: a {@link FileChannel} closes itself then.
 */
final class HostFile implements ImageFile {
    private static final int PUNCH = LibC.FALLOC_FL_PUNCH_HOLE | LibC.FALLOC_FL_KEEP_SIZE;

    // Types of files in st_mode, inode(7).
    private static final int S_IFMT = 0xf000;
    private static final int S_IFREG = 0x8000;
    private static final int S_IFBLK = 0x6000;

    private static final int EINVAL = 22;
    private static final int ENODEV = 19;
    private static final int ENOSYS = 38;
    private static final int EOPNOTSUPP = 95;

    private final String name;
    private final int descriptor;
    private final FileChannel channel;

    /**
     * Why a sync failed. Linux drops the pages that it could not write and reports success the next
     * time, so after one failure nothing more can be promised.
     */
    private volatile IOException syncFailure;

    private volatile boolean cannotPunch;

    /** An open file; tests give one of their own. */
    HostFile(String name, int descriptor, FileChannel channel) {
        this.name = name;
        this.descriptor = descriptor;
        this.channel = channel;
    }

    static HostFile open(Path path, boolean readOnly) throws IOException {
        requireFileOrDisk(path);
        int descriptor;
        try {
            int mode = readOnly ? LibC.O_RDONLY : LibC.O_RDWR;
            descriptor = LibC.open(path.toString(), mode | LibC.O_CLOEXEC);
        } catch (LastErrorException e) {
            throw new IOException(HostCallFailed.of("Cannot open " + path, e).getMessage(), e);
        }
        try {
            ImageLock.acquire(descriptor, path.toString(), readOnly);
            // Through /proc, because the name may stand for another file by now.
            Path locked = Path.of("/proc/self/fd/" + descriptor);
            Set<StandardOpenOption> options =
                    readOnly
                            ? Set.of(StandardOpenOption.READ)
                            : Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE);
            return new HostFile(path.toString(), descriptor, FileChannel.open(locked, options));
        } catch (IOException | RuntimeException e) {
            LibC.close(descriptor);
            throw e;
        }
    }

    /** Whether an image of any process is open on a regular file. */
    static boolean isImageOf(Path path) throws IOException {
        requireFileOrDisk(path);
        try {
            int descriptor = LibC.open(path.toString(), LibC.O_RDONLY | LibC.O_CLOEXEC);
            try {
                return ImageLock.isHeld(descriptor, path.toString());
            } finally {
                LibC.close(descriptor);
            }
        } catch (LastErrorException e) {
            throw new IOException(HostCallFailed.of("Cannot open " + path, e).getMessage(), e);
        }
    }

    /** Anything else could block at open, a FIFO for instance. */
    private static void requireFileOrDisk(Path path) throws IOException {
        if (!Files.exists(path)) {
            throw new ImageRefused("There is no disk image " + path);
        }
        int type = (int) Files.getAttribute(path, "unix:mode") & S_IFMT;
        if (type != S_IFREG && type != S_IFBLK) {
            throw new ImageRefused(path + " is neither a file nor a block device");
        }
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public long sizeBytes() throws IOException {
        return channel.size();
    }

    @Override
    public void read(long offset, ByteBuffer into) throws IOException {
        long position = offset;
        while (into.hasRemaining()) {
            int count = channel.read(into, position);
            if (count < 0) {
                Buffers.putZeroes(into);
                return;
            }
            position += count;
        }
    }

    @Override
    public void write(long offset, ByteBuffer from) throws IOException {
        long position = offset;
        while (from.hasRemaining()) {
            position += channel.write(from, position);
        }
    }

    @Override
    public void sync() throws IOException {
        IOException earlier = syncFailure;
        if (earlier != null) {
            throw new IOException(
                    name + " could not be written to stable storage: " + earlier.getMessage(),
                    earlier);
        }
        try {
            channel.force(false);
        } catch (IOException e) {
            syncFailure = e;
            throw e;
        }
    }

    @Override
    public boolean punch(long offset, long lengthBytes) throws IOException {
        if (cannotPunch || lengthBytes == 0) {
            return lengthBytes == 0;
        }
        try {
            LibC.fallocate(descriptor, PUNCH, offset, lengthBytes);
            return true;
        } catch (LastErrorException e) {
            switch (e.getErrorCode()) {
                case EOPNOTSUPP, ENOSYS, ENODEV -> cannotPunch = true;
                case EINVAL -> {} // a block device, and the range is smaller than its blocks
                default ->
                        throw new IOException(
                                HostCallFailed.of("Cannot discard in " + name, e).getMessage(), e);
            }
            return false;
        }
    }

    @Override
    public void close() throws IOException {
        if (channel.isOpen()) {
            channel.close();
            LibC.close(descriptor);
        }
    }
}

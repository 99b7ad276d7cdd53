package org.xenolith.devices.p9;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** What the host says of a file: {@code struct statx}, linux/stat.h. */
record FileStatus(
        int blockBytes,
        int links,
        int user,
        int group,
        int mode,
        long inode,
        long sizeBytes,
        long blocks,
        Time accessed,
        Time changed,
        Time modified,
        long specialDevice,
        long device) {
    /** Seconds since 1970, and nanoseconds. */
    record Time(long seconds, int nanos) {}

    // <sys/stat.h>
    static final int S_IFMT = 0170000;
    static final int S_IFSOCK = 0140000;
    static final int S_IFLNK = 0120000;
    static final int S_IFREG = 0100000;
    static final int S_IFDIR = 0040000;
    static final int S_IFIFO = 0010000;

    private static final int BLKSIZE = 4, NLINK = 16, UID = 20, GID = 24, MODE = 28, INO = 32;
    private static final int SIZE = 40, BLOCKS = 48, ATIME = 64, CTIME = 96, MTIME = 112;
    private static final int RDEV_MAJOR = 128, DEV_MAJOR = 136;
    private static final int NANOS = 8, MINOR = 4;

    private static final ValueLayout.OfInt INT =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    static FileStatus readFrom(byte[] statx) {
        MemorySegment struct = MemorySegment.ofArray(statx);
        return new FileStatus(
                struct.get(INT, BLKSIZE),
                struct.get(INT, NLINK),
                struct.get(INT, UID),
                struct.get(INT, GID),
                struct.get(INT, MODE) & 0xffff,
                struct.get(LONG, INO),
                struct.get(LONG, SIZE),
                struct.get(LONG, BLOCKS),
                time(struct, ATIME),
                time(struct, CTIME),
                time(struct, MTIME),
                device(struct, RDEV_MAJOR),
                device(struct, DEV_MAJOR));
    }

    private static Time time(MemorySegment struct, int at) {
        return new Time(struct.get(LONG, at), struct.get(INT, at + NANOS));
    }

    /** Major number in the upper half. */
    private static long device(MemorySegment struct, int at) {
        long major = struct.get(INT, at);
        return major << Integer.SIZE | Integer.toUnsignedLong(struct.get(INT, at + MINOR));
    }

    private boolean is(int type) {
        return (mode & S_IFMT) == type;
    }

    boolean isFolder() {
        return is(S_IFDIR);
    }

    boolean isRegular() {
        return is(S_IFREG);
    }

    boolean isLink() {
        return is(S_IFLNK);
    }

    boolean isSameFileAs(FileStatus other) {
        return inode == other.inode && device == other.device;
    }
}

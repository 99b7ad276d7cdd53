package org.xenolith.devices.p9;

/**
 * How a server names a file to its client.
 *
 * @param type folder, link, or 0
 * @param version changes when the file does
 * @param path one for each file, see {@link QidPaths}
 */
record Qid(int type, int version, long path) {
    private static final int QTDIR = 0x80, QTSYMLINK = 0x02;

    // <dirent.h>
    private static final int DT_DIR = 4, DT_LNK = 10;

    static Qid of(FileStatus status, QidPaths paths) {
        int type = status.isFolder() ? QTDIR : status.isLink() ? QTSYMLINK : 0;
        FileStatus.Time time = status.modified();
        int version = Long.hashCode(time.seconds() * 1_000_000_000L + time.nanos());
        return new Qid(
                type,
                version ^ (int) status.sizeBytes() << Byte.SIZE,
                paths.of(status.device(), status.inode()));
    }

    /**
     * Of an entry in a list, for which the file is not looked at.
     *
     * @param type {@code d_type} of the host
     */
    static Qid ofEntry(int type, long path) {
        return new Qid(type == DT_DIR ? QTDIR : type == DT_LNK ? QTSYMLINK : 0, 0, path);
    }
}

package org.xenolith.pv.blkback;

/** Numbers of public/io/blkif.h. */
final class Blkif {
    static final int OP_READ = 0;
    static final int OP_WRITE = 1;
    static final int OP_WRITE_BARRIER = 2;
    static final int OP_FLUSH_DISKCACHE = 3;
    static final int OP_DISCARD = 5;
    static final int OP_INDIRECT = 6;

    static final int RSP_EOPNOTSUPP = -2;
    static final int RSP_ERROR = -1;
    static final int RSP_OKAY = 0;

    static final int MAX_SEGMENTS_PER_REQUEST = 11;
    static final int MAX_INDIRECT_PAGES_PER_REQUEST = 8;

    /** Flag of a discard whose old content must be beyond recovery. */
    static final int DISCARD_SECURE = 1;

    static final int VDISK_CDROM = 1;
    static final int VDISK_READONLY = 4;

    private Blkif() {}
}

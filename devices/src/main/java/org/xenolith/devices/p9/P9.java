package org.xenolith.devices.p9;

/** Numbers of 9P2000.L as include/net/9p/9p.h of Linux has them. */
public final class P9 {
    /** Bytes before what a message says: {@code size[4] type[1] tag[2]}. */
    public static final int HEADER = 7;

    /** The smallest {@code msize} of a session that is agreed to; Linux asks for no less. */
    public static final int SMALLEST_MSIZE = 4096;

    static final String VERSION = "9P2000.L";
    static final String UNKNOWN_VERSION = "unknown";
    static final int NO_FID = -1;
    static final int MAX_WALK = 16;

    // Types of requests; that of the answer is one more.
    static final int TLERROR = 6;
    static final int TSTATFS = 8;
    static final int TLOPEN = 12;
    static final int TLCREATE = 14;
    static final int TSYMLINK = 16;
    static final int TMKNOD = 18;
    static final int TRENAME = 20;
    static final int TREADLINK = 22;
    static final int TGETATTR = 24;
    static final int TSETATTR = 26;
    static final int TXATTRWALK = 30;
    static final int TXATTRCREATE = 32;
    static final int TREADDIR = 40;
    static final int TFSYNC = 50;
    static final int TLOCK = 52;
    static final int TGETLOCK = 54;
    static final int TLINK = 70;
    static final int TMKDIR = 72;
    static final int TRENAMEAT = 74;
    static final int TUNLINKAT = 76;
    static final int TVERSION = 100;
    static final int TAUTH = 102;
    static final int TATTACH = 104;
    static final int TFLUSH = 108;
    static final int TWALK = 110;
    static final int TREAD = 116;
    static final int TWRITE = 118;
    static final int TCLUNK = 120;
    static final int TREMOVE = 122;

    static final int RLERROR = TLERROR + 1;

    /** All that Rgetattr has in any case: {@code P9_STATS_BASIC}. */
    static final long GETATTR_BASIC = 0x7ff;

    // What Tsetattr sets.
    static final int SETATTR_MODE = 0x1;
    static final int SETATTR_UID = 0x2;
    static final int SETATTR_GID = 0x4;
    static final int SETATTR_SIZE = 0x8;
    static final int SETATTR_ATIME = 0x10;
    static final int SETATTR_MTIME = 0x20;
    static final int SETATTR_ATIME_SET = 0x80;
    static final int SETATTR_MTIME_SET = 0x100;

    /** Answer to Tlock: P9_LOCK_SUCCESS. */
    static final int LOCK_SUCCESS = 0;

    /** In Rgetlock, nobody holds such a lock: P9_LOCK_TYPE_UNLCK. */
    static final int LOCK_TYPE_UNLCK = 2;

    /** Flag of Tunlinkat: P9_DOTL_AT_REMOVEDIR. */
    static final int UNLINK_FOLDER = 0x200;

    /** Type of the file system in Rstatfs. */
    static final int V9FS_MAGIC = 0x01021997;

    private P9() {}
}

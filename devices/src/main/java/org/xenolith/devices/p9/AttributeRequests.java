package org.xenolith.devices.p9;

import org.xenolith.devices.libc.FileCalls;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Requests about what a file is. */
final class AttributeRequests {
    /** {@code struct statfs}, bits/statfs.h. */
    private static final int F_BSIZE = 8, F_BLOCKS = 16, F_BFREE = 24, F_BAVAIL = 32;

    private static final int F_FILES = 40, F_FFREE = 48, F_FSID = 56, F_NAMELEN = 64;

    private static final int MINOR_LOW = 0xff;
    private static final ValueLayout.OfLong LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final Session session;

    AttributeRequests(Session session) {
        this.session = session;
    }

    void get(RequestReader request, AnswerWriter answer) {
        FileStatus status = session.fids().get(request.u32()).file().status();
        Owners owners = session.owners();
        answer.u64(P9.GETATTR_BASIC)
                .qid(Qid.of(status, session.paths()))
                .u32(status.mode())
                .u32(owners.shownUser(status.user()))
                .u32(owners.shownGroup(status.group()))
                .u64(status.links())
                .u64(encodedDevice(status.specialDevice()))
                .u64(status.sizeBytes())
                .u64(status.blockBytes())
                .u64(status.blocks());
        time(status.accessed(), answer);
        time(status.modified(), answer);
        time(status.changed(), answer);
        // When it was born, its generation, its version: not among what is valid.
        answer.u64(0).u64(0).u64(0).u64(0);
    }

    private static void time(FileStatus.Time time, AnswerWriter answer) {
        answer.u64(time.seconds()).u64(time.nanos());
    }

    /** As Linux writes a device's number on disks: {@code new_encode_dev}. */
    private static long encodedDevice(long device) {
        long major = device >>> Integer.SIZE;
        int minor = (int) device;
        return minor & MINOR_LOW
                | major << Byte.SIZE
                | Integer.toUnsignedLong(minor & ~MINOR_LOW) << 12;
    }

    void set(RequestReader request) {
        Fid fid = session.fids().get(request.u32());
        int valid = request.u32();
        int mode = request.u32();
        int user = request.u32();
        int group = request.u32();
        long size = request.u64();
        long[] times = {request.u64(), request.u64(), request.u64(), request.u64()};
        session.requireWritable();
        if ((valid & P9.SETATTR_MODE) != 0) {
            fid.file().setMode(mode);
        }
        if ((valid & (P9.SETATTR_UID | P9.SETATTR_GID)) != 0) {
            setOwner(fid.file(), valid, user, group);
        }
        if ((valid & P9.SETATTR_SIZE) != 0) {
            setSize(fid, size);
        }
        if ((valid & (P9.SETATTR_ATIME | P9.SETATTR_MTIME)) != 0) {
            chooseTime(times, 0, valid, P9.SETATTR_ATIME, P9.SETATTR_ATIME_SET);
            chooseTime(times, 2, valid, P9.SETATTR_MTIME, P9.SETATTR_MTIME_SET);
            fid.file().setTimes(times);
        }
    }

    /** To give a file to whom it belongs already is no change. */
    private void setOwner(HostFile file, int valid, int user, int group) {
        FileStatus status = file.status();
        Owners owners = session.owners();
        boolean newUser = (valid & P9.SETATTR_UID) != 0 && user != owners.shownUser(status.user());
        boolean newGroup =
                (valid & P9.SETATTR_GID) != 0 && group != owners.shownGroup(status.group());
        if (newUser || newGroup) {
            file.setOwner(
                    newUser ? owners.hostUser(user) : Owners.UNCHANGED,
                    newGroup ? owners.hostGroup(group) : Owners.UNCHANGED);
        }
    }

    /** Who has a file open to write may do so whatever its permissions have become. */
    private static void setSize(Fid fid, long size) {
        if (fid.isOpen() && fid.isWritable()) {
            FileCalls.ftruncate(fid.file().descriptor(), size);
        } else {
            fid.file().setSizeByPath(size);
        }
    }

    private static void chooseTime(long[] times, int at, int valid, int asked, int given) {
        if ((valid & asked) == 0) {
            times[at + 1] = FileCalls.UTIME_OMIT;
        } else if ((valid & given) == 0) {
            times[at + 1] = FileCalls.UTIME_NOW;
        } else if (times[at + 1] == FileCalls.UTIME_OMIT || times[at + 1] == FileCalls.UTIME_NOW) {
            throw new P9Error(Errno.EINVAL);
        }
    }

    void fileSystem(RequestReader request, AnswerWriter answer) {
        HostFile file = session.fids().get(request.u32()).file();
        MemorySegment statfs = MemorySegment.ofArray(file.fileSystemStatus());
        answer.u32(P9.V9FS_MAGIC)
                .u32((int) statfs.get(LONG, F_BSIZE))
                .u64(statfs.get(LONG, F_BLOCKS))
                .u64(statfs.get(LONG, F_BFREE))
                .u64(statfs.get(LONG, F_BAVAIL))
                .u64(statfs.get(LONG, F_FILES))
                .u64(statfs.get(LONG, F_FFREE))
                .u64(statfs.get(LONG, F_FSID))
                .u32((int) statfs.get(LONG, F_NAMELEN));
    }

    void readLink(RequestReader request, AnswerWriter answer) {
        byte[] target = session.fids().get(request.u32()).file().target();
        answer.bytes(target, 0, target.length);
    }
}

package org.xenolith.devices.p9;

import static org.xenolith.devices.libc.FileCalls.O_APPEND;
import static org.xenolith.devices.libc.FileCalls.O_DSYNC;
import static org.xenolith.devices.libc.FileCalls.O_EXCL;
import static org.xenolith.devices.libc.FileCalls.O_SYNC;
import static org.xenolith.devices.libc.FileCalls.O_TRUNC;
import static org.xenolith.devices.libc.FileCalls.O_WRONLY;
import static org.xenolith.devices.libc.LibC.O_RDONLY;
import static org.xenolith.devices.libc.LibC.O_RDWR;

import com.sun.jna.LastErrorException;

import org.xenolith.devices.libc.FileCalls;

/** Requests that open a file, and those of open files. */
final class FileRequests {
    private static final int O_ACCMODE = O_WRONLY | O_RDWR;

    /** All that a client's flags may mean to the host; 9P's numbers are those of x86 Linux. */
    private static final int HONOURED = O_ACCMODE | O_TRUNC | O_APPEND | O_DSYNC | O_SYNC;

    /** The client takes what fits into a message. */
    private static final int NO_IOUNIT = 0;

    private final Session session;
    private final DirectoryLister lister;

    FileRequests(Session session) {
        this.session = session;
        this.lister = new DirectoryLister(session.paths());
    }

    private int checked(int flags) {
        int access = flags & O_ACCMODE;
        if (access == O_ACCMODE) {
            throw new P9Error(Errno.EINVAL);
        }
        if (access != O_RDONLY || (flags & O_TRUNC) != 0) {
            session.requireWritable();
        }
        return flags & HONOURED;
    }

    void open(RequestReader request, AnswerWriter answer) {
        Fid fid = session.fids().get(request.u32());
        int flags = checked(request.u32());
        if (fid.isOpen()) {
            throw new P9Error(Errno.EBADF);
        }
        fid.opened(fid.file().open(flags), fid.place(), flags);
        answer.qid(session.qid(fid.file())).u32(NO_IOUNIT);
    }

    void create(RequestReader request, AnswerWriter answer) {
        Fid fid = session.fids().get(request.u32());
        FileName name = request.name();
        int wireFlags = request.u32();
        int mode = request.u32();
        int group = request.u32();
        session.requireWritable();
        int flags = checked(wireFlags);
        if (fid.isOpen()) {
            throw new P9Error(Errno.EBADF);
        }
        HostFile file = createOrOpen(fid, name, flags, (wireFlags & O_EXCL) != 0, mode, group);
        fid.opened(file, fid.place().child(name), flags);
        answer.qid(session.qid(file)).u32(NO_IOUNIT);
    }

    private HostFile createOrOpen(
            Fid fid, FileName name, int flags, boolean exclusive, int mode, int group) {
        try {
            HostFile made = FolderEntries.create(fid.file(), name, flags, mode);
            session.give(made, fid, group);
            return made;
        } catch (LastErrorException e) {
            if (exclusive || e.getErrorCode() != Errno.EEXIST) {
                throw e;
            }
        }
        try (HostFile there = fid.file().entry(name)) {
            return there.open(flags);
        }
    }

    void read(RequestReader request, AnswerWriter answer) {
        HostFile file = session.fids().get(request.u32()).openFile();
        long offset = request.u64();
        int count = request.u32();
        int position = answer.position();
        answer.u32(0);
        int length = within(count, answer);
        int done = (int) FileCalls.pread(file.descriptor(), answer.address(), length, offset);
        answer.advance(done);
        answer.u32At(position, done);
    }

    private static int within(int count, AnswerWriter answer) {
        return (int) Math.min(Integer.toUnsignedLong(count), answer.room());
    }

    void write(RequestReader request, AnswerWriter answer) {
        Fid fid = session.fids().get(request.u32());
        long offset = request.u64();
        int count = request.u32();
        long data = request.address(count);
        session.requireWritable();
        HostFile file = fid.openFile();
        answer.u32((int) FileCalls.pwrite(file.descriptor(), data, count, offset));
    }

    void list(RequestReader request, AnswerWriter answer) {
        Fid fid = session.fids().get(request.u32());
        long offset = request.u64();
        int count = request.u32();
        HostFile folder = fid.openFile();
        int position = answer.position();
        answer.u32(0);
        int first = answer.position();
        // What is around the shared folder is nobody's business, not even by its number.
        long rootInode = session.rootStatus().inode();
        boolean isRoot = folder.status().isSameFileAs(session.rootStatus());
        lister.list(folder, offset, within(count, answer), isRoot ? rootInode : 0, answer);
        answer.u32At(position, answer.position() - first);
    }

    void sync(RequestReader request) {
        HostFile file = session.fids().get(request.u32()).openFile();
        boolean dataOnly = request.u32() != 0;
        if (dataOnly) {
            FileCalls.fdatasync(file.descriptor());
        } else {
            FileCalls.fsync(file.descriptor());
        }
    }

    /** The client's kernel keeps the locks of its processes; with others there are none. */
    void lock(RequestReader request, AnswerWriter answer) {
        session.fids().get(request.u32());
        answer.u8(P9.LOCK_SUCCESS);
    }

    void getLock(RequestReader request, AnswerWriter answer) {
        session.fids().get(request.u32());
        request.u8();
        long start = request.u64();
        long length = request.u64();
        int process = request.u32();
        byte[] client = request.bytes();
        answer.u8(P9.LOCK_TYPE_UNLCK)
                .u64(start)
                .u64(length)
                .u32(process)
                .bytes(client, 0, client.length);
    }
}

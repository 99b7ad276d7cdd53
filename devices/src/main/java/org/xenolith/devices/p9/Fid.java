package org.xenolith.devices.p9;

import org.xenolith.devices.libc.FileCalls;
import org.xenolith.devices.libc.LibC;

/** What a client refers to by a number: a file that it has walked to, and may have opened. */
final class Fid {
    /** Who attached: new files are given to that user where {@link Owners} give them at all. */
    final int user;

    private HostFile file;
    private Place place;
    private boolean open;
    private boolean writable;

    Fid(HostFile file, Place place, int user) {
        this.file = file;
        this.place = place;
        this.user = user;
    }

    HostFile file() {
        return file;
    }

    Place place() {
        return place;
    }

    void moved(Place to) {
        place = to;
    }

    boolean isOpen() {
        return open;
    }

    boolean isWritable() {
        return writable;
    }

    /** The file, to be read, listed or written. */
    HostFile openFile() {
        if (!open) {
            throw new P9Error(Errno.EBADF);
        }
        return file;
    }

    /** Takes the place of what it stood for. */
    void opened(HostFile opened, Place at, int flags) {
        file.close();
        file = opened;
        place = at;
        open = true;
        writable = (flags & (FileCalls.O_WRONLY | LibC.O_RDWR)) != 0;
    }
}

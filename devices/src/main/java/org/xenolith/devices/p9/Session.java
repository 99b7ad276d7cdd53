package org.xenolith.devices.p9;

import com.sun.jna.LastErrorException;

import java.util.ArrayDeque;
import java.util.Deque;

/** What one client has of a shared folder, between its Tversion and its next. */
final class Session implements AutoCloseable {
    private final SharedFolder folder;
    private final HostFile root;
    private final FileStatus rootStatus;
    private final QidPaths paths;
    private final FidTable fids;

    Session(SharedFolder folder, DescriptorBudget budget) {
        this.folder = folder;
        this.root = folder.root();
        this.rootStatus = root.status();
        this.paths = new QidPaths(rootStatus.device());
        this.fids = new FidTable(budget);
    }

    FidTable fids() {
        return fids;
    }

    QidPaths paths() {
        return paths;
    }

    Owners owners() {
        return folder.owners();
    }

    /** The shared folder itself. */
    HostFile root() {
        return root;
    }

    FileStatus rootStatus() {
        return rootStatus;
    }

    /**
     * @throws P9Error when nothing may be changed
     */
    void requireWritable() {
        if (folder.isReadOnly()) {
            throw new P9Error(Errno.EROFS);
        }
    }

    Qid qid(HostFile file) {
        return Qid.of(file.status(), paths);
    }

    /** Walks to a place by its names, from the root; a client may go as deep as it likes. */
    HostFile at(Place place) {
        Deque<FileName> names = new ArrayDeque<>();
        for (Place each = place; !each.isRoot(); each = each.parent()) {
            names.push(each.name());
        }
        HostFile file = root.again();
        for (FileName name : names) {
            try (HostFile parent = file) {
                file = parent.entry(name);
            }
        }
        return file;
    }

    /** A new file belongs to who made it, where owners are given at all. */
    void give(HostFile made, Fid maker, int group) {
        if (owners().areGiven()) {
            try {
                made.setOwner(maker.user, group);
            } catch (LastErrorException e) {
                // On a file system without owners, such as FAT, it is made all the same.
            }
        }
    }

    @Override
    public void close() {
        fids.removeAll();
        root.close();
    }
}

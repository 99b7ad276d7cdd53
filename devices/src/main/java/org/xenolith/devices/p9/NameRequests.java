package org.xenolith.devices.p9;

/** Requests that change what is in a folder. */
final class NameRequests {
    private final Session session;

    NameRequests(Session session) {
        this.session = session;
    }

    private Fid fid(RequestReader request) {
        return session.fids().get(request.u32());
    }

    void makeFolder(RequestReader request, AnswerWriter answer) {
        Fid folder = fid(request);
        FileName name = request.name();
        int mode = request.u32();
        int group = request.u32();
        session.requireWritable();
        try (HostFile made = FolderEntries.makeFolder(folder.file(), name, mode)) {
            finish(made, folder, group, answer);
        }
    }

    void makeLink(RequestReader request, AnswerWriter answer) {
        Fid folder = fid(request);
        FileName name = request.name();
        byte[] target = request.bytes();
        int group = request.u32();
        session.requireWritable();
        try (HostFile made = FolderEntries.makeLink(folder.file(), name, target)) {
            finish(made, folder, group, answer);
        }
    }

    void makeNode(RequestReader request, AnswerWriter answer) {
        Fid folder = fid(request);
        FileName name = request.name();
        int mode = request.u32();
        request.u32(); // major number
        request.u32(); // minor number
        int group = request.u32();
        session.requireWritable();
        try (HostFile made = FolderEntries.makeNode(folder.file(), name, mode)) {
            finish(made, folder, group, answer);
        }
    }

    private void finish(HostFile made, Fid maker, int group, AnswerWriter answer) {
        session.give(made, maker, group);
        answer.qid(session.qid(made));
    }

    void addName(RequestReader request) {
        Fid folder = fid(request);
        Fid file = fid(request);
        FileName name = request.name();
        session.requireWritable();
        FolderEntries.addName(file.file(), folder.file(), name);
    }

    void renameAt(RequestReader request) {
        Fid oldFolder = fid(request);
        FileName oldName = request.name();
        Fid newFolder = fid(request);
        FileName newName = request.name();
        session.requireWritable();
        FolderEntries.rename(oldFolder.file(), oldName, newFolder.file(), newName);
    }

    /** As clients do that do not know {@link #renameAt}. */
    void rename(RequestReader request) {
        Fid file = fid(request);
        Fid newFolder = fid(request);
        FileName newName = request.name();
        session.requireWritable();
        try (HostFile parent = parentOf(file)) {
            FolderEntries.rename(parent, file.place().name(), newFolder.file(), newName);
        }
        file.moved(newFolder.place().child(newName));
    }

    void removeAt(RequestReader request) {
        Fid folder = fid(request);
        FileName name = request.name();
        int flags = request.u32();
        session.requireWritable();
        FolderEntries.remove(folder.file(), name, (flags & P9.UNLINK_FOLDER) != 0);
    }

    /** As clients do that do not know {@link #removeAt}; the fid is gone in any case. */
    void remove(RequestReader request) {
        int number = request.u32();
        Fid file = session.fids().get(number);
        try {
            session.requireWritable();
            try (HostFile parent = parentOf(file)) {
                boolean isFolder = file.file().status().isFolder();
                FolderEntries.remove(parent, file.place().name(), isFolder);
            }
        } finally {
            session.fids().remove(number);
        }
    }

    /**
     * The folder in which the file has the name by which the client found it.
     *
     * @throws P9Error when there is another file of that name now
     */
    private HostFile parentOf(Fid file) {
        if (file.place().isRoot()) {
            throw new P9Error(Errno.EACCES);
        }
        HostFile parent = session.at(file.place().parent());
        try (HostFile there = parent.entry(file.place().name())) {
            if (there.status().isSameFileAs(file.file().status())) {
                return parent;
            }
        } catch (RuntimeException e) {
            parent.close();
            throw e;
        }
        parent.close();
        throw new P9Error(Errno.ESTALE);
    }
}

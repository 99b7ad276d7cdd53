package org.xenolith.devices.p9;

import com.sun.jna.LastErrorException;

/** A way from one file to another, step by step. */
final class Walk {
    private final Session session;
    private HostFile file;
    private Place place;

    /**
     * @param from whose file stays as it is
     */
    Walk(Session session, Fid from) {
        this.session = session;
        this.file = from.file().again();
        this.place = from.place();
    }

    /** Where it has led; the caller's to close after {@link #go} has gone all the way. */
    HostFile file() {
        return file;
    }

    Place place() {
        return place;
    }

    /**
     * @param answer takes a qid for each step that was possible
     * @return steps that were
     * @throws P9Error when not even the first was, or {@link LastErrorException}
     */
    int go(FileName[] steps, AnswerWriter answer) {
        int done = 0;
        try {
            for (FileName step : steps) {
                take(step);
                answer.qid(session.qid(file));
                done++;
            }
        } catch (P9Error | LastErrorException e) {
            if (done == 0) {
                throw e;
            }
        } finally {
            if (done < steps.length) {
                file.close();
            }
        }
        return done;
    }

    private void take(FileName step) {
        Place next = step.isParent() ? parent() : place.child(step);
        HostFile reached = step.isParent() ? session.at(next) : file.entry(step);
        file.close();
        file = reached;
        place = next;
    }

    /** The root's is the root. */
    private Place parent() {
        if (!file.status().isFolder()) {
            throw new P9Error(Errno.ENOTDIR);
        }
        return place.isRoot() ? place : place.parent();
    }
}

package org.xenolith.devices.p9;

import org.xenolith.devices.libc.FileCalls;

/** Whom a file of the host belongs to in the client's eyes. */
sealed interface Owners {
    /** Shown for everybody else: Linux's {@code nobody}. */
    int NOBODY = 65534;

    /** Leaves an owner as it is: {@code chown} of the host. */
    int UNCHANGED = -1;

    int shownUser(int hostUser);

    int shownGroup(int hostGroup);

    /**
     * Whom to give a file to.
     *
     * @throws P9Error when the host's user may not
     */
    int hostUser(int shownUser);

    /** As {@link #hostUser}. */
    int hostGroup(int shownGroup);

    /** Whether a new file is given to the user that made it. */
    boolean areGiven();

    /** As suits the user that this process runs as. */
    static Owners ofThisProcess() {
        int user = FileCalls.geteuid();
        return user == 0 ? new AsTheyAre() : new Mine(user, FileCalls.getegid());
    }

    /** For root, who may give files to anybody: the numbers are the host's. */
    record AsTheyAre() implements Owners {
        @Override
        public int shownUser(int hostUser) {
            return hostUser;
        }

        @Override
        public int shownGroup(int hostGroup) {
            return hostGroup;
        }

        @Override
        public int hostUser(int shownUser) {
            return shownUser;
        }

        @Override
        public int hostGroup(int shownGroup) {
            return shownGroup;
        }

        @Override
        public boolean areGiven() {
            return true;
        }
    }

    /** For anybody else: what is theirs is the client's root's, and the rest is nobody's. */
    record Mine(int user, int group) implements Owners {
        @Override
        public int shownUser(int hostUser) {
            return hostUser == user ? 0 : NOBODY;
        }

        @Override
        public int shownGroup(int hostGroup) {
            return hostGroup == group ? 0 : NOBODY;
        }

        @Override
        public int hostUser(int shownUser) {
            return mine(shownUser, user);
        }

        @Override
        public int hostGroup(int shownGroup) {
            return mine(shownGroup, group);
        }

        private static int mine(int shown, int id) {
            if (shown != 0) {
                throw new P9Error(Errno.EPERM);
            }
            return id;
        }

        @Override
        public boolean areGiven() {
            return false;
        }
    }
}

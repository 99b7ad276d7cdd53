package org.xenolith.devices.p9;

import com.sun.jna.LastErrorException;

import java.util.HashMap;
import java.util.Map;

/** The fids of one client; each holds one descriptor of the host. */
final class FidTable {
    private final Map<Integer, Fid> fids = new HashMap<>();
    private final DescriptorBudget budget;

    FidTable(DescriptorBudget budget) {
        this.budget = budget;
    }

    /**
     * @throws P9Error when the client has none of that number
     */
    Fid get(int number) {
        Fid fid = fids.get(number);
        if (fid == null) {
            throw new P9Error(Errno.EBADF);
        }
        return fid;
    }

    /** Before something is opened for it: whether a fid of that number may be added. */
    void requireFree(int number) {
        if (number == P9.NO_FID || fids.containsKey(number)) {
            throw new P9Error(Errno.EBADF);
        }
        if (fids.size() >= budget.ofOne()) {
            throw new P9Error(Errno.EMFILE);
        }
    }

    /**
     * Adds a fid, whose file is closed if there is no room.
     *
     * @param number that {@link #requireFree} has looked at
     */
    void add(int number, Fid fid) {
        try {
            budget.take();
        } catch (P9Error full) {
            fid.file().close();
            throw full;
        }
        fids.put(number, fid);
    }

    /** Exchanges what a number stands for. */
    void replace(int number, Fid fid) {
        fids.put(number, fid).file().close();
    }

    /** Ends a fid; it is gone also if closing its file fails. */
    void remove(int number) {
        Fid fid = get(number);
        fids.remove(number);
        budget.give();
        fid.file().close();
    }

    void removeAll() {
        for (Fid fid : fids.values()) {
            budget.give();
            try {
                fid.file().close();
            } catch (LastErrorException e) {
                // The descriptor is free all the same, and nobody waits for this answer.
            }
        }
        fids.clear();
    }

    int size() {
        return fids.size();
    }
}

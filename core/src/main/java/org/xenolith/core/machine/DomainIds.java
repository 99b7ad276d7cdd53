package org.xenolith.core.machine;

import org.xenolith.core.abi.DomId;
import org.xenolith.core.boot.BootFailed;

import java.util.HashSet;
import java.util.Set;

/**
 * The numbers that go by the guests of a host. One that was given back is the last to be taken
 * again, so that who remembers it does not soon mean another guest. Thread-safe.
 */
final class DomainIds {
    static final int FIRST = 1;
    private static final int END = DomId.FIRST_RESERVED;

    private final Set<Integer> taken = new HashSet<>();
    private int next = FIRST;

    /**
     * @throws BootFailed when guests have all there are
     */
    synchronized int take() {
        for (int tried = FIRST; tried < END; tried++) {
            int id = next;
            next = id + 1 == END ? FIRST : id + 1;
            if (taken.add(id)) {
                return id;
            }
        }
        throw new BootFailed(
                "There are %d guests on this host, and no number is left for another one"
                        .formatted(taken.size()));
    }

    /** This one, if no guest has it now. */
    synchronized int take(int wanted) {
        return wanted >= FIRST && wanted < END && taken.add(wanted) ? wanted : take();
    }

    /** Nothing on the host goes by the id any more. */
    synchronized void giveBack(int id) {
        taken.remove(id);
    }
}

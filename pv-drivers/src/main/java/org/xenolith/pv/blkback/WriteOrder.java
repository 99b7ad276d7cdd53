package org.xenolith.pv.blkback;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;

/**
 * When a flush may begin: once every write and discard taken from the ring before it has returned.
 * Each flush closes an epoch; writes after it belong to the next one and need not wait.
 */
final class WriteOrder {
    /** Writes between two flushes. */
    static final class Epoch {
        private int writesUnderWay;
        private DiskJob flush;
    }

    /** The last one is open; all others have a flush that waits. */
    private final Queue<Epoch> epochs = new ArrayDeque<>();

    private Epoch open = new Epoch();

    WriteOrder() {
        epochs.add(open);
    }

    /** A write or discard begins. */
    Epoch begin() {
        open.writesUnderWay++;
        return open;
    }

    /**
     * It has returned.
     *
     * @return flushes that may begin now
     */
    List<DiskJob> end(Epoch epoch) {
        epoch.writesUnderWay--;
        return due();
    }

    /**
     * A flush arrives.
     *
     * @return flushes that may begin now
     */
    List<DiskJob> flush(DiskJob flush) {
        open.flush = flush;
        open = new Epoch();
        epochs.add(open);
        return due();
    }

    /** Forgets the flushes that wait. */
    List<DiskJob> cancel() {
        List<DiskJob> waiting = new ArrayList<>();
        for (Epoch epoch : epochs) {
            if (epoch.flush != null) {
                waiting.add(epoch.flush);
                epoch.flush = null;
            }
        }
        return waiting;
    }

    private List<DiskJob> due() {
        List<DiskJob> due = new ArrayList<>();
        while (epochs.element() != open && epochs.element().writesUnderWay == 0) {
            DiskJob flush = epochs.remove().flush;
            if (flush != null) {
                due.add(flush);
            }
        }
        return due;
    }
}

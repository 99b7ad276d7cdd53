package org.xenolith.devices.block;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/**
 * What each sector of a disk may hold if the power goes now: what a returned flush has promised,
 * and whatever was written since, or beside it. Sectors that nobody wrote hold what they held at
 * first.
 */
final class SectorHistory {
    private final long[] atFirst;

    /** Whether no flush has promised anything else yet. */
    private final boolean[] maybeAsAtFirst;

    private final List<List<SectorWrite>> maybe = new ArrayList<>();

    /** Writes that are over and that no flush has promised yet. */
    private final List<SectorWrite> unpromised = new ArrayList<>();

    SectorHistory(long[] digestsAtFirst) {
        atFirst = digestsAtFirst;
        maybeAsAtFirst = new boolean[atFirst.length];
        for (int sector = 0; sector < atFirst.length; sector++) {
            maybeAsAtFirst[sector] = true;
            maybe.add(new ArrayList<>(0));
        }
    }

    void begun(SectorWrite write) {
        for (int sector = write.first(); sector < write.end(); sector++) {
            maybe.get(sector).add(write);
        }
    }

    void done(SectorWrite write) {
        unpromised.add(write);
    }

    /** A flush has returned that was asked for after an event: what was over then is promised. */
    void flushed(int begun) {
        for (Iterator<SectorWrite> writes = unpromised.iterator(); writes.hasNext(); ) {
            SectorWrite write = writes.next();
            if (write.isDoneBefore(begun)) {
                promise(write);
                writes.remove();
            }
        }
    }

    /**
     * From now on a sector that it wrote holds this, or something that was not written before it.
     */
    private void promise(SectorWrite write) {
        for (int sector = write.first(); sector < write.end(); sector++) {
            maybeAsAtFirst[sector] = false;
            maybe.get(sector).removeIf(other -> other.isBefore(write));
        }
    }

    boolean allows(int sector, long digest) {
        if (maybeAsAtFirst[sector] && atFirst[sector] == digest) {
            return true;
        }
        for (SectorWrite write : maybe.get(sector)) {
            if (write.digest(sector) == digest) {
                return true;
            }
        }
        return false;
    }

    /** Sectors of which a flush has promised something. */
    int promised() {
        int promised = 0;
        for (boolean first : maybeAsAtFirst) {
            promised += first ? 0 : 1;
        }
        return promised;
    }
}

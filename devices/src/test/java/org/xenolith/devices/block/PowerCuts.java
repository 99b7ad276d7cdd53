package org.xenolith.devices.block;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * What is found of a {@link RecordedDisk} if the power goes at a moment of its record: any subset
 * of the sectors that its file had not synced is lost. One record serves any number of cuts, in
 * ascending order.
 */
public final class PowerCuts {
    private final List<DiskEvent> events;
    private final UnstableFile file;
    private final SectorHistory history;
    private final List<String> notes = new ArrayList<>();

    /** Number of the next event. */
    private int now;

    public PowerCuts(RecordedDisk disk) {
        events = disk.events();
        file = new UnstableFile(disk.fileAtFirst());
        history = new SectorHistory(disk.digestsAtFirst());
    }

    /** Events in the record. */
    public int size() {
        return events.size();
    }

    /** Numbers of the events that are about to make something stable: when most is at stake. */
    public List<Integer> syncs() {
        List<Integer> syncs = new ArrayList<>();
        for (int i = 0; i < events.size(); i++) {
            if (events.get(i) instanceof DiskEvent.FileSynced) {
                syncs.add(i);
            }
        }
        return syncs;
    }

    /** Goes on to the moment before an event. */
    public void advanceTo(int event) throws IOException {
        while (now < event) {
            apply(events.get(now++));
        }
    }

    private void apply(DiskEvent event) throws IOException {
        switch (event) {
            case DiskEvent.FileWritten(long offset, byte[] bytes) ->
                    file.write(offset, ByteBuffer.wrap(bytes));
            case DiskEvent.FilePunched(long offset, long length) -> file.punch(offset, length);
            case DiskEvent.FileSynced() -> file.sync();
            case DiskEvent.WriteBegun(SectorWrite write) -> history.begun(write);
            case DiskEvent.WriteDone(SectorWrite write) -> history.done(write);
            case DiskEvent.FlushDone(int begun) -> history.flushed(begun);
            case DiskEvent.Noted(String text) -> notes.add(text);
        }
    }

    /** What was noted before this moment. */
    public List<String> notes() {
        return List.copyOf(notes);
    }

    /** Sectors of the file that may be lost now. */
    public int unsyncedSectors() {
        return file.unsyncedSectors();
    }

    /** Sectors of the disk of which a flush has promised something. */
    public int promisedSectors() {
        return history.promised();
    }

    /**
     * The file as it is found when the power is back.
     *
     * @param survival chance of each unsynced sector to have reached the disk in some newer state
     */
    public byte[] found(Random random, double survival) {
        return file.found(random, survival);
    }

    /** Fails unless each sector of the disk is what was promised, or something newer. */
    public void requirePromises(BlockImage reopened) throws IOException {
        long[] digests = RecordedDisk.digests(reopened);
        List<Integer> wrong = new ArrayList<>();
        for (int sector = 0; sector < digests.length; sector++) {
            if (!history.allows(sector, digests[sector])) {
                wrong.add(sector);
            }
        }
        assertThat(wrong).as("sectors that break a promise, cut before event %d", now).isEmpty();
    }
}

package org.xenolith.core.snapshot;

import org.xenolith.core.event.EventChannels;
import org.xenolith.core.event.SavedChannel;

import java.util.ArrayList;
import java.util.List;

/** Event channels in a file; whether a domain can have them is its own to say. */
final class EventsSection {
    private EventsSection() {}

    static Fields toFields(List<SavedChannel> saved) {
        Fields out = new Fields().i32(saved.size());
        for (SavedChannel s : saved) {
            out.i32s(s.port(), s.kind(), s.vcpu(), s.virq(), s.remoteDomain(), s.remotePort());
        }
        return out;
    }

    static List<SavedChannel> from(FieldReader in) throws SnapshotException {
        List<SavedChannel> saved = new ArrayList<>();
        for (int left = in.i32(0, EventChannels.PORTS, "the channels"); left > 0; left--) {
            int[] s = in.i32s();
            in.require(s.length == 6, "a channel");
            saved.add(new SavedChannel(s[0], s[1], s[2], s[3], s[4], s[5]));
        }
        in.end();
        return saved;
    }
}

package org.xenolith.core.watch;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;

import org.xenolith.core.backend.DomainRings;
import org.xenolith.pv.host.WatchedRing;
import org.xenolith.pv.ring.ByteRing;

import java.util.List;

/** Where both sides of a domain's rings are. */
public final class RingsReport {
    private RingsReport() {}

    public static JsonArray of(List<ByteRing.State> bytes, List<DomainRings.State> devices) {
        JsonArray rings = new JsonArray();
        bytes.forEach(ring -> rings.add(ofBytes(ring)));
        devices.forEach(ring -> rings.add(ofDevice(ring)));
        return rings;
    }

    private static JsonObject ofBytes(ByteRing.State ring) {
        JsonObject row = new JsonObject();
        int space = ring.name().indexOf(' ');
        row.addProperty("device", ring.name().substring(0, space));
        row.addProperty("ring", ring.name().substring(space + 1));
        row.addProperty("unit", "bytes");
        row.addProperty("size", ring.size());
        row.addProperty("producer", Integer.toUnsignedLong(ring.producer()));
        row.addProperty("consumer", Integer.toUnsignedLong(ring.consumer()));
        row.addProperty("pending", Integer.toUnsignedLong(ring.producer() - ring.consumer()));
        return row;
    }

    private static JsonObject ofDevice(DomainRings.State ring) {
        WatchedRing.Indices at = ring.indices();
        JsonObject row = new JsonObject();
        row.addProperty("device", ring.device());
        row.addProperty("ring", ring.ring());
        row.addProperty("unit", ring.stream() ? "bytes" : "slots");
        row.addProperty("size", ring.size());
        row.addProperty("producer", Integer.toUnsignedLong(at.requestsProduced()));
        row.addProperty("consumer", Integer.toUnsignedLong(at.requestsConsumed()));
        int pending = at.requestsProduced() - at.requestsConsumed();
        row.addProperty("pending", Integer.toUnsignedLong(pending));
        if (ring.stream()) {
            return row;
        }
        row.addProperty("responses", Integer.toUnsignedLong(at.responsesProduced()));
        int unanswered = at.requestsConsumed() - at.responsesProduced();
        row.addProperty("unanswered", Integer.toUnsignedLong(unanswered));
        row.addProperty("request_event", Integer.toUnsignedLong(at.requestEvent()));
        row.addProperty("response_event", Integer.toUnsignedLong(at.responseEvent()));
        return row;
    }
}

package org.xenolith.core.machine;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;

import org.xenolith.core.control.ControlException;
import org.xenolith.core.trace.LossySink;
import org.xenolith.core.trace.TraceFilter;
import org.xenolith.core.trace.TraceTopic;

import java.time.Duration;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;

/**
 * What somebody wants to see of a guest that runs.
 *
 * @param timeline whether as Chrome's trace events, or as text
 * @param count events at most, {@link LossySink#UNLIMITED} for all
 * @param time after which it is over, from when it begins
 */
record TraceRequest(TraceFilter filter, boolean timeline, long count, Optional<Duration> time) {
    /**
     * @throws ControlException with a sentence about what makes no sense
     */
    static TraceRequest parse(JsonObject request) throws ControlException {
        Optional<Duration> time =
                request.has("milliseconds")
                        ? Optional.of(Duration.ofMillis(number(request, "milliseconds")))
                        : Optional.empty();
        long count = request.has("count") ? number(request, "count") : LossySink.UNLIMITED;
        TraceFilter filter = TraceFilter.of(topics(request), text(request, "function"));
        return new TraceRequest(filter, isTimeline(request), count, time);
    }

    private static Set<TraceTopic> topics(JsonObject request) throws ControlException {
        if (!request.has("topics")) {
            return TraceTopic.standard();
        }
        if (!(request.get("topics") instanceof JsonArray names) || names.isEmpty()) {
            throw new ControlException("'topics' is a list of one topic or more.");
        }
        Set<TraceTopic> topics = EnumSet.noneOf(TraceTopic.class);
        for (JsonElement name : names) {
            String label = name.isJsonPrimitive() ? name.getAsString() : "";
            topics.add(TraceTopic.of(label).orElseThrow(() -> noTopic(label)));
        }
        return topics;
    }

    private static ControlException noTopic(String label) {
        String all = String.join(", ", TraceTopic.labels());
        return new ControlException("'%s' is no topic: choose from %s.".formatted(label, all));
    }

    private static boolean isTimeline(JsonObject request) throws ControlException {
        return switch (text(request, "format")) {
            case "", "text" -> false;
            case "timeline" -> true;
            default -> throw new ControlException("'format' is 'text' or 'timeline'.");
        };
    }

    /** Empty when there is none. */
    private static String text(JsonObject request, String member) throws ControlException {
        JsonElement value = request.get(member);
        if (value == null) {
            return "";
        }
        if (!(value instanceof JsonPrimitive text) || !text.isString()) {
            throw new ControlException("'" + member + "' is a text.");
        }
        return text.getAsString();
    }

    private static long number(JsonObject request, String member) throws ControlException {
        JsonElement value = request.get(member);
        String text = value.isJsonPrimitive() ? value.getAsString() : "";
        if (!text.matches("[1-9]\\d{0,14}")) {
            throw new ControlException("'" + member + "' is a whole number above 0.");
        }
        return Long.parseLong(text);
    }
}

package org.xenolith.core.trace;

import java.util.EnumSet;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Which events are wanted.
 *
 * @param topics of these only
 * @param functions those that a matching function of the guest's kernel caused; null for all
 */
public record TraceFilter(Set<TraceTopic> topics, Pattern functions) {
    public TraceFilter {
        EnumSet<TraceTopic> copy = EnumSet.noneOf(TraceTopic.class);
        copy.addAll(topics);
        topics = copy;
    }

    /** All events of some topics. */
    public static TraceFilter of(Set<TraceTopic> topics) {
        return new TraceFilter(topics, null);
    }

    /**
     * @param function a name in which {@code *} stands for anything and {@code ?} for a character;
     *     empty for all
     */
    public static TraceFilter of(Set<TraceTopic> topics, String function) {
        return new TraceFilter(topics, function.isEmpty() ? null : pattern(function));
    }

    /** A pattern in which {@code *} stands for anything and {@code ?} for a character. */
    public static Pattern pattern(String glob) {
        StringBuilder pattern = new StringBuilder();
        for (char c : glob.toCharArray()) {
            switch (c) {
                case '*' -> pattern.append(".*");
                case '?' -> pattern.append('.');
                default -> pattern.append(Pattern.quote(String.valueOf(c)));
            }
        }
        return Pattern.compile(pattern.toString());
    }

    /** Whether an event is shown. */
    boolean wants(Happening happening) {
        return wantsTopic(happening.event())
                && (functions == null || wantsFunction(happening.function()));
    }

    private boolean wantsTopic(TraceEvent event) {
        return event instanceof TraceEvent.Hypercalled call
                ? wantsHypercall(topics, call.number())
                : topics.contains(event.topic());
    }

    /** Whether a hypercall is shown: all are with their own topic, some with another. */
    static boolean wantsHypercall(Set<TraceTopic> topics, int number) {
        return topics.contains(TraceTopic.HYPERCALL) || topics.contains(TraceEvent.topicOf(number));
    }

    /** Whether the function is one of those wanted; {@code name+0x12} stands for name. */
    boolean wantsFunction(String function) {
        if (functions == null) {
            return true;
        }
        int plus = function.indexOf('+');
        String name = plus < 0 ? function : function.substring(0, plus);
        return functions.matcher(name).matches();
    }
}

package org.xenolith.core.cli;

import org.xenolith.core.trace.TraceTopic;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** A trace topic as the command line writes it: its constant's name in lower case. */
final class TraceTopicName implements ITypeConverter<TraceTopic> {
    @Override
    public TraceTopic convert(String text) {
        for (TraceTopic topic : TraceTopic.values()) {
            if (topic.label().equals(text.strip().toLowerCase(Locale.ROOT))) {
                return topic;
            }
        }
        throw new TypeConversionException("'" + text + "' is no topic: choose from " + all());
    }

    static String all() {
        return Arrays.stream(TraceTopic.values())
                .map(TraceTopic::label)
                .collect(Collectors.joining(", "));
    }
}

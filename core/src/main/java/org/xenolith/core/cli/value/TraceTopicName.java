package org.xenolith.core.cli.value;

import org.xenolith.core.explain.Spelling;
import org.xenolith.core.trace.TraceTopic;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

import java.util.List;
import java.util.Locale;

/** A trace topic as the command line writes it: its constant's name in lower case. */
public final class TraceTopicName implements ITypeConverter<TraceTopic> {
    /** In the help of commands that take some. */
    public static final String LABEL = "TOPIC";

    @Override
    public TraceTopic convert(String text) {
        return parse(text);
    }

    /**
     * @throws TypeConversionException with what there is
     */
    public static TraceTopic parse(String text) {
        return TraceTopic.of(text)
                .orElseThrow(
                        () ->
                                new TypeConversionException(
                                        "'%s' is no topic: choose from %s"
                                                .formatted(
                                                        text,
                                                        String.join(", ", TraceTopic.labels()))));
    }

    /** What may have been meant by a topic that there is not. */
    public static List<String> near(String text) {
        return Spelling.nearest(text.strip().toLowerCase(Locale.ROOT), TraceTopic.labels());
    }
}

package org.xenolith.core.cli.value;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A time as timeout(1) writes it: seconds, or a number with ms, s, m or h. */
public class TimeSpan implements ITypeConverter<Duration> {
    private static final Pattern SYNTAX = Pattern.compile("(\\d{1,9})(ms|s|m|h|)");

    @Override
    public Duration convert(String text) {
        Matcher matcher = SYNTAX.matcher(text.strip());
        if (!matcher.matches()) {
            throw new TypeConversionException("'" + text + "' is no time: write 60s, 2m or 500ms");
        }
        long amount = Long.parseLong(matcher.group(1));
        return switch (matcher.group(2)) {
            case "ms" -> Duration.ofMillis(amount);
            case "m" -> Duration.ofMinutes(amount);
            case "h" -> Duration.ofHours(amount);
            default -> Duration.ofSeconds(amount);
        };
    }

    /** One that is over only after a while. */
    public static final class Positive extends TimeSpan {
        @Override
        public Duration convert(String text) {
            Duration time = super.convert(text);
            if (!time.isPositive()) {
                throw new TypeConversionException("'" + text + "' is no time above 0");
            }
            return time;
        }
    }
}

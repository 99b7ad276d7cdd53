package org.xenolith.core.cli.value;

import org.xenolith.core.config.GuestConfig;
import org.xenolith.core.config.TimeSyntax;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

import java.time.Duration;

/** A time as timeout(1) writes it: seconds, or a number with ms, s, m or h. */
public class TimeSpan implements ITypeConverter<Duration> {
    @Override
    public Duration convert(String text) {
        return TimeSyntax.parse(text)
                .orElseThrow(
                        () ->
                                new TypeConversionException(
                                        "'" + text + "' is no time: write 60s, 2m or 500ms"));
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

    /** By which the timers of a guest may be late. */
    public static final class Slack extends TimeSpan {
        @Override
        public Duration convert(String text) {
            Duration time = super.convert(text);
            if (time.compareTo(GuestConfig.MOST_TIMER_SLACK) > 0) {
                throw new TypeConversionException(
                        "'" + text + "' is more than " + GuestConfig.MOST_TIMER_SLACK_TEXT);
            }
            return time;
        }
    }
}

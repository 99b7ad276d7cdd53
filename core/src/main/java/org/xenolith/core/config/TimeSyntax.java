package org.xenolith.core.config;

import java.time.Duration;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A time as timeout(1) writes it: seconds, or a number with ms, s, m or h. What is longer than 292
 * years, the most that nanoseconds can count, is that.
 */
public final class TimeSyntax {
    private static final Pattern SYNTAX = Pattern.compile("(\\d{1,9})(ms|s|m|h|)");

    private static final Duration LONGEST = Duration.ofNanos(Long.MAX_VALUE);

    private TimeSyntax() {}

    /** Empty when the text is none. */
    public static Optional<Duration> parse(String text) {
        Matcher matcher = SYNTAX.matcher(text.strip());
        if (!matcher.matches()) {
            return Optional.empty();
        }
        long amount = Long.parseLong(matcher.group(1));
        Duration time =
                switch (matcher.group(2)) {
                    case "ms" -> Duration.ofMillis(amount);
                    case "m" -> Duration.ofMinutes(amount);
                    case "h" -> Duration.ofHours(amount);
                    default -> Duration.ofSeconds(amount);
                };
        return Optional.of(time.compareTo(LONGEST) < 0 ? time : LONGEST);
    }
}

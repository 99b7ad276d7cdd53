package org.xenolith.core.config;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An address of this host to listen on.
 *
 * @param host name or number, not looked up
 * @param port 0 to 65535
 */
public record HostPort(String host, int port) {
    private static final Pattern WRITTEN = Pattern.compile("(.+):(\\d{1,5})");
    private static final int MAX_PORT = 0xffff;

    /** From {@code 127.0.0.1:8080}; empty if it is not written so. */
    public static Optional<HostPort> parse(String text) {
        Matcher parts = WRITTEN.matcher(text);
        if (!parts.matches() || Integer.parseInt(parts.group(2)) > MAX_PORT) {
            return Optional.empty();
        }
        return Optional.of(new HostPort(parts.group(1), Integer.parseInt(parts.group(2))));
    }
}

package org.xenolith.devices.net.nat;

import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A port of the host that is listened on: what tells one {@link PortForward} from another.
 *
 * @param protocol TCP or UDP
 * @param address of the host; 127.0.0.1 unless written
 * @param port from 0
 */
public record ListeningPort(PortForward.Protocol protocol, String address, int port) {
    private static final Pattern SYNTAX =
            Pattern.compile(HostAddress.OPTIONAL + "(\\d{1,5})(?:/(tcp|udp))?");

    public ListeningPort {
        Objects.requireNonNull(protocol);
        HostAddress.parse(address);
        if (port < 0 || port > PortForward.MAX_PORT) {
            throw new IllegalArgumentException(port + " is no port");
        }
    }

    /**
     * @param text {@code [ADDRESS:]PORT[/tcp|/udp]}, an IPv6 address in brackets
     * @throws IllegalArgumentException with a sentence when it is not that
     */
    public static ListeningPort parse(String text) {
        Matcher parts = SYNTAX.matcher(text);
        if (!parts.matches()) {
            throw new IllegalArgumentException("'" + text + "' is not [ADDRESS:]PORT[/tcp|/udp]");
        }
        return new ListeningPort(
                PortForward.Protocol.named(parts.group(4)),
                HostAddress.of(parts.group(1), parts.group(2)),
                Integer.parseInt(parts.group(3)));
    }

    @Override
    public String toString() {
        return HostAddress.written(address) + ":" + port + protocol.suffix();
    }
}

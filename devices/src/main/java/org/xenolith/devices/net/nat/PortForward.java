package org.xenolith.devices.net.nat;

import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A port of the host that leads to a port of a guest, as {@code -p} names it.
 *
 * @param protocol TCP or UDP
 * @param hostAddress address to listen on, IPv4 or IPv6; 127.0.0.1 unless written
 * @param hostPort port to listen on, 0 for any that is free
 * @param guestPort port of the guest, from 1
 */
public record PortForward(Protocol protocol, String hostAddress, int hostPort, int guestPort) {
    /** What the port carries. */
    public enum Protocol {
        TCP,
        UDP;

        /** TCP where none is written. */
        static Protocol named(String name) {
            return "udp".equals(name) ? UDP : TCP;
        }

        String suffix() {
            return this == UDP ? "/udp" : "/tcp";
        }
    }

    static final int MAX_PORT = 0xffff;
    private static final Pattern SYNTAX =
            Pattern.compile(HostAddress.OPTIONAL + "(\\d{1,5}):(\\d{1,5})(?:/(tcp|udp))?");

    public PortForward {
        Objects.requireNonNull(protocol);
        HostAddress.parse(hostAddress);
        if (hostPort < 0 || hostPort > MAX_PORT || guestPort < 1 || guestPort > MAX_PORT) {
            throw new IllegalArgumentException(
                    "ports have to be from 1 to 65535: " + hostPort + ":" + guestPort);
        }
    }

    /**
     * @param text {@code [ADDRESS:]HOSTPORT:GUESTPORT[/tcp|/udp]}, an IPv6 address in brackets
     * @throws IllegalArgumentException with a sentence when it is not that
     */
    public static PortForward parse(String text) {
        Matcher parts = SYNTAX.matcher(text);
        if (!parts.matches()) {
            throw new IllegalArgumentException(
                    "'" + text + "' is not [ADDRESS:]HOSTPORT:GUESTPORT[/tcp|/udp]");
        }
        return new PortForward(
                Protocol.named(parts.group(5)),
                HostAddress.of(parts.group(1), parts.group(2)),
                Integer.parseInt(parts.group(3)),
                Integer.parseInt(parts.group(4)));
    }

    /** The host's end. */
    public ListeningPort listeningPort() {
        return new ListeningPort(protocol, hostAddress, hostPort);
    }

    @Override
    public String toString() {
        return HostAddress.written(hostAddress)
                + ":"
                + hostPort
                + ":"
                + guestPort
                + protocol.suffix();
    }
}

package org.xenolith.devices.net.nat;

import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A port of the host that leads to a port of a guest, as {@code -p} names it.
 *
 * @param protocol TCP or UDP
 * @param hostAddress address to listen on; 127.0.0.1 unless written
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
    private static final String LOOPBACK = "127.0.0.1";
    private static final Pattern SYNTAX =
            Pattern.compile(
                    "(?:(\\d+\\.\\d+\\.\\d+\\.\\d+):)?(\\d{1,5}):(\\d{1,5})(?:/(tcp|udp))?");

    public PortForward {
        Objects.requireNonNull(protocol);
        Ipv4.parse(hostAddress);
        if (hostPort < 0 || hostPort > MAX_PORT || guestPort < 1 || guestPort > MAX_PORT) {
            throw new IllegalArgumentException(
                    "ports have to be from 1 to 65535: " + hostPort + ":" + guestPort);
        }
    }

    /**
     * @param text {@code [ADDRESS:]HOSTPORT:GUESTPORT[/tcp|/udp]}
     * @throws IllegalArgumentException with a sentence when it is not that
     */
    public static PortForward parse(String text) {
        Matcher parts = SYNTAX.matcher(text);
        if (!parts.matches()) {
            throw new IllegalArgumentException(
                    "'" + text + "' is not [ADDRESS:]HOSTPORT:GUESTPORT[/tcp|/udp]");
        }
        return new PortForward(
                Protocol.named(parts.group(4)),
                addressOrLoopback(parts.group(1)),
                Integer.parseInt(parts.group(2)),
                Integer.parseInt(parts.group(3)));
    }

    static String addressOrLoopback(String written) {
        return written == null ? LOOPBACK : written;
    }

    /** The host's end. */
    public ListeningPort listeningPort() {
        return new ListeningPort(protocol, hostAddress, hostPort);
    }

    @Override
    public String toString() {
        return hostAddress + ":" + hostPort + ":" + guestPort + protocol.suffix();
    }
}

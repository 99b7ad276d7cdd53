package org.xenolith.core.config;

import org.xenolith.devices.net.nat.ListeningPort;
import org.xenolith.devices.net.nat.PortForward;

import java.util.HashMap;
import java.util.Map;

/** The ports of the host that guests of one fleet have: each leads to one of them. */
public final class HostPorts {
    private final Map<ListeningPort, String> guests = new HashMap<>();

    /**
     * A guest is to have these, in the notation of {@link PortForward}.
     *
     * @throws ConfigException when one is none, or leads to another guest already; part of a
     *     sentence
     */
    public void take(GuestConfig guest) throws ConfigException {
        for (String forward : guest.forwards()) {
            ListeningPort port = parse(forward).listeningPort();
            String other = port.port() == 0 ? null : guests.put(port, guest.name());
            if (other != null && !other.equals(guest.name())) {
                throw new ConfigException(
                        "the host's port %s leads to %s, and cannot lead to %s too; port 0 is any that is free"
                                .formatted(port, other, guest.name()));
            }
        }
    }

    private static PortForward parse(String forward) throws ConfigException {
        try {
            return PortForward.parse(forward);
        } catch (IllegalArgumentException e) {
            throw new ConfigException(e.getMessage());
        }
    }
}

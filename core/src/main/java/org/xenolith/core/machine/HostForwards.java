package org.xenolith.core.machine;

import org.xenolith.devices.net.nat.ForwardedPort;
import org.xenolith.devices.net.nat.ListeningPort;
import org.xenolith.devices.net.nat.PortForward;
import org.xenolith.devices.net.nat.UserModeNat;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Ports of the host that lead to guests, by the guest's name. They outlive its reboots: a guest
 * that starts again finds open what it had, and what was taken back stays so.
 *
 * <p>Not thread-safe.
 */
final class HostForwards {
    private static final class OfGuest {
        /** What is open, by what was asked for: that may be port 0. */
        final Map<PortForward, ForwardedPort> open = new LinkedHashMap<>();

        final Set<PortForward> takenBack = new HashSet<>();
    }

    private final Map<String, OfGuest> guests = new HashMap<>();

    private OfGuest of(String guest) {
        return guests.computeIfAbsent(guest, name -> new OfGuest());
    }

    /** Opens what a guest is configured with, at each of its starts. */
    void openAtStart(UserModeNat nat, PortForward forward, String guest) throws IOException {
        OfGuest forwards = of(guest);
        if (!forwards.open.containsKey(forward) && !forwards.takenBack.contains(forward)) {
            forwards.open.put(forward, nat.forward(forward, guest));
        }
    }

    /**
     * Opens one while the guest runs.
     *
     * @return with the port that was chosen for 0
     */
    PortForward open(UserModeNat nat, PortForward forward, String guest) throws IOException {
        ForwardedPort port = nat.forward(forward, guest);
        // Under its own number: two that asked for any port are two.
        of(guest).open.put(port.forward(), port);
        of(guest).takenBack.remove(port.forward());
        return port.forward();
    }

    /** Closes one; false when there is no such port. */
    boolean takeBack(ListeningPort port, String guest) {
        OfGuest forwards = of(guest);
        for (Map.Entry<PortForward, ForwardedPort> each : forwards.open.entrySet()) {
            if (each.getValue().forward().listeningPort().equals(port)) {
                each.getValue().close();
                forwards.takenBack.add(each.getKey());
                forwards.open.remove(each.getKey());
                return true;
            }
        }
        return false;
    }

    /** What leads to a guest now, with the ports that were chosen. */
    List<PortForward> openTo(String guest) {
        return of(guest).open.values().stream().map(ForwardedPort::forward).toList();
    }

    /** The same as it was asked for, for another start of the guest elsewhere. */
    List<PortForward> askedFor(String guest) {
        return new ArrayList<>(of(guest).open.keySet());
    }
}

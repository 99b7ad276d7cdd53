package org.xenolith.core.machine;

import org.xenolith.devices.net.nat.ForwardedPort;
import org.xenolith.devices.net.nat.ListeningPort;
import org.xenolith.devices.net.nat.PortForward;
import org.xenolith.devices.net.nat.UserModeNat;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Ports of the host that lead to guests, by the guest's name. They outlive its reboots: a guest
 * that starts again finds open what it had.
 *
 * <p>Not thread-safe.
 */
final class HostForwards {
    /** What is open, by what was asked for: that may be port 0. */
    private final Map<String, Map<PortForward, ForwardedPort>> guests = new HashMap<>();

    private Map<PortForward, ForwardedPort> of(String guest) {
        return guests.computeIfAbsent(guest, name -> new LinkedHashMap<>());
    }

    /** Opens what a guest is configured with, at each of its starts. */
    void openAtStart(UserModeNat nat, PortForward forward, String guest) throws IOException {
        if (!of(guest).containsKey(forward)) {
            of(guest).put(forward, nat.forward(forward, guest));
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
        of(guest).put(port.forward(), port);
        return port.forward();
    }

    /** Closes one; false when there is no such port. */
    boolean takeBack(ListeningPort port, String guest) {
        for (Map.Entry<PortForward, ForwardedPort> each : of(guest).entrySet()) {
            if (each.getValue().forward().listeningPort().equals(port)) {
                each.getValue().close();
                of(guest).remove(each.getKey());
                return true;
            }
        }
        return false;
    }

    /** Closes all that lead to a guest. */
    void closeAll(String guest) {
        Map<PortForward, ForwardedPort> open = guests.remove(guest);
        if (open != null) {
            open.values().forEach(ForwardedPort::close);
        }
    }

    /** What leads to a guest now, with the ports that were chosen. */
    List<PortForward> openTo(String guest) {
        return of(guest).values().stream().map(ForwardedPort::forward).toList();
    }

    /** The same as it was asked for, for the guest's next start, here or elsewhere. */
    List<PortForward> askedFor(String guest) {
        return new ArrayList<>(of(guest).keySet());
    }
}

package org.xenolith.core.machine;

import org.xenolith.devices.net.NetworkSpec;

import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The network interfaces that a guest's owner wants it to have, by number: those it started with,
 * and those that came since, without those that were taken away. This is what the guest has after
 * its next start, and where it is restored.
 *
 * <p>Thread-safe.
 */
final class ConfiguredInterfaces {
    private final SortedMap<Integer, NetworkSpec> interfaces = new TreeMap<>();

    synchronized void add(int number, NetworkSpec spec) {
        interfaces.put(number, spec.withNumber(number));
    }

    /** Returns what it was, or null if there was none. */
    synchronized NetworkSpec remove(int number) {
        return interfaces.remove(number);
    }

    /** Each says its number: a gap before it stays one. */
    synchronized List<NetworkSpec> specs() {
        return List.copyOf(interfaces.values());
    }
}

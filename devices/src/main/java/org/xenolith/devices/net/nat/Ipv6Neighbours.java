package org.xenolith.devices.net.nat;

import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * Which MAC address has which IPv6 address: guests make up their own, a few each. Learned from
 * every packet; an address belongs to the first who used it, and one made of a MAC address to that
 * one. Guests that shall have no IPv6 are never learned.
 */
final class Ipv6Neighbours {
    /** Linux's net.ipv6.conf.max_addresses; the one that was silent for longest makes room. */
    static final int MAX_PER_MAC = 16;

    static final int MAX_ADDRESSES = 4096;

    private final Map<Ipv6Address, Long> macs = new LinkedHashMap<>(16, 0.75f, true); // by last use
    private final Map<Long, Integer> counts = new LinkedHashMap<>(); // by MAC address
    private final Map<Long, Ipv6Address> announced = new LinkedHashMap<>(); // by MAC address
    private final Set<Long> without = new HashSet<>(); // MAC addresses

    /** A guest shall not speak IPv6 with the NAT, whatever it sends, until it is forgotten. */
    void exclude(long mac) {
        forget(mac);
        without.add(mac);
    }

    boolean mayUse(long mac) {
        return Mac.isUnicast(mac) && !without.contains(mac);
    }

    /**
     * @return false when the sender may not use the address
     */
    boolean learn(Ipv6Address address, long mac) {
        Long known = macs.get(address);
        if (known != null) {
            return known == mac;
        }
        if (!Ipv6.isGuest(address) || !mayUse(mac) || !address.mayBelongTo(mac)) {
            return false;
        }
        if (counts.getOrDefault(mac, 0) >= MAX_PER_MAC) {
            removeOldest(mac);
        } else if (macs.size() >= MAX_ADDRESSES) {
            removeOldest(macs.values().iterator().next());
        }
        macs.put(address, mac);
        counts.merge(mac, 1, Integer::sum);
        return true;
    }

    /**
     * A guest asks whether anybody has an address of the prefix that it would use itself. Nothing
     * is learned of that (RFC 4861, 7.2.3), but the guest may be asked for it later.
     */
    void announce(Ipv6Address address, long mac) {
        boolean mayBeIts = mayUse(mac) && address.mayBelongTo(mac);
        if (!mayBeIts || !Ipv6.isOnLink(address) || !Ipv6.isGuest(address)) {
            return;
        }
        if (announced.size() >= MAX_ADDRESSES) {
            announced.remove(announced.keySet().iterator().next());
        }
        announced.put(mac, address);
    }

    /**
     * Where to look for a guest: at the address that it has announced last, or else where it was
     * heard last.
     *
     * @return an address of the prefix that is nobody else's, or null
     */
    Ipv6Address addressOf(long mac) {
        Ipv6Address last = announced.get(mac);
        if (last != null && macs.getOrDefault(last, mac) == mac) {
            return last;
        }
        last = null;
        for (Map.Entry<Ipv6Address, Long> each : macs.entrySet()) {
            if (each.getValue() == mac && Ipv6.isOnLink(each.getKey())) {
                last = each.getKey();
            }
        }
        return last;
    }

    /** The guest was looked for at an address and is not there, until it is heard from there. */
    void foundSilent(Ipv6Address address) {
        Long mac = macs.remove(address);
        if (mac != null) {
            removed(mac);
        }
        announced.values().removeIf(address::equals);
    }

    private void removed(long mac) {
        counts.computeIfPresent(mac, (key, count) -> count == 1 ? null : count - 1);
    }

    private void removeOldest(long mac) {
        for (Map.Entry<Ipv6Address, Long> each : macs.entrySet()) {
            if (each.getValue() == mac) {
                macs.remove(each.getKey());
                removed(mac);
                return;
            }
        }
    }

    /** The MAC address, or 0 when it is not known. */
    long mac(Ipv6Address address) {
        return macs.getOrDefault(address, 0L);
    }

    void forget(long mac) {
        without.remove(mac);
        macs.values().removeIf(owner -> owner == mac);
        counts.remove(mac);
        announced.remove(mac);
    }

    int announcements() {
        return announced.size();
    }

    int size() {
        return macs.size();
    }
}

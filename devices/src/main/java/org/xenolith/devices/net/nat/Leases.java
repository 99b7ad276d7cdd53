package org.xenolith.devices.net.nat;

import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/**
 * Who has which address and name. Configured guests have theirs for ever, expected ones until they
 * leave; others get the address that they had before, or else the one free for longest. A name
 * belongs to whoever was configured with it, then to the first who is expected under it, then to
 * the first who asked with it. The table has an entry per address, no more.
 */
final class Leases {
    static final long NOBODY = 0;
    static final int NO_ADDRESS = 0;

    /** An address that was offered, and for which the guest has not asked yet. */
    private static final long OFFER_NANOS = TimeUnit.SECONDS.toNanos(30);

    private static final Pattern LABEL = Pattern.compile("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?");

    private final Subnet subnet;
    private final NatClock clock;
    private final int firstHost;
    private final long[] owners; // MAC by host number; kept after the end, until someone needs it
    private final long[] ends; // NatClock, by host number
    private final boolean[] configured;
    private final boolean[] fixed; // configured, or of a guest that is expected
    private final String[] names; // by host number, null without
    private final Map<Long, Integer> addresses = new HashMap<>(); // by MAC
    private final Map<String, Integer> hosts = new HashMap<>(); // by name

    /** Names by MAC, in the order of their coming: of all that are configured, and all expected. */
    private final Map<Long, String> expected = new LinkedHashMap<>();

    Leases(NatConfig config, NatClock clock) {
        this.subnet = config.subnet();
        this.clock = clock;
        int size = subnet.size();
        firstHost = subnet.firstHost();
        owners = new long[size];
        ends = new long[size];
        configured = new boolean[size];
        fixed = new boolean[size];
        names = new String[size];
        config.guests().forEach(this::fix);
    }

    /** Whether the text, in lower case, is one label of a host name. RFC 1123, 2.1. */
    static boolean isHostName(String text) {
        return LABEL.matcher(text).matches();
    }

    private void fix(FixedGuest guest) {
        int host = subnet.hostNumber(guest.address());
        owners[host] = guest.mac();
        ends[host] = Long.MAX_VALUE;
        configured[host] = true;
        fixed[host] = true;
        names[host] = guest.name();
        addresses.put(guest.mac(), guest.address());
        if (guest.name() != null) {
            hosts.put(guest.name(), guest.address());
            expected.put(guest.mac(), guest.name());
        }
    }

    /** As {@link #reserve(long, String, int)}, without a wish. */
    int reserve(long mac, String name) {
        return reserve(mac, name, NO_ADDRESS);
    }

    /**
     * Keeps an address for a guest that will come, and a name, if no other that is expected has it.
     *
     * @param wish address that it had elsewhere, or {@link #NO_ADDRESS}
     * @return {@link #NO_ADDRESS} when there is none left
     */
    int reserve(long mac, String name, int wish) {
        int address = addressOf(mac);
        if (address == NO_ADDRESS) {
            address = mayHave(wish) ? wish : freeAddress();
        }
        if (address == NO_ADDRESS) {
            return NO_ADDRESS;
        }
        own(address, mac, Long.MAX_VALUE);
        int host = subnet.hostNumber(address);
        fixed[host] = true;
        if (!name.equals(names[host])) {
            forgetName(host);
        }
        String earlier = expected.put(mac, name);
        if (earlier != null) {
            settle(earlier);
        }
        settle(name);
        return address;
    }

    /**
     * A guest is expected no more: whoever needs its address may have it. It gets the same again if
     * nobody did. Its name goes to the next who is expected under it, or else stays until then.
     */
    void leave(long mac) {
        int address = addressOf(mac);
        if (!expected.containsKey(mac) || configured[subnet.hostNumber(address)]) {
            return;
        }
        fixed[subnet.hostNumber(address)] = false;
        ends[subnet.hostNumber(address)] = clock.now();
        settle(expected.remove(mac));
    }

    /** Gives a name to the first who is expected under it, unless one of them has it. */
    private void settle(String name) {
        Integer holder = hosts.get(name);
        if (holder != null && name.equals(expected.get(owners[subnet.hostNumber(holder)]))) {
            return;
        }
        for (Map.Entry<Long, String> each : expected.entrySet()) {
            if (each.getValue().equals(name)) {
                if (holder != null) {
                    forgetName(subnet.hostNumber(holder));
                }
                int address = addressOf(each.getKey());
                forgetName(subnet.hostNumber(address));
                names[subnet.hostNumber(address)] = name;
                hosts.put(name, address);
                return;
            }
        }
    }

    /** The MAC address that alone may use this address, or {@link #NOBODY}. */
    long owner(int address) {
        int host = subnet.hostNumber(address);
        return ends[host] > clock.now() ? owners[host] : NOBODY;
    }

    /** The guest's address, lease or not, or {@link #NO_ADDRESS}. */
    int addressOf(long mac) {
        return addresses.getOrDefault(mac, NO_ADDRESS);
    }

    /** The address of a guest's name, or {@link #NO_ADDRESS}. */
    int addressOf(String name) {
        return hosts.getOrDefault(name.toLowerCase(Locale.ROOT), NO_ADDRESS);
    }

    /** All names, by address. */
    List<String> names() {
        return Arrays.stream(names).filter(Objects::nonNull).toList();
    }

    /** The name of the guest at an address, or null. */
    String nameOf(int address) {
        return names[subnet.hostNumber(address)];
    }

    /**
     * Reserves an address for a guest for a short time.
     *
     * @param wish address that it would like, or {@link #NO_ADDRESS}
     * @return {@link #NO_ADDRESS} when there is none left
     */
    int offer(long mac, int wish) {
        int address = addressOf(mac);
        if (address == NO_ADDRESS) {
            address = mayHave(wish) ? wish : freeAddress();
        }
        if (address != NO_ADDRESS && owner(address) != mac) {
            own(address, mac, clock.now() + OFFER_NANOS);
        }
        return address;
    }

    private boolean mayHave(int wish) {
        return subnet.isGuest(wish) && subnet.hostNumber(wish) >= firstHost && isFree(wish);
    }

    private boolean isFree(int address) {
        return ends[subnet.hostNumber(address)] <= clock.now();
    }

    private int freeAddress() {
        int best = NO_ADDRESS;
        long bestEnd = clock.now() + 1;
        for (int host = firstHost; host < owners.length - 1; host++) {
            if (subnet.isGuest(subnet.network() + host) && ends[host] < bestEnd) {
                best = subnet.network() + host;
                bestEnd = ends[host];
            }
        }
        return best;
    }

    private void own(int address, long mac, long end) {
        int host = subnet.hostNumber(address);
        if (owners[host] != mac) {
            addresses.remove(owners[host], address);
            forgetName(host);
            owners[host] = mac;
            addresses.put(mac, address);
        }
        ends[host] = end;
    }

    /**
     * Gives the guest the address that it asks for.
     *
     * @param name host name as the guest spells it, or null
     * @return false when it may not have it
     */
    boolean lease(long mac, int address, String name, long nanos) {
        if (!subnet.isGuest(address)) {
            return false;
        }
        int known = addressOf(mac);
        boolean allowed = known == NO_ADDRESS ? mayHave(address) : known == address;
        if (!allowed || owner(address) != mac && !isFree(address)) {
            return false;
        }
        int host = subnet.hostNumber(address);
        if (!fixed[host]) {
            own(address, mac, clock.now() + nanos);
        }
        rename(host, address, name);
        return true;
    }

    private void rename(int host, int address, String name) {
        String label = name == null ? "" : name.toLowerCase(Locale.ROOT);
        boolean nameless = names[host] == null && !expected.containsKey(owners[host]);
        if (nameless && isHostName(label)) {
            if (hosts.putIfAbsent(label, address) == null) {
                names[host] = label;
            }
        }
    }

    private void forgetName(int host) {
        if (names[host] != null) {
            hosts.remove(names[host]);
            names[host] = null;
        }
    }

    /** The guest gives its address back. */
    void release(long mac) {
        int address = addressOf(mac);
        if (address != NO_ADDRESS && !fixed[subnet.hostNumber(address)]) {
            int host = subnet.hostNumber(address);
            ends[host] = Math.min(ends[host], clock.now());
            forgetName(host);
        }
    }

    /** Someone else was found to use this address: it is not offered for a while. */
    void decline(long mac, int address, long nanos) {
        boolean its = subnet.isGuest(address) && addressOf(mac) == address;
        if (its && !fixed[subnet.hostNumber(address)]) {
            addresses.remove(mac);
            int host = subnet.hostNumber(address);
            forgetName(host);
            owners[host] = NOBODY;
            ends[host] = clock.now() + nanos;
        }
    }

    int leased() {
        long now = clock.now();
        return (int) Arrays.stream(ends).filter(end -> end > now).count();
    }
}

package org.xenolith.devices.net;

import io.netty.util.collection.LongObjectHashMap;
import io.netty.util.collection.LongObjectMap;

import java.util.concurrent.TimeUnit;

/**
 * Which port an address was last seen on. Used by one thread.
 *
 * <p>A guest chooses the source addresses it sends from, so it must not be able to grow this table
 * (each port has a share of its own, and what does not fit is not learned: such frames are
 * flooded), to make its chains long (keys are scrambled), or to take a neighbour's fixed address.
 */
final class MacTable {
    /**
     * Addresses learned on one port; behind a tunnel or a TAP device there may be a whole office.
     */
    static final int ADDRESSES_PER_PORT = 1024;

    /** IEEE 802.1D-2004, table 7-5: recommended ageing time. */
    static final long AGEING_NANOS = TimeUnit.SECONDS.toNanos(300);

    /** Looking for aged entries walks the table, so a full port does it no more often than this. */
    private static final long SWEEP_INTERVAL_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final LongObjectMap<Entry> entries = new LongObjectHashMap<>();
    private final long scramble;

    private static final class Entry {
        final boolean fixed;
        Port port;
        long seenNanos;

        Entry(Port port, boolean fixed, long seenNanos) {
            this.port = port;
            this.fixed = fixed;
            this.seenNanos = seenNanos;
        }
    }

    /**
     * @param secret unknown to guests, who could otherwise choose addresses that share a hash
     */
    MacTable(long secret) {
        scramble = secret | 1; // odd: multiplying is a bijection
    }

    private long key(long address) {
        long product = address * scramble;
        return product ^ product >>> 32; // a bijection too; brings the high bits down
    }

    /** Gives an address to a port until the port is closed. */
    void fix(long address, Port port) {
        Entry old = entries.put(key(address), new Entry(port, true, 0));
        if (old != null && !old.fixed) {
            old.port.learned--;
        }
    }

    /**
     * Notes that a frame from the address came in on a port.
     *
     * @param nowNanos of any clock that does not go backwards, always the same
     * @return false if the address is fixed to another port
     */
    boolean learn(long address, Port port, long nowNanos) {
        Entry entry = entries.get(key(address));
        if (entry == null) {
            learnNew(address, port, nowNanos);
            return true;
        }
        if (entry.fixed) {
            return entry.port == port;
        }
        entry.seenNanos = nowNanos;
        if (entry.port != port) {
            move(address, entry, port, nowNanos);
        }
        return true;
    }

    private void learnNew(long address, Port port, long nowNanos) {
        if (hasRoom(port, nowNanos)) {
            port.learned++;
            entries.put(key(address), new Entry(port, false, nowNanos));
        }
    }

    /** A station moved to another port, or someone says so. */
    private void move(long address, Entry entry, Port port, long nowNanos) {
        entry.port.learned--;
        if (hasRoom(port, nowNanos)) {
            port.learned++;
            entry.port = port;
        } else {
            entries.remove(key(address));
        }
    }

    private boolean hasRoom(Port port, long nowNanos) {
        if (port.learned >= ADDRESSES_PER_PORT
                && nowNanos - port.sweptNanos >= SWEEP_INTERVAL_NANOS) {
            port.sweptNanos = nowNanos;
            removeAged(port, nowNanos);
        }
        return port.learned < ADDRESSES_PER_PORT;
    }

    private void removeAged(Port port, long nowNanos) {
        entries.values()
                .removeIf(
                        entry -> {
                            boolean remove =
                                    entry.port == port && !entry.fixed && aged(entry, nowNanos);
                            port.learned -= remove ? 1 : 0;
                            return remove;
                        });
    }

    private static boolean aged(Entry entry, long nowNanos) {
        return nowNanos - entry.seenNanos >= AGEING_NANOS;
    }

    /** The port to reach an address by, or null if nothing recent is known. */
    Port lookup(long address, long nowNanos) {
        Entry entry = entries.get(key(address));
        return entry == null || !entry.fixed && aged(entry, nowNanos) ? null : entry.port;
    }

    /** Forgets all addresses of a port. */
    void forget(Port port) {
        entries.values().removeIf(entry -> entry.port == port);
        port.learned = 0;
    }

    int size() {
        return entries.size();
    }
}

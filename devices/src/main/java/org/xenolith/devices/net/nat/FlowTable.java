package org.xenolith.devices.net.nat;

import java.util.ArrayList;
import java.util.List;

/**
 * Flows by the two addresses and the two ports, in an open hash table: a packet is matched to its
 * flow without making an object. The seed keeps a guest from choosing ports that all collide.
 *
 * <p>Addresses are those of IPv6, or of IPv4 mapped to them.
 */
final class FlowTable<V> {
    private static final int MIN_SLOTS = 64;

    private final long seed;
    private long[] guestHighs = new long[MIN_SLOTS];
    private long[] guestLows = new long[MIN_SLOTS];
    private long[] remoteHighs = new long[MIN_SLOTS];
    private long[] remoteLows = new long[MIN_SLOTS];
    private int[] ports = new int[MIN_SLOTS];
    private Object[] flows = new Object[MIN_SLOTS]; // null in a free slot
    private int size;

    FlowTable(long seed) {
        this.seed = seed;
    }

    /** Both ports as the table wants them. */
    static int ports(int guest, int remote) {
        return guest << 16 | remote;
    }

    int size() {
        return size;
    }

    @SuppressWarnings("unchecked") // only put() stores
    V get(long guestHigh, long guestLow, long remoteHigh, long remoteLow, int portPair) {
        return (V) flows[find(guestHigh, guestLow, remoteHigh, remoteLow, portPair)];
    }

    V get(Path path, int portPair) {
        return get(
                path.guestHigh(), path.guestLow(), path.remoteHigh(), path.remoteLow(), portPair);
    }

    void put(Path path, int portPair, V flow) {
        put(path.guestHigh(), path.guestLow(), path.remoteHigh(), path.remoteLow(), portPair, flow);
    }

    void put(long guestHigh, long guestLow, long remoteHigh, long remoteLow, int portPair, V flow) {
        if (2 * (size + 1) > flows.length) {
            resize();
        }
        int slot = find(guestHigh, guestLow, remoteHigh, remoteLow, portPair);
        if (flows[slot] == null) {
            size++;
        }
        fill(slot, guestHigh, guestLow, remoteHigh, remoteLow, portPair, flow);
    }

    private void fill(
            int slot,
            long guestHigh,
            long guestLow,
            long remoteHigh,
            long remoteLow,
            int portPair,
            Object flow) {
        guestHighs[slot] = guestHigh;
        guestLows[slot] = guestLow;
        remoteHighs[slot] = remoteHigh;
        remoteLows[slot] = remoteLow;
        ports[slot] = portPair;
        flows[slot] = flow;
    }

    void remove(Path path, int portPair) {
        remove(path.guestHigh(), path.guestLow(), path.remoteHigh(), path.remoteLow(), portPair);
    }

    void remove(long guestHigh, long guestLow, long remoteHigh, long remoteLow, int portPair) {
        int slot = find(guestHigh, guestLow, remoteHigh, remoteLow, portPair);
        if (flows[slot] == null) {
            return;
        }
        size--;
        flows[slot] = null;
        closeGap(slot);
    }

    @SuppressWarnings("unchecked") // only put() stores
    List<V> all() {
        List<V> all = new ArrayList<>(size);
        for (Object flow : flows) {
            if (flow != null) {
                all.add((V) flow);
            }
        }
        return all;
    }

    /** Linear probing has no gaps: whoever was pushed past the freed slot moves back into it. */
    private void closeGap(int freed) {
        int mask = flows.length - 1;
        int gap = freed;
        for (int slot = gap + 1 & mask; flows[slot] != null; slot = slot + 1 & mask) {
            int home =
                    home(
                            guestHighs[slot],
                            guestLows[slot],
                            remoteHighs[slot],
                            remoteLows[slot],
                            ports[slot]);
            if ((slot - home & mask) >= (slot - gap & mask)) {
                fill(
                        gap,
                        guestHighs[slot],
                        guestLows[slot],
                        remoteHighs[slot],
                        remoteLows[slot],
                        ports[slot],
                        flows[slot]);
                flows[slot] = null;
                gap = slot;
            }
        }
    }

    private int find(long guestHigh, long guestLow, long remoteHigh, long remoteLow, int portPair) {
        int mask = flows.length - 1;
        int slot = home(guestHigh, guestLow, remoteHigh, remoteLow, portPair);
        while (flows[slot] != null
                && !isAt(slot, guestHigh, guestLow, remoteHigh, remoteLow, portPair)) {
            slot = slot + 1 & mask;
        }
        return slot;
    }

    private boolean isAt(
            int slot,
            long guestHigh,
            long guestLow,
            long remoteHigh,
            long remoteLow,
            int portPair) {
        return ports[slot] == portPair
                && guestLows[slot] == guestLow
                && remoteLows[slot] == remoteLow
                && remoteHighs[slot] == remoteHigh
                && guestHighs[slot] == guestHigh;
    }

    private int home(long guestHigh, long guestLow, long remoteHigh, long remoteLow, int portPair) {
        long hash = (guestLow ^ seed) * 0x9e3779b97f4a7c15L;
        hash = (hash ^ hash >>> 32 ^ guestHigh) * 0xbf58476d1ce4e5b9L;
        hash = (hash ^ hash >>> 32 ^ remoteLow) * 0xc2b2ae3d27d4eb4fL;
        hash = (hash ^ hash >>> 32 ^ remoteHigh) * 0x9e3779b97f4a7c15L;
        hash = (hash ^ hash >>> 32 ^ portPair ^ seed >>> 7) * 0xbf58476d1ce4e5b9L;
        return (int) (hash >>> 40) & flows.length - 1;
    }

    private void resize() {
        long[] oldGuestHighs = guestHighs;
        long[] oldGuestLows = guestLows;
        long[] oldHighs = remoteHighs;
        long[] oldLows = remoteLows;
        int[] oldPorts = ports;
        Object[] oldFlows = flows;
        int slots = 2 * oldFlows.length;
        guestHighs = new long[slots];
        guestLows = new long[slots];
        remoteHighs = new long[slots];
        remoteLows = new long[slots];
        ports = new int[slots];
        flows = new Object[slots];
        for (int old = 0; old < oldFlows.length; old++) {
            if (oldFlows[old] != null) {
                int slot =
                        find(
                                oldGuestHighs[old],
                                oldGuestLows[old],
                                oldHighs[old],
                                oldLows[old],
                                oldPorts[old]);
                fill(
                        slot,
                        oldGuestHighs[old],
                        oldGuestLows[old],
                        oldHighs[old],
                        oldLows[old],
                        oldPorts[old],
                        oldFlows[old]);
            }
        }
    }
}

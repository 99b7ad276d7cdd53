package org.xenolith.devices.net.nat;

import java.util.ArrayList;
import java.util.List;

/**
 * Flows by the two addresses and the two ports, in an open hash table: a packet is matched to its
 * flow without making an object. The seed keeps a guest from choosing ports that all collide.
 */
final class FlowTable<V> {
    private static final int MIN_SLOTS = 64;

    private final long seed;
    private long[] addresses = new long[MIN_SLOTS];
    private int[] ports = new int[MIN_SLOTS];
    private Object[] flows = new Object[MIN_SLOTS]; // null in a free slot
    private int size;

    FlowTable(long seed) {
        this.seed = seed;
    }

    /** Both addresses as the table wants them. */
    static long addresses(int guest, int remote) {
        return (long) guest << 32 | Integer.toUnsignedLong(remote);
    }

    /** Both ports as the table wants them. */
    static int ports(int guest, int remote) {
        return guest << 16 | remote;
    }

    int size() {
        return size;
    }

    @SuppressWarnings("unchecked") // only put() stores
    V get(long addressPair, int portPair) {
        return (V) flows[find(addressPair, portPair)];
    }

    void put(long addressPair, int portPair, V flow) {
        if (2 * (size + 1) > flows.length) {
            resize();
        }
        int slot = find(addressPair, portPair);
        if (flows[slot] == null) {
            size++;
        }
        addresses[slot] = addressPair;
        ports[slot] = portPair;
        flows[slot] = flow;
    }

    void remove(long addressPair, int portPair) {
        int slot = find(addressPair, portPair);
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
            int home = home(addresses[slot], ports[slot]);
            if ((slot - home & mask) >= (slot - gap & mask)) {
                addresses[gap] = addresses[slot];
                ports[gap] = ports[slot];
                flows[gap] = flows[slot];
                flows[slot] = null;
                gap = slot;
            }
        }
    }

    private int find(long addressPair, int portPair) {
        int mask = flows.length - 1;
        int slot = home(addressPair, portPair);
        while (flows[slot] != null && (addresses[slot] != addressPair || ports[slot] != portPair)) {
            slot = slot + 1 & mask;
        }
        return slot;
    }

    private int home(long addressPair, int portPair) {
        long hash = (addressPair ^ seed) * 0x9e3779b97f4a7c15L;
        hash = (hash ^ hash >>> 32 ^ portPair ^ seed >>> 7) * 0xbf58476d1ce4e5b9L;
        return (int) (hash >>> 40) & flows.length - 1;
    }

    private void resize() {
        long[] oldAddresses = addresses;
        int[] oldPorts = ports;
        Object[] oldFlows = flows;
        addresses = new long[2 * oldFlows.length];
        ports = new int[2 * oldFlows.length];
        flows = new Object[2 * oldFlows.length];
        for (int old = 0; old < oldFlows.length; old++) {
            if (oldFlows[old] != null) {
                int slot = find(oldAddresses[old], oldPorts[old]);
                addresses[slot] = oldAddresses[old];
                ports[slot] = oldPorts[old];
                flows[slot] = oldFlows[old];
            }
        }
    }
}

package org.xenolith.devices.net;

import io.netty.buffer.ByteBuf;
import io.netty.util.concurrent.Ticker;

import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Decides where frames go: a transparent learning bridge. VLAN tags pass unseen, there is no
 * spanning tree. Used on the switch's thread, except for the list of ports.
 *
 * @see <a href="https://ieeexplore.ieee.org/document/1309630">IEEE 802.1D-2004, 7.7 to 7.9</a>
 */
final class Bridge {
    /** An IP packet of 65,535 bytes that is still to be cut, an Ethernet header, two VLAN tags. */
    static final int MAX_FRAME_BYTES = 65_535 + EthernetFrame.HEADER_BYTES + 2 * 4;

    private static final long BROADCAST = 0xffff_ffff_ffffL;
    private static final int DESTINATION = 0, SOURCE = 6; // offsets in a frame

    private final List<Port> ports = new CopyOnWriteArrayList<>();
    private final MacTable addresses;
    private final Ticker ticker;
    private final Queue<Port> dirty = new ArrayDeque<>();

    Bridge(MacTable addresses, Ticker ticker) {
        this.addresses = addresses;
        this.ticker = ticker;
    }

    /** Any thread. */
    void add(Port port) {
        ports.add(port);
    }

    /** Any thread. */
    List<Port> ports() {
        return ports;
    }

    void fixAddress(Port port) {
        if (port.fixedAddress != 0 && !port.isClosed()) {
            addresses.fix(port.fixedAddress, port);
        }
    }

    void remove(Port port) {
        ports.remove(port);
        addresses.forget(port);
    }

    /** Takes a frame, with its reference, that came in on a port. */
    void forward(Port from, EthernetFrame frame) {
        ByteBuf bytes = frame.content();
        int length = bytes.readableBytes();
        if (length < EthernetFrame.HEADER_BYTES || length > MAX_FRAME_BYTES) {
            drop(from, frame);
            return;
        }
        long destination = MacAddress.read(bytes, bytes.readerIndex() + DESTINATION);
        long source = MacAddress.read(bytes, bytes.readerIndex() + SOURCE);
        if (!mayCome(from, source) || MacAddress.isLinkLocal(destination)) {
            drop(from, frame);
            return;
        }
        from.counters.sentFrames.increment();
        from.counters.sentBytes.add(length);
        Port to =
                MacAddress.isGroup(destination)
                        ? null
                        : addresses.lookup(destination, ticker.nanoTime());
        if (to == null) {
            Port alone = destination == BROADCAST ? meantAlone(from, frame) : null;
            if (alone != null) {
                alone.enqueueCopy(frame);
                toFlush(alone);
            } else {
                flood(from, frame);
            }
        } else if (to == from) {
            frame.release(); // its receiver has seen it on its own side
        } else {
            to.enqueue(frame, from);
            toFlush(to);
        }
    }

    private boolean mayCome(Port from, long source) {
        return MacAddress.isStation(source)
                && (!from.onlyFixedAddress || from.fixedAddress == source)
                && addresses.learn(source, from, ticker.nanoTime());
    }

    private void drop(Port from, EthernetFrame frame) {
        from.counters.sentDropped.increment();
        frame.release();
    }

    /**
     * Every guest that starts asks all the others for what one of them has; a hundred would take
     * each other's questions ten thousand times, and wake up for each.
     */
    private Port meantAlone(Port from, EthernetFrame broadcast) {
        for (Port to : ports) {
            if (to != from && to.isPluggedIn() && to.isMeantAlone(broadcast)) {
                return to;
            }
        }
        return null;
    }

    /**
     * To everyone else. A port that is full misses it: waiting for the slowest of all would let one
     * guest stop the broadcasts of the others. Ports that have room get it.
     */
    private void flood(Port from, EthernetFrame frame) {
        for (Port to : ports) {
            if (to != from && to.isPluggedIn()) {
                to.enqueueCopy(frame.replace(frame.content().retainedDuplicate()));
                toFlush(to);
            }
        }
        frame.release();
    }

    private void toFlush(Port port) {
        if (!port.dirty) {
            port.dirty = true;
            dirty.add(port);
        }
    }

    /** Lets endpoints see what was queued for them since the last time. */
    void flush() {
        for (Port port = dirty.poll(); port != null; port = dirty.poll()) {
            port.flush();
        }
    }
}

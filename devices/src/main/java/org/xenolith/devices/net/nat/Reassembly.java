package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;

import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * Fragments of guests' packets until they are whole: few packets, for a short time, over both
 * versions of IP. A guest with many makes room itself; only one that has none takes it from others.
 * Fragments that overlap serve attacks only, so they end their packet, with what still comes of it:
 * RFC 5722 says so for IPv6, and RFC 791 does not know better. RFC 791, 3.2; RFC 815; RFC 8200,
 * 4.5.
 */
final class Reassembly {
    static final int MAX_PACKETS = 16;
    static final long TIMEOUT_NANOS = TimeUnit.SECONDS.toNanos(5);

    private static final int UNIT_BYTES = 8;

    private static final class Partial {
        final long mac; // of the sender
        final ByteBuf bytes; // room for a header, then the payload
        final int headerBytes;
        final Set<Integer> units = new HashSet<>(); // 8-byte units that are there
        final long deadline;
        int protocol; // of the fragment at 0
        int payloadBytes = -1; // before the last fragment
        int end; // behind the highest byte
        boolean refused; // released; kept so that the rest is known

        Partial(long mac, ByteBuf bytes, int headerBytes, long deadline) {
            this.mac = mac;
            this.bytes = bytes;
            this.headerBytes = headerBytes;
            this.deadline = deadline;
        }
    }

    private final ByteBufAllocator allocator;
    private final NatClock clock;
    private final Map<Object, Partial> partials = new LinkedHashMap<>(); // oldest first
    private ByteBuf whole; // what the last packet was read from

    Reassembly(ByteBufAllocator allocator, NatClock clock) {
        this.allocator = allocator;
        this.clock = clock;
    }

    /**
     * Takes a fragment.
     *
     * @param mac of the guest that it comes from
     * @return whether {@code packet} is now the whole packet, until {@link #release}
     */
    boolean complete(IpPacket packet, long mac) {
        expire();
        int offset = packet.fragmentUnit() * UNIT_BYTES;
        int length = packet.payloadBytes;
        if (length == 0
                || packet.moreFragments() && length % UNIT_BYTES != 0
                || offset + length > packet.maxWholeBytes()) {
            return false;
        }
        Object key = packet.datagram();
        Partial partial = partials.get(key);
        if (partial == null) {
            partial = begin(packet, mac);
            partials.put(key, partial);
        }
        if (partial.refused) {
            return false;
        }
        if (!add(partial, packet, offset)) {
            refuse(partial);
            return false;
        }
        if (partial.payloadBytes < 0 || !isWhole(partial)) {
            return false;
        }
        partials.remove(key);
        whole = partial.bytes;
        packet.becomeWhole(whole, partial.protocol, partial.payloadBytes);
        return true;
    }

    private Partial begin(IpPacket packet, long mac) {
        if (partials.size() == MAX_PACKETS) {
            drop(oldestOf(mac));
        }
        int headerBytes = packet.wholeHeaderBytes();
        int most = headerBytes + packet.maxWholeBytes();
        ByteBuf bytes = allocator.heapBuffer(headerBytes, most);
        return new Partial(mac, bytes, headerBytes, clock.now() + TIMEOUT_NANOS);
    }

    /** Of this guest, or of all if it has none. */
    private Object oldestOf(long mac) {
        for (Map.Entry<Object, Partial> each : partials.entrySet()) {
            if (each.getValue().mac == mac) {
                return each.getKey();
            }
        }
        return partials.keySet().iterator().next();
    }

    private static boolean add(Partial partial, IpPacket packet, int offset) {
        int length = packet.payloadBytes;
        int end = offset + length;
        boolean last = !packet.moreFragments();
        if (last && (partial.payloadBytes >= 0 || partial.end > end)
                || partial.payloadBytes >= 0 && end > partial.payloadBytes) {
            return false;
        }
        for (int unit = offset / UNIT_BYTES; unit * UNIT_BYTES < end; unit++) {
            if (!partial.units.add(unit)) {
                return false;
            }
        }
        if (last) {
            partial.payloadBytes = end;
        }
        if (offset == 0) {
            partial.protocol = packet.protocol;
        }
        int at = partial.headerBytes;
        if (end > partial.end) {
            partial.end = end;
            partial.bytes.ensureWritable(at + end - partial.bytes.writerIndex());
            partial.bytes.writerIndex(at + end);
        }
        partial.bytes.setBytes(at + offset, packet.bytes, packet.payloadOffset, length);
        return true;
    }

    private static boolean isWhole(Partial partial) {
        return partial.units.size() == Math.ceilDiv(partial.payloadBytes, UNIT_BYTES);
    }

    /** The whole packet has been dealt with. */
    void release() {
        if (whole != null) {
            whole.release();
            whole = null;
        }
    }

    private void expire() {
        while (!partials.isEmpty()) {
            Map.Entry<Object, Partial> oldest = partials.entrySet().iterator().next();
            if (oldest.getValue().deadline > clock.now()) {
                return;
            }
            drop(oldest.getKey());
        }
    }

    private static void refuse(Partial partial) {
        partial.refused = true;
        partial.units.clear();
        partial.bytes.release();
    }

    private void drop(Object key) {
        Partial dropped = partials.remove(key);
        if (!dropped.refused) {
            dropped.bytes.release();
        }
    }

    int size() {
        return partials.size();
    }

    void close() {
        while (!partials.isEmpty()) {
            drop(partials.keySet().iterator().next());
        }
    }
}

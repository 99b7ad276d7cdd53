package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;

import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * Fragments of guests' packets until they are whole: few packets, for a short time, the oldest
 * gives way. Fragments that overlap serve attacks only, so they end their packet: RFC 5722 says so
 * for IPv6, and RFC 791 does not know better. RFC 791, 3.2; RFC 815.
 */
final class Reassembly {
    static final int MAX_PACKETS = 16;
    static final long TIMEOUT_NANOS = TimeUnit.SECONDS.toNanos(5);

    private static final int UNIT_BYTES = 8;
    private static final int MAX_PAYLOAD_BYTES = Ipv4.MAX_PACKET_BYTES - Ipv4.HEADER_BYTES;

    private record Key(int source, int destination, int protocol, int id) {}

    private static final class Partial {
        final ByteBuf bytes; // room for a header, then the payload
        final Set<Integer> units = new HashSet<>(); // 8-byte units that are there
        final long deadline;
        int payloadBytes = -1; // before the last fragment
        int end; // behind the highest byte

        Partial(ByteBuf bytes, long deadline) {
            this.bytes = bytes;
            this.deadline = deadline;
        }
    }

    private final ByteBufAllocator allocator;
    private final NatClock clock;
    private final Map<Key, Partial> partials = new LinkedHashMap<>(); // oldest first
    private ByteBuf whole; // what the last packet was read from

    Reassembly(ByteBufAllocator allocator, NatClock clock) {
        this.allocator = allocator;
        this.clock = clock;
    }

    /**
     * Takes a fragment.
     *
     * @return whether {@code packet} is now the whole packet, until {@link #release}
     */
    boolean complete(Ipv4Packet packet) {
        expire();
        int offset = (packet.fragment & Ipv4.FRAGMENT_OFFSET_MASK) * UNIT_BYTES;
        boolean last = (packet.fragment & Ipv4.MORE_FRAGMENTS) == 0;
        int length = packet.payloadBytes;
        if (length == 0
                || !last && length % UNIT_BYTES != 0
                || offset + length > MAX_PAYLOAD_BYTES) {
            return false;
        }
        Key key = new Key(packet.source, packet.destination, packet.protocol, packet.id);
        Partial partial = partials.get(key);
        if (partial == null) {
            partial = begin();
            partials.put(key, partial);
        }
        if (!add(partial, packet, offset, last)) {
            drop(key);
            return false;
        }
        if (partial.payloadBytes < 0 || !isWhole(partial)) {
            return false;
        }
        partials.remove(key);
        whole = partial.bytes;
        finish(packet, partial);
        return true;
    }

    private Partial begin() {
        if (partials.size() == MAX_PACKETS) {
            drop(partials.keySet().iterator().next());
        }
        ByteBuf bytes = allocator.heapBuffer(Ipv4.HEADER_BYTES, Ipv4.MAX_PACKET_BYTES);
        return new Partial(bytes, clock.now() + TIMEOUT_NANOS);
    }

    private static boolean add(Partial partial, Ipv4Packet packet, int offset, boolean last) {
        int length = packet.payloadBytes;
        int end = offset + length;
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
        if (end > partial.end) {
            partial.end = end;
            partial.bytes.ensureWritable(end + Ipv4.HEADER_BYTES - partial.bytes.writerIndex());
            partial.bytes.writerIndex(Ipv4.HEADER_BYTES + end);
        }
        partial.bytes.setBytes(
                Ipv4.HEADER_BYTES + offset, packet.bytes, packet.payloadOffset, length);
        return true;
    }

    private static boolean isWhole(Partial partial) {
        int units = (partial.payloadBytes + UNIT_BYTES - 1) / UNIT_BYTES;
        return partial.units.size() == units;
    }

    private static void finish(Ipv4Packet packet, Partial partial) {
        int totalBytes = Ipv4.HEADER_BYTES + partial.payloadBytes;
        Ipv4.writeHeader(
                partial.bytes,
                0,
                totalBytes,
                packet.id,
                0,
                packet.protocol,
                packet.source,
                packet.destination);
        packet.read(partial.bytes, 0, false);
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
            Map.Entry<Key, Partial> oldest = partials.entrySet().iterator().next();
            if (oldest.getValue().deadline > clock.now()) {
                return;
            }
            drop(oldest.getKey());
        }
    }

    private void drop(Key key) {
        Partial dropped = partials.remove(key);
        if (dropped != null) {
            dropped.bytes.release();
        }
    }

    int size() {
        return partials.size();
    }

    void close() {
        partials.values().forEach(partial -> partial.bytes.release());
        partials.clear();
    }
}

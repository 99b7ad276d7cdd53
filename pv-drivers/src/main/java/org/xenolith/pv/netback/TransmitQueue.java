package org.xenolith.pv.netback;

import org.xenolith.devices.net.EthernetFrame;
import org.xenolith.devices.net.EthernetFrame.Segmentation;
import org.xenolith.devices.net.SwitchPort;
import org.xenolith.pv.host.EventPort;
import org.xenolith.pv.host.FrontendDomain;
import org.xenolith.pv.host.GrantedFrame;
import org.xenolith.pv.ring.RingCorrupt;
import org.xenolith.pv.ring.SharedRing;
import org.xenolith.pv.xenbus.ConnectRequest;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;

/**
 * What a guest sends. {@link #service} runs on the domain's threads, one at a time. While the
 * switch has no room, one frame waits here and the ring is left alone, so that the guest waits too.
 */
final class TransmitQueue {
    private final FrontendDomain domain;
    private final SharedRing ring;
    private final EventPort port;
    private final Supplier<SwitchPort> uplink;
    private final MulticastFilter filter;
    private final ConnectRequest.Reports reports;
    private final AtomicBoolean serviceIsDue = new AtomicBoolean();

    // Guarded by this object.
    private final MemorySegment slot = MemorySegment.ofArray(new byte[NetifTxRequest.SIZE]);
    private final MemorySegment answer = MemorySegment.ofArray(new byte[NetifTxResponse.SIZE]);
    private final List<NetifTxRequest> pieces = new ArrayList<>();
    private EthernetFrame waiting;
    private boolean closed;

    // Extra info of the packet at hand.
    private int extras;
    private NetifExtraInfo gso;
    private NetifExtraInfo joins;
    private NetifExtraInfo leaves;

    /**
     * @param port of the frontend; null until it is bound
     */
    TransmitQueue(
            FrontendDomain domain,
            SharedRing ring,
            EventPort port,
            Supplier<SwitchPort> uplink,
            MulticastFilter filter,
            ConnectRequest.Reports reports) {
        this.domain = domain;
        this.ring = ring;
        this.port = port;
        this.uplink = uplink;
        this.filter = filter;
        this.reports = reports;
    }

    /** Sends what the guest has put into the ring; on a thread that may touch its memory. */
    void service() {
        serviceIsDue.set(false);
        synchronized (this) {
            if (closed) {
                return;
            }
            try {
                if (sendWaiting()) {
                    takePackets();
                }
            } catch (RingCorrupt | FrontendFault fault) {
                closed = true;
                reports.fail(fault.getMessage());
            }
            if (ring.publish()) {
                port.notifyFrontend();
            }
        }
    }

    /** Any thread. */
    void serviceSoon() {
        if (!serviceIsDue.getAndSet(true)) {
            domain.post(this::service);
        }
    }

    private boolean sendWaiting() {
        if (waiting != null && uplink.get().send(waiting)) {
            waiting = null;
        }
        return waiting == null;
    }

    private void takePackets() {
        // One round takes a ring's worth: a guest that sends faster than we read comes back later.
        int slots = 0;
        while (slots < ring.size() && waiting == null && ring.has(1)) {
            slots += takePacket();
        }
        if (waiting == null && slots >= ring.size()) {
            serviceSoon();
        }
    }

    /** Takes all slots of a packet, sends it, and answers them; returns how many they were. */
    private int takePacket() {
        int total = takePieces();
        int slots = pieces.size() + extras;
        if (joins != null || leaves != null) {
            respond(changeGroups() ? Netif.RSP_OKAY : Netif.RSP_ERROR);
        } else if (total < EthernetFrame.HEADER_BYTES) {
            respond(Netif.RSP_ERROR);
        } else {
            EthernetFrame frame = frame(total);
            respond(Netif.RSP_OKAY);
            waiting = frame;
            sendWaiting();
        }
        return slots;
    }

    private boolean changeGroups() {
        if (leaves != null) {
            filter.remove(leaves.address());
        }
        return joins == null || filter.add(joins.address());
    }

    // ---- slots

    /**
     * Reads the slots of one packet.
     *
     * @return bytes of the packet
     */
    private int takePieces() {
        pieces.clear();
        extras = 0;
        gso = null;
        joins = null;
        leaves = null;
        ring.take(slot);
        NetifTxRequest first = NetifTxRequest.readFrom(slot);
        if (first.has(Netif.TX_EXTRA_INFO)) {
            takeExtras();
        }
        pieces.add(first);
        int rest = 0;
        for (NetifTxRequest last = first; last.has(Netif.TX_MORE_DATA); ) {
            last = takePiece();
            rest += last.size();
        }
        // The first request has the size of the packet; the rest tells what is in its own frame.
        NetifTxRequest own = first.withSize(first.size() - rest);
        pieces.set(0, own);
        pieces.forEach(TransmitQueue::check);
        return first.size();
    }

    private NetifTxRequest takePiece() {
        if (pieces.size() == Netif.MAX_SLOTS) {
            throw new FrontendFault("a packet of more than %d slots".formatted(Netif.MAX_SLOTS));
        }
        requireSlot();
        ring.take(slot);
        NetifTxRequest piece = NetifTxRequest.readFrom(slot);
        pieces.add(piece);
        return piece;
    }

    private void takeExtras() {
        NetifExtraInfo extra;
        do {
            requireSlot();
            ring.take(slot);
            extra = NetifExtraInfo.readFrom(slot);
            if (++extras >= Netif.EXTRA_TYPE_MAX) {
                throw new FrontendFault("a packet with more extra info than there are kinds");
            }
            note(extra);
        } while (!extra.isLast());
    }

    private void note(NetifExtraInfo extra) {
        switch (extra.type()) {
            case Netif.EXTRA_TYPE_GSO -> {
                boolean known =
                        extra.gsoType() == Netif.GSO_TYPE_TCPV4
                                || extra.gsoType() == Netif.GSO_TYPE_TCPV6;
                if (!known || extra.gsoSize() == 0) {
                    throw new FrontendFault(
                            "segmentation of type %d into %d bytes"
                                    .formatted(extra.gsoType(), extra.gsoSize()));
                }
                gso = extra;
            }
            case Netif.EXTRA_TYPE_MCAST_ADD -> joins = extra;
            case Netif.EXTRA_TYPE_MCAST_DEL -> leaves = extra;
            default -> throw new FrontendFault("extra info of type " + extra.type());
        }
    }

    private void requireSlot() {
        if (ring.pending() == 0) {
            throw new FrontendFault("a packet without its last slots");
        }
    }

    private static void check(NetifTxRequest piece) {
        if (piece.size() < 0) {
            throw new FrontendFault("a packet smaller than its pieces");
        }
        if (piece.offset() + piece.size() > GrantedFrame.SIZE) {
            throw new FrontendFault(
                    "%d bytes at %d of a frame".formatted(piece.size(), piece.offset()));
        }
    }

    private void respond(int status) {
        respond(pieces.getFirst().id(), status);
        for (int i = 0; i < extras; i++) {
            respond(0, Netif.RSP_NULL);
        }
        for (int i = 1; i < pieces.size(); i++) {
            respond(pieces.get(i).id(), status);
        }
    }

    private void respond(int id, int status) {
        new NetifTxResponse(id, status).writeTo(answer);
        ring.respond(answer);
    }

    // ---- bytes

    /** Copies the packet out of the guest's frames, each byte once. */
    private EthernetFrame frame(int total) {
        boolean checksumPending = gso != null || pieces.getFirst().has(Netif.TX_CSUM_BLANK);
        EthernetFrame frame =
                EthernetFrame.ofLength(
                        total, checksumPending, segmentation(), gso == null ? 0 : gso.gsoSize());
        boolean complete = false;
        try {
            copyInto(MemorySegment.ofBuffer(frame.bytes()));
            complete = true;
            return frame;
        } finally {
            if (!complete) {
                frame.release();
            }
        }
    }

    private Segmentation segmentation() {
        if (gso == null) {
            return Segmentation.NONE;
        }
        return gso.gsoType() == Netif.GSO_TYPE_TCPV4 ? Segmentation.TCP_V4 : Segmentation.TCP_V6;
    }

    private void copyInto(MemorySegment bytes) {
        long at = 0;
        for (NetifTxRequest piece : pieces) {
            try (GrantedFrame granted = domain.grant(piece.gref(), false)) {
                if (granted == null) {
                    throw new FrontendFault(
                            "%s is no grant to send from"
                                    .formatted(Integer.toUnsignedString(piece.gref())));
                }
                MemorySegment.copy(granted.memory(), piece.offset(), bytes, at, piece.size());
                at += piece.size();
            }
        }
    }

    // ---- the end

    /** Ends the service and gives ring and port back. */
    synchronized void close() {
        closed = true;
        if (waiting != null) {
            waiting.release();
            waiting = null;
        }
        port.close();
        ring.close();
    }
}

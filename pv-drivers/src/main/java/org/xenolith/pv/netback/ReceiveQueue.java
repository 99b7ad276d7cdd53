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
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;

/**
 * What a guest receives. The switch's thread queues frames here, up to a bound; {@link #service}
 * moves them into frames that the guest offers, on the domain's threads, one at a time. A guest
 * that offers none fills the queue, and then the switch waits.
 *
 * <p>A frontend that does not say {@code feature-rx-notify} may offer frames without an event:
 * while something waits for it, its ring is looked at every {@value #LOOK_MILLIS} ms, as in Linux.
 */
final class ReceiveQueue {
    /** Charge at which no more is taken, and below which more is; the least charge of a frame. */
    private static final int FULL = 256 << 10, ROOM = FULL / 2, LEAST_CHARGE = 1 << 10;

    private static final int LOOK_MILLIS = 30;

    /** When a ring without events is looked at again; what runs there is short. */
    static final Executor LATER =
            CompletableFuture.delayedExecutor(LOOK_MILLIS, TimeUnit.MILLISECONDS, Runnable::run);

    private final FrontendDomain domain;
    private final SharedRing ring;
    private final EventPort port;
    private final Supplier<SwitchPort> uplink;
    private final ConnectRequest.Reports reports;
    private final Executor later; // null for a frontend that tells
    private final AtomicBoolean lookIsDue = new AtomicBoolean();
    private final AtomicBoolean serviceIsDue = new AtomicBoolean();
    private final Queue<EthernetFrame> frames = new ConcurrentLinkedQueue<>();

    /** Sum of the charges of what is queued. */
    private final AtomicInteger charge = new AtomicInteger();

    /** The switch was refused and waits to hear of room. */
    private final AtomicBoolean refused = new AtomicBoolean();

    private volatile boolean closed;

    // Guarded by this object.
    private final MemorySegment slot = MemorySegment.ofArray(new byte[NetifRxRequest.SIZE]);
    private final MemorySegment answer = MemorySegment.ofArray(new byte[NetifRxResponse.SIZE]);

    /**
     * @param later runs work after a while, to look at the ring again; null for a frontend that
     *     tells when it has room
     */
    ReceiveQueue(
            FrontendDomain domain,
            SharedRing ring,
            EventPort port,
            Supplier<SwitchPort> uplink,
            ConnectRequest.Reports reports,
            Executor later) {
        this.domain = domain;
        this.ring = ring;
        this.port = port;
        this.uplink = uplink;
        this.reports = reports;
        this.later = later;
    }

    private static int chargeOf(EthernetFrame frame) {
        return Math.max(frame.length(), LEAST_CHARGE);
    }

    /**
     * Whether a frame, or the pieces of one, may be {@linkplain #add added}; on the switch's
     * thread. If not, the switch hears of room later.
     */
    boolean hasRoom() {
        if (charge.get() < FULL) {
            return true;
        }
        refused.set(true);
        // Room that was made before the flag was set is nobody's to announce.
        if (charge.get() >= ROOM && !closed) {
            return false;
        }
        refused.set(false);
        return true;
    }

    /** Queues a frame, whose reference passes to this object. */
    void add(EthernetFrame frame) {
        charge.addAndGet(chargeOf(frame));
        frames.add(frame);
        if (closed) {
            dropAll();
        } else {
            serviceSoon();
        }
    }

    private void serviceSoon() {
        if (!serviceIsDue.getAndSet(true)) {
            domain.post(this::service);
        }
    }

    /** Hands frames to the guest; on a thread that may touch its memory. */
    void service() {
        serviceIsDue.set(false);
        synchronized (this) {
            if (closed) {
                return;
            }
            try {
                handOver();
            } catch (RingCorrupt | FrontendFault fault) {
                closed = true;
                dropAll();
                reports.fail(fault.getMessage());
            }
            if (ring.publish()) {
                port.notifyFrontend();
            }
        }
        announceRoom();
    }

    private void announceRoom() {
        if (charge.get() < ROOM && refused.getAndSet(false)) {
            uplink.get().resume();
        }
    }

    private void handOver() {
        // A ring's worth at most: the guest cannot keep us here by offering the same slots again.
        int slots = 0;
        EthernetFrame frame;
        while (slots < ring.size() && (frame = frames.peek()) != null) {
            int needed = slotsFor(frame);
            if (!ring.has(needed)) {
                lookLater();
                return;
            }
            put(frame);
            frames.remove();
            charge.addAndGet(-chargeOf(frame));
            frame.release();
            slots += needed;
        }
        if (!frames.isEmpty()) {
            serviceSoon();
        }
    }

    private void lookLater() {
        if (later != null && !lookIsDue.getAndSet(true)) {
            later.execute(this::look);
        }
    }

    private void look() {
        lookIsDue.set(false);
        if (!closed) {
            serviceSoon();
        }
    }

    private static int slotsFor(EthernetFrame frame) {
        int data = (frame.length() + GrantedFrame.SIZE - 1) / GrantedFrame.SIZE;
        return frame.segmentation() == Segmentation.NONE ? data : data + 1;
    }

    private void put(EthernetFrame frame) {
        boolean cut = frame.segmentation() != Segmentation.NONE;
        int flags = frame.checksumPending() ? Netif.RX_CSUM_BLANK | Netif.RX_DATA_VALIDATED : 0;
        int length = frame.length();
        for (int at = 0; at < length; at += GrantedFrame.SIZE) {
            int size = Math.min(GrantedFrame.SIZE, length - at);
            int more = at + size < length ? Netif.RX_MORE_DATA : 0;
            boolean first = at == 0;
            int extra = first && cut ? Netif.RX_EXTRA_INFO : 0;
            putPiece(frame, at, size, (first ? flags : 0) | extra | more);
            if (extra != 0) {
                putSegmentation(frame);
            }
        }
    }

    private void putPiece(EthernetFrame frame, int at, int size, int flags) {
        ring.take(slot);
        NetifRxRequest request = NetifRxRequest.readFrom(slot);
        try (GrantedFrame granted = domain.grant(request.gref(), true)) {
            if (granted == null) {
                throw new FrontendFault(
                        "%s is no grant to receive into"
                                .formatted(Integer.toUnsignedString(request.gref())));
            }
            frame.copyTo(at, granted.memory().asSlice(0, size).asByteBuffer());
        }
        new NetifRxResponse(request.id(), 0, flags, size).writeTo(answer);
        ring.respond(answer);
    }

    /** Takes the place of a response; the guest keeps the frame that it had offered there. */
    private void putSegmentation(EthernetFrame frame) {
        ring.take(slot);
        int type =
                switch (frame.segmentation()) {
                    case TCP_V4 -> Netif.GSO_TYPE_TCPV4;
                    case TCP_V6 -> Netif.GSO_TYPE_TCPV6;
                    case NONE -> throw new IllegalStateException("a frame that is not to be cut");
                };
        NetifExtraInfo.gso(type, frame.segmentBytes()).writeTo(answer);
        ring.respond(answer);
    }

    // ---- the end

    /** Ends the service and gives ring and port back. */
    void close() {
        synchronized (this) {
            closed = true;
            dropAll();
            port.close();
            ring.close();
        }
        announceRoom();
    }

    private void dropAll() {
        EthernetFrame frame;
        while ((frame = frames.poll()) != null) {
            charge.addAndGet(-chargeOf(frame));
            frame.release();
        }
    }
}

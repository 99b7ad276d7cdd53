package org.xenolith.pv.blkback;

import org.xenolith.devices.block.BlockImage;
import org.xenolith.pv.host.EventPort;
import org.xenolith.pv.host.FrontendDomain;
import org.xenolith.pv.host.GrantedFrame;
import org.xenolith.pv.ring.RingCorrupt;
import org.xenolith.pv.ring.SharedRing;
import org.xenolith.pv.xenbus.BackendConnection;
import org.xenolith.pv.xenbus.BackendDriver;
import org.xenolith.pv.xenbus.ConnectRequest;
import org.xenolith.pv.xenbus.FrontendKeys;
import org.xenolith.pv.xenbus.FrontendRefused;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;

/**
 * A virtual disk over a {@link BlockImage}: Linux's blkback. The image stays the caller's, to be
 * closed when the device has ended.
 */
public final class BlockBackend implements BackendDriver {
    private static final String PROTOCOL = "x86_64-abi";

    /** Data under way at which a disk takes no more requests, shared by its rings. */
    private static final long BYTES_UNDER_WAY = 2L << 20;

    private final BlockImage image;
    private final Executor io;
    private final BlockFeatures features;

    /**
     * @param io runs calls of the image, which block; not on threads of a vCPU
     */
    public BlockBackend(BlockImage image, Executor io, BlockFeatures features) {
        this.image = image;
        this.io = io;
        this.features = features;
    }

    @Override
    public Map<String, String> offer() {
        Map<String, String> keys = new LinkedHashMap<>();
        keys.put("max-ring-page-order", "" + features.maxRingPageOrder());
        keys.put("multi-queue-max-queues", "" + features.maxQueues());
        keys.put("feature-max-indirect-segments", "" + features.maxIndirectSegments());
        keys.put("feature-persistent", bit(features.persistentGrants()));
        keys.put("feature-flush-cache", bit(!image.isReadOnly()));
        keys.put("feature-barrier", "0");
        keys.put("feature-discard", bit(offersDiscard()));
        if (offersDiscard()) {
            keys.put("discard-granularity", "" + BlockImage.SECTOR_BYTES);
            keys.put("discard-alignment", "0");
            keys.put("discard-secure", "0");
        }
        return keys;
    }

    private boolean offersDiscard() {
        return features.discard() && !image.isReadOnly();
    }

    private static String bit(boolean on) {
        return on ? "1" : "0";
    }

    private Map<String, String> properties() {
        int info =
                (image.isReadOnly() ? Blkif.VDISK_READONLY : 0)
                        | (features.cdrom() ? Blkif.VDISK_CDROM : 0);
        Map<String, String> keys = new LinkedHashMap<>();
        keys.put("sectors", "" + image.sizeBytes() / BlockImage.SECTOR_BYTES);
        keys.put("sector-size", "" + BlockImage.SECTOR_BYTES);
        keys.put("physical-sector-size", "" + BlockImage.SECTOR_BYTES);
        keys.put("info", "" + info);
        return keys;
    }

    @Override
    public BackendConnection connect(ConnectRequest request) throws FrontendRefused {
        FrontendKeys keys = request.keys();
        String protocol = keys.text("protocol").orElse(PROTOCOL);
        if (!protocol.equals(PROTOCOL)) {
            throw new FrontendRefused("the frontend speaks another ABI than " + PROTOCOL);
        }
        int order = keys.number("ring-page-order", 0, features.maxRingPageOrder(), 0);
        boolean oneKey = !keys.has("ring-page-order");
        boolean persistent = features.persistentGrants() && keys.flag("feature-persistent");
        int queues = keys.number("multi-queue-num-queues", 1, features.maxQueues(), 1);
        List<BlockQueue> connected = new ArrayList<>();
        try {
            for (int i = 0; i < queues; i++) {
                FrontendKeys of = queues == 1 ? keys : keys.in("queue-" + i);
                List<String> refs = refs(order, oneKey);
                connected.add(connectQueue(request, of, refs, persistent, i, queues));
            }
        } catch (FrontendRefused refused) {
            connected.forEach(BlockQueue::giveBack);
            throw refused;
        }
        return new Connection(request.domain(), connected);
    }

    private static List<String> refs(int order, boolean oneKey) {
        List<String> refs = new ArrayList<>();
        for (int i = 0; i < 1 << order; i++) {
            refs.add(oneKey ? "ring-ref" : "ring-ref" + i);
        }
        return refs;
    }

    private BlockQueue connectQueue(
            ConnectRequest request,
            FrontendKeys keys,
            List<String> refs,
            boolean persistent,
            int index,
            int queues)
            throws FrontendRefused {
        FrontendDomain domain = request.domain();
        List<GrantedFrame> pages = new ArrayList<>();
        SharedRing ring = null;
        try {
            for (String ref : refs) {
                GrantedFrame page = domain.grant(keys.number(ref), true);
                if (page == null) {
                    throw new FrontendRefused(ref + " is no grant for the backend");
                }
                pages.add(page);
            }
            ring =
                    new SharedRing(
                            "ring " + index,
                            pages,
                            BlkifRequest.SLOT,
                            domain.rings(request.device().toString()));
            BlockQueue queue =
                    new BlockQueue(
                            domain,
                            ring,
                            new Disk(
                                    image,
                                    io,
                                    offersDiscard(),
                                    features.maxIndirectSegments(),
                                    BYTES_UNDER_WAY / queues),
                            new FrontendGrants(domain, persistent),
                            request.reports());
            EventPort port = domain.bind(keys.number("event-channel"), queue::service);
            if (port == null) {
                throw new FrontendRefused("event-channel is no port offered to the backend");
            }
            queue.connectTo(port);
            return queue;
        } catch (RingCorrupt corrupt) {
            giveBack(ring, pages);
            throw new FrontendRefused(corrupt.getMessage());
        } catch (FrontendRefused refused) {
            giveBack(ring, pages);
            throw refused;
        }
    }

    /** A ring that was made has its pages. */
    private static void giveBack(SharedRing ring, List<GrantedFrame> pages) {
        if (ring == null) {
            pages.forEach(GrantedFrame::close);
        } else {
            ring.close();
        }
    }

    /** What all queues of a device serve requests with. */
    record Disk(
            BlockImage image,
            Executor io,
            boolean discard,
            int maxIndirectSegments,
            long bytesUnderWay) {}

    /** All queues of one frontend. */
    private final class Connection implements BackendConnection {
        private final FrontendDomain domain;
        private final List<BlockQueue> queues;

        Connection(FrontendDomain domain, List<BlockQueue> queues) {
            this.domain = domain;
            this.queues = queues;
        }

        @Override
        public Map<String, String> properties() {
            return BlockBackend.this.properties();
        }

        @Override
        public void start() {
            queues.forEach(BlockQueue::start);
        }

        @Override
        public void disconnect(Runnable released) {
            Countdown all = new Countdown(queues.size(), () -> domain.post(released));
            queues.forEach(queue -> queue.disconnect(all));
        }

        @Override
        public void handOver(Runnable released) {
            Countdown all = new Countdown(queues.size(), () -> domain.post(released));
            queues.forEach(queue -> queue.handOver(all));
        }

        @Override
        public void abandon(Runnable idle) {
            Countdown all = new Countdown(queues.size(), idle);
            queues.forEach(queue -> queue.abandon(all));
        }
    }
}

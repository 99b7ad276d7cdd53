package org.xenolith.pv.blkback;

import static org.xenolith.pv.blkback.Blkif.MAX_SEGMENTS_PER_REQUEST;
import static org.xenolith.pv.blkback.Blkif.RSP_EOPNOTSUPP;
import static org.xenolith.pv.blkback.Blkif.RSP_ERROR;

import org.xenolith.devices.block.BlockImage;
import org.xenolith.pv.host.EventPort;
import org.xenolith.pv.host.FrontendDomain;
import org.xenolith.pv.host.GrantedFrame;
import org.xenolith.pv.ring.RingCorrupt;
import org.xenolith.pv.ring.SharedRing;
import org.xenolith.pv.xenbus.ConnectRequest;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Locale;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * One ring of a disk. {@link #service} runs on the domain's threads, one at a time: it answers what
 * the I/O threads have finished, then takes new requests. A request holds its grants from then
 * until it is answered, and a slow disk holds back the ring: nothing queues without bound.
 */
final class BlockQueue {
    private final FrontendDomain domain;
    private final SharedRing ring;
    private final BlockBackend.Disk disk;
    private final FrontendGrants grants;
    private final ConnectRequest.Reports reports;
    private final IoBuffers buffers = IoBuffers.SHARED;

    /** Jobs that I/O threads are done with. */
    private final Queue<DiskJob> finished = new ConcurrentLinkedQueue<>();

    private final AtomicBoolean serviceIsDue = new AtomicBoolean();

    /** The domain has ended: its memory is no longer ours to touch. */
    private volatile boolean abandoned;

    // Guarded by this object.
    private final MemorySegment slot = MemorySegment.ofArray(new byte[BlkifRequest.SLOT]);
    private final MemorySegment answer = MemorySegment.ofArray(new byte[BlkifResponse.SIZE]);
    private final WriteOrder order = new WriteOrder();
    private EventPort port;
    private int jobsUnderWay;
    private long bytesUnderWay;

    /** Until then another vCPU's event finds a ring that may still be refused. */
    private boolean started;

    private boolean closing;

    /** What was taken is answered, and nothing more is taken. */
    private boolean handingOver;

    private Runnable released;

    /** A transfer that the next request may continue; null when there is none. */
    private DiskJob gathering;

    BlockQueue(
            FrontendDomain domain,
            SharedRing ring,
            BlockBackend.Disk disk,
            FrontendGrants grants,
            ConnectRequest.Reports reports) {
        this.domain = domain;
        this.ring = ring;
        this.disk = disk;
        this.grants = grants;
        this.reports = reports;
    }

    synchronized void connectTo(EventPort eventPort) {
        port = eventPort;
    }

    /** All rings of the device are connected: requests are served from now on. */
    synchronized void start() {
        started = true;
        // The other side may have sent before.
        serviceSoon();
    }

    // ---- the ring

    /** Answers and takes requests; on a thread that may touch the domain's memory. */
    void service() {
        serviceIsDue.set(false);
        synchronized (this) {
            if (abandoned || !started) {
                return;
            }
            finishJobs();
            if (!closing) {
                serveRing();
            }
            releaseIfIdle();
        }
    }

    private void serviceSoon() {
        if (!serviceIsDue.getAndSet(true)) {
            domain.post(this::service);
        }
    }

    private void serveRing() {
        try {
            if (!handingOver) {
                takeRequests();
            }
        } catch (RingCorrupt corrupt) {
            closing = true;
            reports.fail(corrupt.getMessage());
        }
        if (ring.publish()) {
            port.notifyFrontend();
        }
    }

    private void takeRequests() {
        // One round takes a ring's worth: a guest that writes faster than we read comes back later.
        int taken = 0;
        try {
            while (bytesUnderWay < disk.bytesUnderWay() && taken < ring.size() && ring.has(1)) {
                ring.take(slot);
                taken++;
                accept(BlkifRequest.readFrom(slot));
            }
        } finally {
            dispatchGathered();
        }
        if (taken == ring.size()) {
            serviceSoon();
        }
    }

    private void accept(BlkifRequest request) {
        switch (request) {
            case BlkifRequest.Direct direct -> acceptDirect(direct);
            case BlkifRequest.Indirect large -> acceptIndirect(large);
            case BlkifRequest.Discard discard -> acceptDiscard(discard);
        }
    }

    private void acceptDirect(BlkifRequest.Direct request) {
        switch (request.operation()) {
            case Blkif.OP_READ, Blkif.OP_WRITE -> {
                int count = request.segmentCount();
                if (count == 0 || count > MAX_SEGMENTS_PER_REQUEST) {
                    respond(request, RSP_ERROR);
                } else {
                    transfer(request, request.operation(), request.sector(), request.segments());
                }
            }
            case Blkif.OP_FLUSH_DISKCACHE -> acceptFlush(request);
            // Also for the write barrier, which we do not offer: a flush does what it is for.
            default -> respond(request, RSP_EOPNOTSUPP);
        }
    }

    private void acceptIndirect(BlkifRequest.Indirect request) {
        int operation = request.indirectOperation();
        int count = request.segmentCount();
        boolean sound =
                (operation == Blkif.OP_READ || operation == Blkif.OP_WRITE)
                        && count > 0
                        && count <= disk.maxIndirectSegments();
        List<BlkifSegment> segments = sound ? grants.segments(request) : null;
        if (segments == null) {
            respond(request, RSP_ERROR);
        } else {
            transfer(request, operation, request.sector(), segments);
        }
    }

    private void acceptFlush(BlkifRequest.Direct request) {
        if (request.segmentCount() != 0) {
            respond(request, RSP_ERROR);
            return;
        }
        dispatchGathered();
        DiskJob job = job(DiskJob.Kind.FLUSH, 0, 0);
        job.parts.add(new DiskJob.Part(request.id(), request.operation(), List.of(), List.of()));
        order.flush(job).forEach(this::dispatch);
    }

    private void acceptDiscard(BlkifRequest.Discard request) {
        if (!disk.discard() || (request.flag() & Blkif.DISCARD_SECURE) != 0) {
            respond(request, RSP_EOPNOTSUPP);
        } else if (!isOnDisk(request.sector(), request.sectorCount())) {
            respond(request, RSP_ERROR);
        } else {
            dispatchGathered();
            DiskJob job =
                    job(
                            DiskJob.Kind.DISCARD,
                            request.sector() * BlockImage.SECTOR_BYTES,
                            request.sectorCount() * BlockImage.SECTOR_BYTES);
            job.parts.add(
                    new DiskJob.Part(request.id(), request.operation(), List.of(), List.of()));
            dispatch(job);
        }
    }

    private boolean isOnDisk(long sector, long count) {
        long size = disk.image().sizeBytes() / BlockImage.SECTOR_BYTES;
        return count > 0 && count <= size && sector >= 0 && sector <= size - count;
    }

    // ---- transfers

    private void transfer(
            BlkifRequest request, int operation, long sector, List<BlkifSegment> segments) {
        boolean write = operation == Blkif.OP_WRITE;
        long bytes = 0;
        for (BlkifSegment segment : segments) {
            if (!segment.isValid()) {
                respond(request, RSP_ERROR);
                return;
            }
            bytes += segment.lengthBytes();
        }
        if (!isOnDisk(sector, bytes / BlockImage.SECTOR_BYTES)
                || write && disk.image().isReadOnly()) {
            respond(request, RSP_ERROR);
            return;
        }
        List<GrantedFrame> frames = grants.open(segments, !write);
        if (frames == null) {
            respond(request, RSP_ERROR);
            return;
        }
        gather(
                write ? DiskJob.Kind.WRITE : DiskJob.Kind.READ,
                sector * BlockImage.SECTOR_BYTES,
                bytes,
                new DiskJob.Part(request.id(), request.operation(), segments, frames));
    }

    /** Requests that continue each other on the disk become one call of it. */
    private void gather(DiskJob.Kind kind, long offset, long bytes, DiskJob.Part part) {
        boolean continues =
                gathering != null
                        && gathering.kind == kind
                        && gathering.endOffset() == offset
                        && gathering.lengthBytes + bytes <= IoBuffers.LARGEST;
        if (!continues) {
            dispatchGathered();
            gathering = job(kind, offset, 0);
        }
        gathering.parts.add(part);
        gathering.lengthBytes += bytes;
        bytesUnderWay += bytes;
    }

    private void dispatchGathered() {
        DiskJob job = gathering;
        gathering = null;
        if (job == null) {
            return;
        }
        job.buffer = buffers.take((int) job.lengthBytes);
        if (job.buffer == null) {
            refuse(job);
            return;
        }
        if (job.kind == DiskJob.Kind.WRITE) {
            job.fillBuffer();
        }
        dispatch(job);
    }

    /** The host is out of memory for buffers. */
    private void refuse(DiskJob job) {
        reports.say(describe(job) + " refused: no memory for a buffer");
        bytesUnderWay -= job.lengthBytes;
        for (DiskJob.Part part : job.parts) {
            part.closeFrames();
            respond(part.id(), part.operation(), RSP_ERROR);
        }
    }

    private DiskJob job(DiskJob.Kind kind, long offset, long bytes) {
        return new DiskJob(kind, offset, bytes, disk.image(), this::finished);
    }

    private void dispatch(DiskJob job) {
        switch (job.kind) {
            case WRITE, DISCARD -> job.epoch = order.begin();
            case READ, FLUSH -> {}
        }
        jobsUnderWay++;
        disk.io().execute(job);
    }

    // ---- the way back

    /** On an I/O thread. */
    private void finished(DiskJob job) {
        finished.add(job);
        if (abandoned) {
            dropFinished();
        } else {
            serviceSoon();
        }
    }

    private void finishJobs() {
        DiskJob job;
        while ((job = finished.poll()) != null) {
            if (job.kind == DiskJob.Kind.READ && job.status == Blkif.RSP_OKAY && !closing) {
                job.emptyBuffer();
            }
            for (DiskJob.Part part : job.parts) {
                // First the grants, then the answer: with it the guest takes the frames back.
                part.closeFrames();
                if (!closing) {
                    respond(part.id(), part.operation(), job.status);
                }
            }
            if (job.failure != null) {
                reports.say("%s failed: %s".formatted(describe(job), reason(job.failure)));
            }
            retire(job);
            if (job.epoch != null) {
                order.end(job.epoch).forEach(this::dispatch);
            }
        }
    }

    /** A disk's errors are sentences; of any other the kind says most. */
    private static String reason(Throwable failure) {
        return failure instanceof IOException disk && disk.getMessage() != null
                ? disk.getMessage()
                : failure.toString();
    }

    private static String describe(DiskJob job) {
        return "%s of %d bytes at byte %d"
                .formatted(job.kind.name().toLowerCase(Locale.ROOT), job.lengthBytes, job.offset);
    }

    private void retire(DiskJob job) {
        jobsUnderWay--;
        if (job.buffer != null) {
            bytesUnderWay -= job.lengthBytes;
            buffers.give(job.buffer);
        }
    }

    private void respond(BlkifRequest request, int status) {
        respond(request.id(), request.operation(), status);
    }

    private void respond(long id, int operation, int status) {
        new BlkifResponse(id, operation, status).writeTo(answer);
        ring.respond(answer);
    }

    // ---- the end

    /**
     * Takes no more requests and answers none; what is under way ends on the disk.
     *
     * @param whenReleased runs on a thread that may touch the domain's memory, a lock held
     */
    synchronized void disconnect(Runnable whenReleased) {
        closing = true;
        order.cancel();
        released = whenReleased;
        // Not at once: the caller is not done yet.
        serviceSoon();
    }

    /**
     * Takes no more requests and answers those that were taken: the ring is then as another backend
     * finds it.
     *
     * @param whenReleased as for {@link #disconnect}
     */
    synchronized void handOver(Runnable whenReleased) {
        handingOver = true;
        released = whenReleased;
        serviceSoon();
    }

    private void releaseIfIdle() {
        if (released != null && jobsUnderWay == 0) {
            Runnable then = released;
            released = null;
            giveBack();
            then.run();
        }
    }

    /** Ends the uses of the frontend's ring, grants and port. */
    synchronized void giveBack() {
        port.close();
        grants.closeAll();
        ring.close();
    }

    /**
     * The domain has ended: what is under way ends on the disk and goes nowhere.
     *
     * @param idle runs on any thread, a lock held
     */
    synchronized void abandon(Runnable idle) {
        closing = true;
        abandoned = true;
        order.cancel();
        released = idle;
        dropFinished();
    }

    private synchronized void dropFinished() {
        DiskJob job;
        while ((job = finished.poll()) != null) {
            job.parts.forEach(DiskJob.Part::closeFrames);
            retire(job);
        }
        releaseIfIdle();
    }
}

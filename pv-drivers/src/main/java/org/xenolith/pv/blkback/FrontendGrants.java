package org.xenolith.pv.blkback;

import org.xenolith.pv.host.FrontendDomain;
import org.xenolith.pv.host.GrantedFrame;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The frames that requests name. A frontend with persistent grants uses the same ones again and
 * again, and copies; then the uses outlive the requests, up to a limit, the longest unused going
 * first. One user at a time, on threads that may touch the domain's memory.
 */
final class FrontendGrants {
    /** As many as Linux keeps for a ring of one page: 32 requests of 32 segments, and some. */
    private static final int MAX_PERSISTENT = 1056;

    private static final int SEGMENTS_PER_PAGE = GrantedFrame.SIZE / BlkifSegment.SIZE;

    private final FrontendDomain domain;
    private final boolean persistent;

    /** By reference, in the order of use. */
    private final LinkedHashMap<Integer, Kept> kept = new LinkedHashMap<>(16, 0.75f, true);

    private final MemorySegment indirectPage = MemorySegment.ofArray(new byte[GrantedFrame.SIZE]);

    FrontendGrants(FrontendDomain domain, boolean persistent) {
        this.domain = domain;
        this.persistent = persistent;
    }

    /** Null when the guest granted no such thing. */
    GrantedFrame open(int ref, boolean writable) {
        return persistent ? openKept(ref, writable) : domain.grant(ref, writable);
    }

    private GrantedFrame openKept(int ref, boolean writable) {
        Kept frame = kept.get(ref);
        if (frame == null) {
            // Written or not this time: the next request may want the other.
            GrantedFrame granted = domain.grant(ref, true);
            if (granted == null) {
                return writable ? null : domain.grant(ref, false);
            }
            makeRoom();
            frame = new Kept(granted);
            kept.put(ref, frame);
        }
        frame.users++;
        return frame;
    }

    private void makeRoom() {
        if (kept.size() < MAX_PERSISTENT) {
            return;
        }
        for (Map.Entry<Integer, Kept> entry : kept.entrySet()) {
            if (entry.getValue().users == 0) {
                entry.getValue().granted.close();
                kept.remove(entry.getKey());
                return;
            }
        }
    }

    /**
     * Begins to use the frames of all segments.
     *
     * @return null when one of them is not granted; none is in use then
     */
    List<GrantedFrame> open(List<BlkifSegment> segments, boolean writable) {
        List<GrantedFrame> frames = new ArrayList<>(segments.size());
        for (BlkifSegment segment : segments) {
            GrantedFrame frame = open(segment.gref(), writable);
            if (frame == null) {
                frames.forEach(GrantedFrame::close);
                return null;
            }
            frames.add(frame);
        }
        return frames;
    }

    /**
     * Copies the segments of an indirect request out of their pages, once.
     *
     * @param request with no more segments than its pages hold
     * @return null when a page is not granted
     */
    List<BlkifSegment> segments(BlkifRequest.Indirect request) {
        List<BlkifSegment> segments = new ArrayList<>(request.segmentCount());
        for (int i = 0; i < request.segmentCount(); i++) {
            int inPage = i % SEGMENTS_PER_PAGE;
            if (inPage == 0 && !copyPage(request.grefs()[i / SEGMENTS_PER_PAGE])) {
                return null;
            }
            segments.add(BlkifSegment.readFrom(indirectPage, (long) inPage * BlkifSegment.SIZE));
        }
        return segments;
    }

    private boolean copyPage(int gref) {
        GrantedFrame frame = open(gref, false);
        if (frame == null) {
            return false;
        }
        indirectPage.copyFrom(frame.memory());
        frame.close();
        return true;
    }

    /** Ends all uses; nothing is in flight any more. */
    void closeAll() {
        kept.values().forEach(frame -> frame.granted.close());
        kept.clear();
    }

    private static final class Kept implements GrantedFrame {
        private final GrantedFrame granted;
        private int users;

        Kept(GrantedFrame granted) {
            this.granted = granted;
        }

        @Override
        public MemorySegment memory() {
            return granted.memory();
        }

        @Override
        public void close() {
            users--;
        }
    }
}

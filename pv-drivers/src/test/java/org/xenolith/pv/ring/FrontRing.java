package org.xenolith.pv.ring;

import org.xenolith.pv.host.FakeDomain;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** The frontend's side of a ring in a test: honest unless told otherwise. */
public final class FrontRing {
    private final List<FakeDomain.Page> pages;
    private final int slotBytes;
    private final int size;
    private int reqProd;
    private int rspCons;

    public FrontRing(List<FakeDomain.Page> pages, int slotBytes) {
        this(pages, slotBytes, 0);
    }

    /**
     * @param start where the indices begin
     */
    public FrontRing(List<FakeDomain.Page> pages, int slotBytes, int start) {
        this.pages = pages;
        this.slotBytes = slotBytes;
        this.size = SharedRing.slots(pages.size(), slotBytes);
        reqProd = start;
        rspCons = start;
        set(SharedRing.REQ_PROD, start);
        set(SharedRing.RSP_PROD, start);
        set(SharedRing.REQ_EVENT, start + 1);
        set(SharedRing.RSP_EVENT, start + 1);
    }

    public int size() {
        return size;
    }

    public void set(int field, int value) {
        RingIndices.setRelease(pages.getFirst().memory, field, value);
    }

    public int get(int field) {
        return RingIndices.getAcquire(pages.getFirst().memory, field);
    }

    /** Writes a request; {@link #publish} shows it. */
    public void put(Consumer<MemorySegment> request) {
        MemorySegment slot = MemorySegment.ofArray(new byte[slotBytes]);
        request.accept(slot);
        for (int i = 0; i < slotBytes; i++) {
            int at = at(reqProd) + i;
            page(at).set(ValueLayout.JAVA_BYTE, at % 4096, slot.get(ValueLayout.JAVA_BYTE, i));
        }
        reqProd++;
    }

    private int at(int index) {
        return SharedRing.SLOTS + (index & size - 1) * slotBytes;
    }

    private MemorySegment page(int at) {
        return pages.get(at / 4096).memory;
    }

    public void publish() {
        set(SharedRing.REQ_PROD, reqProd);
    }

    /** Copies of the responses since the last call, and asks for an event with the next. */
    public List<MemorySegment> responses() {
        List<MemorySegment> responses = new ArrayList<>();
        int rspProd = get(SharedRing.RSP_PROD);
        for (; rspCons != rspProd; rspCons++) {
            MemorySegment slot = MemorySegment.ofArray(new byte[slotBytes]);
            for (int i = 0; i < slotBytes; i++) {
                int at = at(rspCons) + i;
                slot.set(ValueLayout.JAVA_BYTE, i, page(at).get(ValueLayout.JAVA_BYTE, at % 4096));
            }
            responses.add(slot);
        }
        set(SharedRing.RSP_EVENT, rspCons + 1);
        return responses;
    }
}

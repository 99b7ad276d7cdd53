package org.xenolith.pv.blkback;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.xenolith.pv.ring.Wire;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** The wire records against the offsets that a C compiler gives public/io/blkif.h on x86-64. */
class BlkifTest {
    private final MemorySegment slot = MemorySegment.ofArray(new byte[BlkifRequest.SLOT]);

    @Test
    void requestLiesAsTheHeaderSays() {
        List<BlkifSegment> segments = new ArrayList<>();
        for (int i = 0; i < 11; i++) {
            segments.add(new BlkifSegment(0x1000 + i, i % 8, 7));
        }
        BlkifRequest.Direct request = new BlkifRequest.Direct(1, -5, 1L << 40, 11, segments);
        request.writeTo(slot);
        assertThat(slot.get(Wire.BYTE, 0)).isEqualTo((byte) 1);
        assertThat(slot.get(Wire.BYTE, 1)).isEqualTo((byte) 11);
        assertThat(slot.get(Wire.LONG, 8)).isEqualTo(-5);
        assertThat(slot.get(Wire.LONG, 16)).isEqualTo(1L << 40);
        assertThat(slot.get(Wire.INT, 24 + 10 * 8)).isEqualTo(0x100a);
        assertThat(slot.get(Wire.BYTE, 24 + 10 * 8 + 5)).isEqualTo((byte) 7);
        assertThat(BlkifRequest.readFrom(slot)).isEqualTo(request);
    }

    @Test
    void moreSegmentsThanFitAreNotReadBeyondTheSlot() {
        slot.set(Wire.BYTE, 1, (byte) 255);
        BlkifRequest.Direct request = (BlkifRequest.Direct) BlkifRequest.readFrom(slot);
        assertThat(request.segmentCount()).isEqualTo(255);
        assertThat(request.segments()).hasSize(11);
    }

    @Test
    void indirectRequestLiesAsTheHeaderSays() {
        int[] grefs = {1, 2, 3, 4, 5, 6, 7, 8};
        new BlkifRequest.Indirect(1, 77, 9, 256, grefs).writeTo(slot);
        assertThat(slot.get(Wire.BYTE, 0)).isEqualTo((byte) 6);
        assertThat(slot.get(Wire.BYTE, 1)).isEqualTo((byte) 1);
        assertThat(slot.get(Wire.SHORT, 2)).isEqualTo((short) 256);
        assertThat(slot.get(Wire.LONG, 8)).isEqualTo(77);
        assertThat(slot.get(Wire.LONG, 16)).isEqualTo(9);
        assertThat(slot.get(Wire.INT, 28)).isEqualTo(1);
        assertThat(slot.get(Wire.INT, 56)).isEqualTo(8);
        BlkifRequest.Indirect read = (BlkifRequest.Indirect) BlkifRequest.readFrom(slot);
        assertThat(read.grefs()).isEqualTo(grefs);
        assertThat(read.segmentCount()).isEqualTo(256);
        assertThat(read.operation()).as("what the response echoes").isEqualTo(1);
    }

    @Test
    void discardLiesAsTheHeaderSays() {
        BlkifRequest.Discard request = new BlkifRequest.Discard(1, 3, 1L << 33, 1L << 34);
        request.writeTo(slot);
        assertThat(slot.get(Wire.BYTE, 1)).isEqualTo((byte) 1);
        assertThat(slot.get(Wire.LONG, 24)).isEqualTo(1L << 34);
        assertThat(BlkifRequest.readFrom(slot)).isEqualTo(request);
    }

    @Test
    void responseLiesAsTheHeaderSays() {
        MemorySegment bytes = MemorySegment.ofArray(new byte[BlkifResponse.SIZE]);
        BlkifResponse response = new BlkifResponse(-9, 3, Blkif.RSP_EOPNOTSUPP);
        response.writeTo(bytes);
        assertThat(bytes.get(Wire.LONG, 0)).isEqualTo(-9);
        assertThat(bytes.get(Wire.BYTE, 8)).isEqualTo((byte) 3);
        assertThat(bytes.get(Wire.SHORT, 10)).isEqualTo((short) -2);
        assertThat(BlkifResponse.readFrom(bytes)).isEqualTo(response);
    }
}

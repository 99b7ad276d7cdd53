package org.xenolith.pv.ring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.pv.host.FakeDomain;
import org.xenolith.pv.host.GrantedFrame;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

class SharedRingTest {
    private static final int SLOT = 112;

    private final FakeDomain domain = new FakeDomain();
    private final MemorySegment slot = MemorySegment.ofArray(new byte[SLOT]);
    private FrontRing front;

    private SharedRing attach(int pages, int start) {
        List<FakeDomain.Page> granted = new ArrayList<>();
        List<GrantedFrame> frames = new ArrayList<>();
        for (int i = 0; i < pages; i++) {
            granted.add(domain.grantNew(100 + i));
            frames.add(domain.grant(100 + i, true));
        }
        front = new FrontRing(granted, SLOT, start);
        return new SharedRing("test ring", frames, SLOT);
    }

    @ParameterizedTest
    @CsvSource({"1,112,32", "2,112,64", "16,112,512", "1,12,256", "1,8,256"})
    void ringHasAsManySlotsAsTheHeaderSays(int pages, int slotBytes, int slots) {
        assertThat(SharedRing.slots(pages, slotBytes)).isEqualTo(slots);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, -3, Integer.MAX_VALUE - 2})
    void requestsAndResponsesKeepTheirOrderWhileIndicesWrap(int start) {
        SharedRing ring = attach(1, start);
        for (int i = 0; i < 1000; i++) {
            int number = i;
            front.put(request -> request.set(Wire.INT, 0, number));
            front.publish();
            assertThat(ring.has(1)).isTrue();
            ring.take(slot);
            assertThat(slot.get(Wire.INT, 0)).isEqualTo(i);
            ring.respond(slot.asSlice(0, 16));
            ring.publish();
            assertThat(front.responses())
                    .singleElement()
                    .extracting(response -> response.get(Wire.INT, 0))
                    .isEqualTo(i);
        }
    }

    @Test
    void slotsThatLieAcrossTwoPagesArriveWhole() {
        SharedRing ring = attach(16, 0);
        for (int i = 0; i < front.size(); i++) {
            int number = i;
            front.put(
                    request -> {
                        for (int at = 0; at < SLOT; at += 4) {
                            request.set(Wire.INT, at, number * 1000 + at);
                        }
                    });
        }
        front.publish();
        for (int i = 0; i < front.size(); i++) {
            ring.take(slot);
            for (int at = 0; at < SLOT; at += 4) {
                assertThat(slot.get(Wire.INT, at)).isEqualTo(i * 1000 + at);
            }
            slot.set(Wire.INT, 0, i);
            ring.respond(slot);
        }
        ring.publish();
        List<MemorySegment> responses = front.responses();
        assertThat(responses).hasSize(front.size());
        assertThat(responses.get(37).get(Wire.INT, 0)).isEqualTo(37);
        assertThat(responses.get(37).get(Wire.INT, 108)).isEqualTo(37 * 1000 + 108);
    }

    @Test
    void unansweredRequestsCountAgainstTheSizeOfTheRing() {
        SharedRing ring = attach(1, 0);
        for (int i = 0; i < 32; i++) {
            front.put(request -> {});
        }
        front.publish();
        ring.take(slot);
        front.put(request -> {});
        front.publish();
        assertThatThrownBy(ring::pending)
                .isInstanceOf(RingCorrupt.class)
                .hasMessageContaining("test ring")
                .hasMessageContaining("33 ahead");
    }

    @Test
    void producerThatTakesBackRequestsIsCorrupt() {
        SharedRing ring = attach(1, 0);
        front.put(request -> {});
        front.put(request -> {});
        front.publish();
        ring.take(slot);
        ring.take(slot);
        front.set(SharedRing.REQ_PROD, 1);
        assertThatThrownBy(ring::pending).isInstanceOf(RingCorrupt.class);
    }

    @Test
    void indicesThatCannotBeTrueAreRefusedAtTheStart() {
        domain.grantNew(1);
        FrontRing lies = new FrontRing(List.of(domain.grantNew(1)), SLOT);
        lies.set(SharedRing.REQ_PROD, 33);
        GrantedFrame frame = domain.grant(1, true);
        assertThatThrownBy(() -> new SharedRing("ring", List.of(frame), SLOT))
                .isInstanceOf(RingCorrupt.class);
    }

    @Test
    void frontendIsToldOnlyWhenItAskedFor() {
        SharedRing ring = attach(1, 0);
        for (int i = 0; i < 4; i++) {
            front.put(request -> {});
        }
        front.publish();
        front.set(SharedRing.RSP_EVENT, 3);
        ring.take(slot);
        ring.respond(slot);
        assertThat(ring.publish()).as("one of three").isFalse();
        ring.take(slot);
        ring.respond(slot);
        ring.take(slot);
        ring.respond(slot);
        assertThat(ring.publish()).as("the third among them").isTrue();
        assertThat(ring.publish()).as("nothing new").isFalse();
    }

    @Test
    void emptyRingAsksForAnEventWithTheNextRequest() {
        SharedRing ring = attach(1, 0);
        front.put(request -> {});
        front.publish();
        front.set(SharedRing.REQ_EVENT, 77);
        assertThat(ring.has(1)).isTrue();
        assertThat(front.get(SharedRing.REQ_EVENT)).isEqualTo(77);
        assertThat(ring.has(3)).isFalse();
        assertThat(front.get(SharedRing.REQ_EVENT)).as("the second request").isEqualTo(2);
    }

    @Test
    void responseWithoutRequestIsOurOwnMistake() {
        SharedRing ring = attach(1, 0);
        assertThatThrownBy(() -> ring.respond(slot)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void closedRingHasGivenItsPagesBack() {
        SharedRing ring = attach(4, 0);
        assertThat(domain.usesUnderWay()).isEqualTo(4);
        ring.close();
        assertThat(domain.usesUnderWay()).isZero();
    }
}

package org.xenolith.pv.blkback;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.pv.blkback.BlockLab.whole;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.pv.host.FakeDomain;
import org.xenolith.pv.ring.SharedRing;
import org.xenolith.pv.ring.Wire;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;

/** Requests that make no sense, or lie: an error each, and at worst the end of the connection. */
class HostileBlockFrontendTest {
    private static final long LAST_SECTOR = BlockLab.DISK_BYTES / 512 - 1;
    private static final int NOT_GRANTED = 12345;

    private final BlockLab lab = new BlockLab();

    @ParameterizedTest
    @CsvSource({"5,4", "0,8", "8,8", "255,255", "0,255"})
    void segmentsThatLeaveTheirFrameAreAnError(int first, int last) {
        lab.connect();
        long id = lab.request(Blkif.OP_WRITE, 0, new BlkifSegment(lab.page(1), first, last));
        lab.go();
        assertThat(lab.status(id)).isEqualTo(Blkif.RSP_ERROR);
        assertThat(lab.disk.calls).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(longs = {LAST_SECTOR - 6, LAST_SECTOR + 1, -1, Long.MIN_VALUE, Long.MAX_VALUE})
    void requestsBeyondTheDiskAreAnError(long sector) {
        lab.connect();
        long read = lab.request(Blkif.OP_READ, sector, whole(lab.page(1)));
        long write = lab.request(Blkif.OP_WRITE, sector, whole(lab.page(1)));
        long discard = lab.put(id -> new BlkifRequest.Discard(0, id, sector, 8));
        lab.go();
        assertThat(List.of(lab.status(read), lab.status(write), lab.status(discard)))
                .containsOnly(Blkif.RSP_ERROR);
        assertThat(lab.disk.calls).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"0,-1", "0,0", "1,9223372036854775807", "2,-9223372036854775808"})
    void discardOfAnImpossibleLengthIsAnError(long sector, long count) {
        lab.connect();
        long id = lab.put(number -> new BlkifRequest.Discard(0, number, sector, count));
        lab.go();
        assertThat(lab.status(id)).isEqualTo(Blkif.RSP_ERROR);
        assertThat(lab.disk.calls).isEmpty();
    }

    @Test
    void readIntoAFrameGrantedForReadingOnlyIsAnError() {
        lab.connect();
        FakeDomain.Page page = lab.domain.grantReadOnly(500);
        page.memory.fill((byte) 3);
        long read = lab.request(Blkif.OP_READ, 0, whole(500));
        long write = lab.request(Blkif.OP_WRITE, 0, whole(500));
        lab.go();
        assertThat(lab.status(read)).isEqualTo(Blkif.RSP_ERROR);
        assertThat(lab.status(write)).isEqualTo(Blkif.RSP_OKAY);
    }

    @Test
    void oneBadGrantAmongGoodOnesGivesTheGoodOnesBack() {
        lab.connect();
        long id =
                lab.request(
                        Blkif.OP_READ,
                        0,
                        whole(lab.page(1)),
                        whole(NOT_GRANTED),
                        whole(lab.page(2)));
        lab.go();
        assertThat(lab.status(id)).isEqualTo(Blkif.RSP_ERROR);
        assertThat(lab.domain.usesUnderWay()).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 257, 4096, 65535})
    void indirectRequestsOfTooManySegmentsAreAnError(int count) {
        lab.connect();
        int[] grefs = new int[8];
        Arrays.fill(grefs, lab.page(0));
        long id =
                lab.put(
                        number ->
                                new BlkifRequest.Indirect(Blkif.OP_READ, number, 0, count, grefs));
        lab.go();
        assertThat(lab.status(id)).isEqualTo(Blkif.RSP_ERROR);
    }

    @Test
    void indirectRequestsWithinIndirectRequestsOrWithoutAPageAreAnError() {
        lab.connect();
        long nested =
                lab.put(id -> new BlkifRequest.Indirect(Blkif.OP_INDIRECT, id, 0, 1, new int[8]));
        long absent = lab.put(id -> new BlkifRequest.Indirect(Blkif.OP_READ, id, 0, 1, new int[8]));
        lab.go();
        assertThat(lab.status(nested)).isEqualTo(Blkif.RSP_ERROR);
        assertThat(lab.status(absent)).isEqualTo(Blkif.RSP_ERROR);
    }

    @Test
    void requestsWithNoneOrTooManySegmentsAreAnError() {
        lab.connect();
        long none = lab.request(Blkif.OP_READ, 0);
        long many = lab.put(id -> new BlkifRequest.Direct(Blkif.OP_READ, id, 0, 12, List.of()));
        long flushWithData = lab.request(Blkif.OP_FLUSH_DISKCACHE, 0, whole(lab.page(1)));
        lab.go();
        assertThat(List.of(lab.status(none), lab.status(many), lab.status(flushWithData)))
                .containsOnly(Blkif.RSP_ERROR);
    }

    @Test
    void producerAheadOfTheRingSizeClosesTheDeviceAndNothingElse() {
        lab.connect();
        lab.ring.set(SharedRing.REQ_PROD, 33);
        lab.domain.send(BlockLab.PORT);
        assertThat(lab.back("state")).isEqualTo("5");
        assertThat(lab.log).singleElement().asString().contains("33 ahead");
        assertThat(lab.domain.usesUnderWay()).isZero();
        assertThat(lab.disk.calls).isEmpty();
        lab.state(6);
        lab.state(1);
        lab.connect();
        assertThat(lab.back("state")).isEqualTo("4");
        long read = lab.request(Blkif.OP_READ, 0, whole(lab.page(1)));
        lab.go();
        assertThat(lab.status(read)).isEqualTo(Blkif.RSP_OKAY);
    }

    @Test
    void guestThatWritesWhileItsRingIsReadGetsItsAnswersAfterARingsWorth() {
        lab.connect();
        AtomicInteger read = new AtomicInteger();
        AtomicInteger answeredByThen = new AtomicInteger();
        lab.domain.onGrant =
                ref -> {
                    if (read.incrementAndGet() == lab.ring.size() + 8) {
                        answeredByThen.set(lab.ring.get(SharedRing.RSP_PROD));
                    }
                    if (read.get() < 1000) {
                        lab.request(Blkif.OP_READ, 0, whole(NOT_GRANTED));
                        lab.ring.publish();
                    }
                };
        lab.request(Blkif.OP_READ, 0, whole(NOT_GRANTED));
        lab.kick();
        assertThat(answeredByThen.get()).isEqualTo(lab.ring.size());
        assertThat(read.get()).as("comes back for the rest").isEqualTo(1000);
        assertThat(lab.ring.get(SharedRing.RSP_PROD)).isEqualTo(1000);
    }

    @Test
    void randomSlotsNeitherThrowNorKeepGrantsNorLeaveTheDisk() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        lab.connect();
        int[] refs = new int[8];
        for (int i = 0; i < refs.length; i++) {
            refs[i] = lab.page(i);
        }
        byte[] noise = new byte[BlkifRequest.SLOT];
        for (int round = 0; round < 5_000; round++) {
            int requests = 1 + random.nextInt(8);
            for (int i = 0; i < requests; i++) {
                random.nextBytes(noise);
                lab.ring.put(
                        slot -> {
                            slot.copyFrom(MemorySegment.ofArray(noise));
                            slot.set(Wire.BYTE, 0, (byte) random.nextInt(8));
                            slot.set(Wire.BYTE, 1, (byte) random.nextInt(13));
                            slot.set(Wire.LONG, 16, random.nextLong(-8, LAST_SECTOR + 8));
                            for (int at = 24; at < 112; at += 8) {
                                slot.set(Wire.INT, at, refs[random.nextInt(8)]);
                                slot.set(Wire.BYTE, at + 4, (byte) random.nextInt(9));
                                slot.set(Wire.BYTE, at + 5, (byte) random.nextInt(9));
                            }
                        });
            }
            lab.go();
            assertThat(lab.ring.responses()).as("seed %d", seed).hasSize(requests);
        }
        assertThat(lab.domain.usesUnderWay()).as("seed %d", seed).isEqualTo(1);
        assertThat(lab.back("state")).isEqualTo("4");
        assertThat(lab.log).as("seed %d: a call left the disk", seed).isEmpty();
    }

    @Test
    void randomHandshakesHoldNothingAfterwards() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        String[] keys = {
            "ring-ref",
            "ring-ref0",
            "ring-ref1",
            "ring-page-order",
            "event-channel",
            "multi-queue-num-queues",
            "queue-0/ring-ref",
            "queue-1/ring-ref",
            "queue-0/event-channel",
            "queue-1/event-channel",
            "feature-persistent",
            "protocol"
        };
        String[] values = {
            "0", "1", "2", "4", "8", "9", "77", "-1", "", "x86_64-abi", "4294967295"
        };
        lab.connect();
        lab.domain.offerPort(1);
        for (int i = 0; i < 20_000; i++) {
            lab.front(keys[random.nextInt(keys.length)], values[random.nextInt(values.length)]);
            lab.front("state", 1 + random.nextInt(8));
            if (random.nextInt(3) > 0) {
                lab.domain.run();
            }
            if (random.nextInt(4) == 0) {
                lab.request(random.nextInt(7), 0, whole(lab.page(1)));
                lab.ring.publish();
                lab.domain.send(BlockLab.PORT);
            }
            if (random.nextInt(8) == 0) {
                lab.io();
            }
        }
        lab.io();
        lab.state(6);
        assertThat(lab.domain.usesUnderWay()).as("seed %d", seed).isZero();
        assertThat(lab.domain.isBound(BlockLab.PORT)).as("seed %d", seed).isFalse();
        lab.state(1);
        for (String key : keys) {
            lab.store.remove(lab.device.frontend() + "/" + key);
        }
        lab.connect();
        assertThat(lab.back("state")).as("seed %d", seed).isEqualTo("4");
    }
}

package org.xenolith.pv.blkback;

import static org.assertj.core.api.Assertions.assertThat;
import static org.xenolith.pv.blkback.BlockLab.whole;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.pv.host.FakeDomain;
import org.xenolith.pv.ring.FrontRing;
import org.xenolith.pv.ring.SharedRing;
import org.xenolith.pv.ring.Wire;
import org.xenolith.pv.xenbus.XenbusBackend;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;

/** The block backend against frontends written by hand, honest and not. */
class BlockBackendTest {
    private static final long LAST_SECTOR = BlockLab.DISK_BYTES / 512 - 1;
    private static final int NOT_GRANTED = 12345;

    private final BlockLab lab = new BlockLab();

    private byte[] memory(int ref) {
        return lab.pages.get(ref).memory.toArray(ValueLayout.JAVA_BYTE);
    }

    private static byte[] filled(int length, int value) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }

    // ---- the handshake

    @Test
    void featuresAndPropertiesAreThoseOfTheDisk() {
        lab.connect();
        assertThat(lab.back("state")).isEqualTo("4");
        assertThat(lab.back("sectors")).isEqualTo("" + (LAST_SECTOR + 1));
        assertThat(lab.back("sector-size")).isEqualTo("512");
        assertThat(lab.back("info")).isEqualTo("0");
        assertThat(lab.back("feature-flush-cache")).isEqualTo("1");
        assertThat(lab.back("feature-discard")).isEqualTo("1");
        assertThat(lab.back("feature-max-indirect-segments")).isEqualTo("256");
        assertThat(lab.back("max-ring-page-order")).isEqualTo("4");
    }

    @Test
    void readOnlyDiskSaysSoAndRefusesWhatChangesIt() {
        BlockLab readOnly =
                new BlockLab(new MemoryDisk(1 << 20, true), BlockFeatures.forVcpus(1).asCdrom());
        readOnly.connect();
        assertThat(readOnly.back("info")).isEqualTo("5");
        assertThat(readOnly.back("feature-discard")).isEqualTo("0");
        long write = readOnly.request(Blkif.OP_WRITE, 0, whole(readOnly.page(1)));
        long discard = readOnly.put(id -> new BlkifRequest.Discard(0, id, 0, 8));
        long read = readOnly.request(Blkif.OP_READ, 0, whole(readOnly.page(1)));
        readOnly.go();
        assertThat(readOnly.status(write)).isEqualTo(Blkif.RSP_ERROR);
        assertThat(readOnly.status(discard)).isEqualTo(Blkif.RSP_EOPNOTSUPP);
        assertThat(readOnly.status(read)).isEqualTo(Blkif.RSP_OKAY);
        assertThat(readOnly.disk.calls).containsExactly("read 0+4096");
    }

    @Test
    void diskThatStandsByAnswersWhatItTookAndLeavesTheRestToTheNext() {
        lab.connect();
        long taken = lab.request(Blkif.OP_WRITE, 0, whole(lab.page(1)));
        long flush = lab.request(Blkif.OP_FLUSH_DISKCACHE, 0);
        lab.kick();
        CompletableFuture<Void> quiet = lab.backend.standBy();
        long left = lab.request(Blkif.OP_WRITE, 8, whole(lab.page(2)));
        lab.kick();
        assertThat(quiet).as("while the disk works").isNotDone();
        lab.io();
        assertThat(quiet).isCompleted();
        assertThat(lab.status(taken)).isEqualTo(Blkif.RSP_OKAY);
        assertThat(lab.status(flush)).isEqualTo(Blkif.RSP_OKAY);
        assertThat(lab.status(left)).isNull();
        assertThat(lab.domain.usesUnderWay()).isZero();
        assertThat(lab.domain.isBound(BlockLab.PORT)).isFalse();

        MemoryDisk moved = new MemoryDisk(BlockLab.DISK_BYTES, false);
        BlockBackend second = new BlockBackend(moved, lab.ioCalls::add, BlockFeatures.forVcpus(2));
        XenbusBackend.goOn(lab.device, lab.domain, lab.store, second, lab.log::add);
        lab.domain.run();
        lab.io();
        assertThat(lab.status(left)).isEqualTo(Blkif.RSP_OKAY);
        assertThat(moved.calls).containsExactly("write 4096+4096");
        assertThat(lab.log).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "ring-ref, 77, no grant",
        "ring-ref, x, no number",
        "event-channel, 77, no port",
        "event-channel, 0, no port",
        "protocol, x86_32-abi, ABI",
        "ring-page-order, 5, ring-page-order",
        "ring-page-order, 1, ring-ref0",
        "multi-queue-num-queues, 3, multi-queue-num-queues",
        "multi-queue-num-queues, 2, no grant"
    })
    void keysThatMakeNoSenseAreRefusedAndNothingIsHeld(String key, String value, String why) {
        lab.newRing(BlockLab.RING_REF, 1);
        lab.domain.offerPort(BlockLab.PORT);
        lab.front("ring-ref", BlockLab.RING_REF);
        lab.front("event-channel", BlockLab.PORT);
        lab.front("queue-0/ring-ref", BlockLab.RING_REF);
        lab.front("queue-0/event-channel", BlockLab.PORT);
        lab.front("queue-1/ring-ref", 78);
        lab.front("queue-1/event-channel", BlockLab.PORT);
        lab.front(key, value);
        lab.state(3);
        assertThat(lab.back("state")).isEqualTo("5");
        assertThat(lab.log).singleElement().asString().contains(why);
        assertThat(lab.domain.usesUnderWay()).isZero();
        assertThat(lab.domain.isBound(BlockLab.PORT)).isFalse();
    }

    @Test
    void ringOfADeviceThatIsRefusedIsNotServedBefore() {
        lab.ring = lab.newRing(BlockLab.RING_REF, 1);
        lab.domain.offerPort(BlockLab.PORT);
        lab.front("multi-queue-num-queues", 2);
        lab.front("queue-0/ring-ref", BlockLab.RING_REF);
        lab.front("queue-0/event-channel", BlockLab.PORT);
        lab.front("queue-1/ring-ref", 78);
        lab.front("queue-1/event-channel", BlockLab.PORT);
        long early = lab.request(Blkif.OP_READ, 0, whole(lab.page(1)));
        lab.ring.publish();
        lab.domain.onGrant =
                ref -> {
                    if (ref == 78) {
                        lab.domain.send(BlockLab.PORT);
                    }
                };
        lab.state(3);
        assertThat(lab.back("state")).isEqualTo("5");
        lab.io();
        assertThat(lab.disk.calls).isEmpty();
        assertThat(lab.status(early)).as("its page may be another guest's by now").isNull();
        assertThat(lab.domain.usesUnderWay()).isZero();
    }

    @Test
    void whatWasSentWhileTheDeviceConnectedIsServedThen() {
        lab.domain.onGrant = ref -> lab.domain.send(BlockLab.PORT);
        lab.connect();
        long read = lab.request(Blkif.OP_READ, 0, whole(lab.page(1)));
        lab.go();
        assertThat(lab.status(read)).isEqualTo(Blkif.RSP_OKAY);
    }

    @Test
    void callThatRunsOutOfMemoryHasNotWritten() {
        lab.connect();
        lab.disk.error = new OutOfMemoryError("Java heap space");
        long write = lab.request(Blkif.OP_WRITE, 0, whole(lab.page(1)));
        long flush = lab.request(Blkif.OP_FLUSH_DISKCACHE, 0);
        lab.go();
        assertThat(lab.status(write)).isEqualTo(Blkif.RSP_ERROR);
        assertThat(lab.status(flush)).isEqualTo(Blkif.RSP_ERROR);
        assertThat(lab.log).hasSize(2).allMatch(line -> line.contains("Java heap space"));
        lab.disk.error = null;
        long again = lab.request(Blkif.OP_WRITE, 0, whole(lab.page(1)));
        lab.go();
        assertThat(lab.status(again)).isEqualTo(Blkif.RSP_OKAY);
    }

    @Test
    void ringOfSixteenPagesHolds512Requests() {
        lab.ring = lab.newRing(100, 16);
        for (int i = 0; i < 16; i++) {
            lab.front("ring-ref" + i, 100 + i);
        }
        lab.front("ring-page-order", 4);
        lab.front("event-channel", BlockLab.PORT);
        lab.domain.offerPort(BlockLab.PORT);
        lab.state(3);
        assertThat(lab.ring.size()).isEqualTo(512);
        int ref = lab.page(0x11);
        long last = 0;
        for (int i = 0; i < 512; i++) {
            last = lab.request(Blkif.OP_WRITE, i, new BlkifSegment(ref, 0, 0));
        }
        lab.go();
        assertThat(lab.status(last)).isEqualTo(Blkif.RSP_OKAY);
        assertThat(Arrays.copyOf(lab.disk.bytes, 512 * 512)).containsOnly(0x11);
    }

    @Test
    void everyQueueHasARingAndAPortOfItsOwn() {
        FrontRing first = lab.newRing(8, 1);
        FrontRing second = lab.newRing(9, 1);
        for (int i = 0; i < 2; i++) {
            lab.front("queue-" + i + "/ring-ref", 8 + i);
            lab.front("queue-" + i + "/event-channel", 20 + i);
            lab.domain.offerPort(20 + i);
        }
        lab.front("multi-queue-num-queues", 2);
        lab.state(3);
        assertThat(lab.back("state")).isEqualTo("4");
        int ref = lab.page(7);
        BlkifRequest.Direct request =
                new BlkifRequest.Direct(Blkif.OP_WRITE, 5, 0, 1, List.of(whole(ref)));
        second.put(request::writeTo);
        second.publish();
        lab.domain.send(21);
        lab.io();
        assertThat(first.responses()).isEmpty();
        assertThat(second.responses()).hasSize(1);
        assertThat(lab.domain.notifications(20)).isZero();
        assertThat(lab.domain.notifications(21)).isEqualTo(1);
    }

    // ---- requests

    @Test
    void writtenDataIsOnTheDiskAndReadBack() {
        lab.connect();
        int first = lab.page(0xaa);
        int second = lab.page(0xbb);
        long write =
                lab.request(
                        Blkif.OP_WRITE,
                        3,
                        new BlkifSegment(first, 2, 3),
                        new BlkifSegment(second, 7, 7));
        lab.go();
        assertThat(lab.status(write)).isEqualTo(Blkif.RSP_OKAY);
        assertThat(lab.domain.notifications(BlockLab.PORT)).isEqualTo(1);
        assertThat(Arrays.copyOfRange(lab.disk.bytes, 3 * 512, 5 * 512)).containsOnly(0xaa);
        assertThat(Arrays.copyOfRange(lab.disk.bytes, 5 * 512, 6 * 512)).containsOnly(0xbb);
        int back = lab.page(0);
        long read = lab.request(Blkif.OP_READ, 5, new BlkifSegment(back, 6, 6));
        lab.go();
        assertThat(lab.status(read)).isEqualTo(Blkif.RSP_OKAY);
        byte[] expected = new byte[4096];
        Arrays.fill(expected, 6 * 512, 7 * 512, (byte) 0xbb);
        assertThat(memory(back)).isEqualTo(expected);
        assertThat(lab.domain.usesUnderWay()).as("only the ring").isEqualTo(1);
    }

    @Test
    void dataOfAWriteIsThatOfTheMomentItWasTaken() {
        lab.connect();
        int ref = lab.page(1);
        lab.request(Blkif.OP_WRITE, 0, whole(ref));
        lab.kick();
        lab.pages.get(ref).memory.fill((byte) 2);
        lab.io();
        assertThat(Arrays.copyOf(lab.disk.bytes, 4096)).containsOnly(1);
    }

    @Test
    void indirectRequestMovesAMegabyteInOneCall() {
        lab.connect();
        int list = lab.page(0);
        List<Integer> refs = new ArrayList<>();
        for (int i = 0; i < 256; i++) {
            refs.add(lab.page(i));
            whole(refs.get(i)).writeTo(lab.pages.get(list).memory, i * 8L);
        }
        int[] grefs = new int[8];
        grefs[0] = list;
        long write = lab.put(id -> new BlkifRequest.Indirect(Blkif.OP_WRITE, id, 8, 256, grefs));
        lab.go();
        assertThat(lab.status(write)).isEqualTo(Blkif.RSP_OKAY);
        assertThat(lab.disk.calls).containsExactly("write 4096+1048576");
        for (int i = 0; i < 256; i++) {
            assertThat(lab.disk.bytes[4096 * (i + 1) + 17]).isEqualTo((byte) i);
        }
        refs.forEach(ref -> lab.pages.get(ref).memory.fill((byte) 0));
        long read = lab.put(id -> new BlkifRequest.Indirect(Blkif.OP_READ, id, 8, 256, grefs));
        lab.go();
        assertThat(lab.status(read)).isEqualTo(Blkif.RSP_OKAY);
        assertThat(memory(refs.get(255))).isEqualTo(filled(4096, 255));
    }

    @Test
    void requestsSideBySideOnTheDiskBecomeOneCall() {
        lab.connect();
        long[] ids = new long[5];
        for (int i = 0; i < 4; i++) {
            ids[i] = lab.request(Blkif.OP_WRITE, 8L * i, whole(lab.page(i + 1)));
        }
        ids[4] = lab.request(Blkif.OP_WRITE, 64, whole(lab.page(9)));
        lab.go();
        assertThat(lab.disk.calls).containsExactly("write 0+16384", "write 32768+4096");
        for (long id : ids) {
            assertThat(lab.status(id)).isEqualTo(Blkif.RSP_OKAY);
        }
        assertThat(lab.disk.bytes[3 * 4096]).isEqualTo((byte) 4);
    }

    @Test
    void discardReachesTheDiskAndASecureOneIsNotSupported() {
        lab.connect();
        Arrays.fill(lab.disk.bytes, (byte) 1);
        long plain = lab.put(id -> new BlkifRequest.Discard(0, id, 2, 4));
        long secure = lab.put(id -> new BlkifRequest.Discard(Blkif.DISCARD_SECURE, id, 0, 4));
        lab.go();
        assertThat(lab.status(plain)).isEqualTo(Blkif.RSP_OKAY);
        assertThat(lab.status(secure)).isEqualTo(Blkif.RSP_EOPNOTSUPP);
        assertThat(lab.disk.calls).containsExactly("discard 1024+2048");
    }

    @Test
    void flushWaitsForTheWritesBeforeItAndForNoOthers() {
        lab.connect();
        long first = lab.request(Blkif.OP_WRITE, 0, whole(lab.page(1)));
        lab.kick();
        long second = lab.request(Blkif.OP_WRITE, 100, whole(lab.page(2)));
        long flush = lab.request(Blkif.OP_FLUSH_DISKCACHE, 0);
        long later = lab.request(Blkif.OP_WRITE, 200, whole(lab.page(3)));
        lab.kick();
        List<Runnable> calls = new ArrayList<>(lab.ioCalls);
        lab.ioCalls.clear();
        assertThat(calls).as("the flush is not among them").hasSize(3);
        calls.get(2).run();
        calls.get(0).run();
        lab.domain.run();
        assertThat(lab.status(later)).as("it need not wait").isEqualTo(Blkif.RSP_OKAY);
        assertThat(lab.status(first)).isEqualTo(Blkif.RSP_OKAY);
        assertThat(lab.ioCalls).isEmpty();
        calls.get(1).run();
        lab.domain.run();
        assertThat(lab.status(second)).isEqualTo(Blkif.RSP_OKAY);
        assertThat(lab.status(flush)).isNull();
        lab.io();
        assertThat(lab.status(flush)).isEqualTo(Blkif.RSP_OKAY);
        assertThat(lab.disk.calls).last().isEqualTo("flush 0+0");
    }

    @Test
    void failureOfTheDiskIsTheRequestsAndALineInTheLog() {
        lab.connect();
        lab.disk.broken = true;
        long read = lab.request(Blkif.OP_READ, 0, whole(lab.page(5)));
        lab.go();
        assertThat(lab.status(read)).isEqualTo(Blkif.RSP_ERROR);
        assertThat(lab.log).singleElement().asString().contains("read of 4096", "medium error");
        lab.disk.broken = false;
        long again = lab.request(Blkif.OP_READ, 0, whole(lab.page(5)));
        lab.go();
        assertThat(lab.status(again)).isEqualTo(Blkif.RSP_OKAY);
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 4, 7, 255})
    void operationsThatAreNotOfferedAreNotSupported(int operation) {
        lab.connect();
        long id = lab.request(operation, 0, whole(lab.page(1)));
        lab.go();
        assertThat(lab.status(id)).isEqualTo(Blkif.RSP_EOPNOTSUPP);
        assertThat(lab.disk.calls).isEmpty();
    }

    // ---- hostile frontends

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

    // ---- slow disks and the end

    @Test
    void slowDiskHoldsBackTheRingAndNothingIsLost() {
        lab.connect();
        int list = lab.page(0);
        for (int i = 0; i < 256; i++) {
            whole(lab.page(1)).writeTo(lab.pages.get(list).memory, i * 8L);
        }
        int[] grefs = {list, 0, 0, 0, 0, 0, 0, 0};
        long[] ids = new long[6];
        for (int i = 0; i < ids.length; i++) {
            ids[i] =
                    lab.put(
                            id ->
                                    new BlkifRequest.Indirect(
                                            Blkif.OP_WRITE, id, 2048L * (id % 3), 256, grefs));
        }
        lab.kick();
        assertThat(lab.ioCalls.size()).as("megabytes under way").isLessThan(4);
        lab.io();
        for (long id : ids) {
            assertThat(lab.status(id)).isEqualTo(Blkif.RSP_OKAY);
        }
    }

    @Test
    void framesStayInUseUntilTheSlowDiskIsDoneEvenWhenTheFrontendCloses() {
        lab.connect();
        int ref = lab.page(0x55);
        lab.request(Blkif.OP_READ, 0, whole(ref));
        lab.kick();
        lab.state(6);
        assertThat(lab.pages.get(ref).users).isEqualTo(1);
        assertThat(lab.back("state")).as("not closed before").isEqualTo("4");
        lab.io();
        assertThat(lab.back("state")).isEqualTo("6");
        assertThat(lab.domain.usesUnderWay()).isZero();
        assertThat(lab.domain.isBound(BlockLab.PORT)).isFalse();
        assertThat(memory(ref)).as("nobody waits for it").containsOnly(0x55);
        assertThat(lab.ring.responses()).isEmpty();
    }

    @Test
    void grantRevokedWhileTheDiskIsBusyIsStillOursToFill() {
        lab.connect();
        Arrays.fill(lab.disk.bytes, (byte) 9);
        int ref = lab.page(0);
        long read = lab.request(Blkif.OP_READ, 0, whole(ref));
        lab.kick();
        lab.domain.revoke(ref);
        lab.io();
        assertThat(lab.status(read)).isEqualTo(Blkif.RSP_OKAY);
        assertThat(memory(ref)).containsOnly(9);
    }

    @Test
    void waitingFlushIsForgottenWhenTheFrontendCloses() {
        lab.connect();
        lab.request(Blkif.OP_WRITE, 0, whole(lab.page(1)));
        lab.request(Blkif.OP_FLUSH_DISKCACHE, 0);
        lab.kick();
        lab.state(6);
        lab.io();
        assertThat(lab.back("state")).isEqualTo("6");
        assertThat(lab.disk.calls).containsExactly("write 0+4096");
    }

    @Test
    void deadDomainsRequestsEndOnTheDiskAndTouchItsMemoryNoMore() {
        lab.connect();
        int ref = lab.page(1);
        lab.request(Blkif.OP_READ, 0, whole(ref));
        lab.kick();
        lab.backend.abandon();
        assertThat(lab.backend.ended()).isNotDone();
        Runnable call = lab.ioCalls.remove();
        call.run();
        assertThat(lab.backend.ended()).isCompleted();
        assertThat(memory(ref)).containsOnly(1);
        assertThat(lab.domain.usesUnderWay()).isZero();
    }

    @Test
    void persistentGrantsAreBegunOnceAndEndWithTheConnection() {
        BlockLab persistent =
                new BlockLab(
                        new MemoryDisk(1 << 20, false),
                        BlockFeatures.forVcpus(1).withPersistentGrants(true));
        persistent.front("feature-persistent", 1);
        persistent.connect();
        int ref = persistent.page(4);
        int before = persistent.domain.usesBegun();
        for (int i = 0; i < 10; i++) {
            long write = persistent.request(Blkif.OP_WRITE, i, new BlkifSegment(ref, 0, 0));
            persistent.go();
            assertThat(persistent.status(write)).isEqualTo(Blkif.RSP_OKAY);
        }
        assertThat(persistent.domain.usesBegun() - before).isEqualTo(1);
        assertThat(persistent.pages.get(ref).users).isEqualTo(1);
        persistent.state(6);
        assertThat(persistent.domain.usesUnderWay()).isZero();
    }

    @Test
    void persistentGrantsHaveALimitAndTheLongestUnusedGoFirst() {
        BlockLab persistent =
                new BlockLab(
                        new MemoryDisk(1 << 20, false),
                        BlockFeatures.forVcpus(1).withPersistentGrants(true));
        persistent.front("feature-persistent", 1);
        persistent.connect();
        for (int i = 0; i < 1200; i++) {
            persistent.request(Blkif.OP_WRITE, 0, whole(persistent.page(i)));
            persistent.go();
            persistent.ring.responses();
        }
        assertThat(persistent.domain.usesUnderWay()).isEqualTo(1056 + 1);
        assertThat(persistent.pages.get(1000).users).as("the first page").isZero();
        assertThat(persistent.pages.get(1000 + 1199).users).isEqualTo(1);
    }
}

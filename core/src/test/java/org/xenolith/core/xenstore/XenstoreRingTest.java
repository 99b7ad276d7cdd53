package org.xenolith.core.xenstore;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.xenolith.pv.ring.ByteRing;
import org.xenolith.pv.ring.RingIndices;

import java.io.ByteArrayOutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Random;

class XenstoreRingTest {
    private final MemorySegment page = Arena.ofAuto().allocate(4096, 4096);
    private final Xenstore store = new Xenstore();
    private final XenstoreConnection connection = introduceGuestOne();
    private XenstoreRing ring = new XenstoreRing(page, connection);

    // The guest's side.
    private final ByteRing requests =
            new ByteRing("guest", page, 0, 1024, XenstoreRing.REQ_CONS, XenstoreRing.REQ_PROD);
    private final ByteRing responses =
            new ByteRing("guest", page, 1024, 1024, XenstoreRing.RSP_CONS, XenstoreRing.RSP_PROD);

    private XenstoreConnection introduceGuestOne() {
        store.mkdir("/data");
        store.setPerms("/data", Permissions.of("n1"));
        return store.introduce(1, () -> {});
    }

    @Test
    void theLayoutIsThatOfTheHeader() {
        assertThat(XenstoreRing.RSP).isEqualTo(XenstoreRing.REQ + XenstoreRing.RING_SIZE);
        assertThat(XenstoreRing.REQ_CONS).isEqualTo(2048);
        assertThat(XenstoreRing.REQ_PROD).isEqualTo(2052);
        assertThat(XenstoreRing.RSP_CONS).isEqualTo(2056);
        assertThat(XenstoreRing.RSP_PROD).isEqualTo(2060);
        assertThat(XenstoreRing.SERVER_FEATURES).isEqualTo(2064);
        assertThat(XenstoreRing.CONNECTION).isEqualTo(2068);
        assertThat(XenstoreRing.ERROR).isEqualTo(2072);
        assertThat(XenstoreRing.SIZE).isEqualTo(XenstoreRing.ERROR + 4);
    }

    @Test
    void aNewPageIsConnectedAndTellsThatErrorsAreReported() {
        assertThat(word(XenstoreRing.SERVER_FEATURES)).isEqualTo(2);
        assertThat(word(XenstoreRing.CONNECTION)).isZero();
        assertThat(word(XenstoreRing.ERROR)).isZero();
    }

    @Test
    void aRequestIsAnsweredAndTheGuestNotified() {
        send(request(MessageType.GET_DOMAIN_PATH, "1"));
        assertThat(ring.service()).isTrue();
        assertThat(receive()).extracting(GuestClient::text).containsExactly("/local/domain/1");
        assertThat(ring.service()).as("nothing more to do").isFalse();
    }

    @Test
    void halfARequestIsTakenAndTheGuestHearsOfTheRoom() {
        byte[] bytes = request(MessageType.GET_DOMAIN_PATH, "1");
        requests.write(bytes, 0, 7);
        assertThat(ring.service()).isTrue();
        assertThat(requests.room()).isEqualTo(1024);
        requests.write(bytes, 7, bytes.length - 7);
        ring.service();
        assertThat(receive()).hasSize(1);
    }

    @Test
    void aRequestMayWrapAroundTheEndOfTheArrayAndOfTheIndices() {
        set(XenstoreRing.REQ_CONS, -9);
        set(XenstoreRing.REQ_PROD, -9);
        set(XenstoreRing.RSP_CONS, -9);
        set(XenstoreRing.RSP_PROD, -9);
        send(request(MessageType.GET_DOMAIN_PATH, "1"));
        ring.service();
        assertThat(receive()).extracting(GuestClient::text).containsExactly("/local/domain/1");
        assertThat(word(XenstoreRing.REQ_CONS)).isPositive();
    }

    @Test
    void aReplyLargerThanTheRingComesAsTheGuestReads() {
        store.writeBytes("/data", new byte[3500]);
        send(request(MessageType.READ, "/data"));
        assertThat(ring.service()).isTrue();
        assertThat(responses.room()).isZero();
        assertThat(ring.service()).as("full: waits for the guest").isFalse();
        assertThat(ring.hasWork()).isFalse();
        assertThat(receive()).singleElement().satisfies(r -> assertThat(r.payload()).hasSize(3500));
    }

    @Test
    void anEventGetsIntoTheRingWithTheNextService() {
        send(request(MessageType.WATCH, "/data", "t"));
        ring.service();
        receive();
        store.write("/data", "v");
        assertThat(ring.hasWork()).isTrue();
        assertThat(ring.service()).isTrue();
        assertThat(receive()).extracting(GuestClient::text).containsExactly("/data|t");
    }

    @Test
    void attentionThatServicesTheRingAtOnceDoesNotDisturbTheServiceUnderWay() {
        store.release(1);
        ring = new XenstoreRing(page, store.introduce(1, () -> ring.service()));
        send(request(MessageType.WATCH, "/data", "t"));
        send(request(MessageType.WRITE, "/data", "v"));
        send(request(MessageType.READ, "/data"));
        assertThat(ring.service()).isTrue();
        assertThat(receive())
                .extracting(GuestClient::text)
                .containsExactly("OK", "/data|t", "OK", "v");
    }

    @Test
    void requestsStayInTheRingWhileRepliesAreNotRead() {
        byte[] read = request(MessageType.READ, "/data");
        store.writeBytes("/data", new byte[2000]);
        int accepted = 0;
        for (int i = 0; i < 100; i++) {
            while (requests.room() >= read.length) {
                send(read);
                accepted++;
            }
            ring.service();
        }
        assertThat(accepted).as("bounded by the quota and one ring more").isLessThan(150);
        int answered = 0;
        for (List<Message> replies; !(replies = receive()).isEmpty(); ) {
            answered += replies.size();
        }
        assertThat(answered).as("and nothing is lost").isEqualTo(accepted);
    }

    @ParameterizedTest
    @ValueSource(ints = {1025, Integer.MIN_VALUE, -1})
    void requestProducerFurtherAheadThanTheRingEndsTheConnection(int producer) {
        set(XenstoreRing.REQ_PROD, producer);
        assertThat(ring.service()).isTrue();
        assertBroken();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4000, -1025})
    void responseConsumerOutsideTheRingEndsTheConnection(int consumer) {
        set(XenstoreRing.RSP_CONS, consumer);
        send(request(MessageType.READ, "/data"));
        assertThat(ring.hasWork()).isTrue();
        assertThat(ring.service()).isTrue();
        assertBroken();
    }

    private void assertBroken() {
        assertThat(word(XenstoreRing.ERROR)).as("XENSTORE_ERROR_RINGIDX").isEqualTo(2);
        assertThat(ring.breakdown()).hasValueSatisfying(why -> assertThat(why).contains("ahead"));
        assertThat(connection.failure()).isEqualTo(XenstoreConnection.Failure.RINGIDX);
        for (int offset = XenstoreRing.REQ_CONS; offset <= XenstoreRing.RSP_PROD; offset += 4) {
            set(offset, 0);
        }
        send(request(MessageType.READ, "/data"));
        assertThat(ring.service()).as("no way back").isFalse();
        assertThat(ring.hasWork()).isFalse();
    }

    @Test
    void aMessageTooLongIsReportedAsProtocolError() {
        byte[] header = request(MessageType.READ, "/data");
        header[Message.LEN + 1] = 0x7f;
        send(header);
        assertThat(ring.service()).isTrue();
        assertThat(word(XenstoreRing.ERROR)).as("XENSTORE_ERROR_PROTO").isEqualTo(3);
        assertThat(ring.service()).isFalse();
    }

    @Test
    @Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void aGuestThatAsksWithoutEndDoesNotHoldTheServer() {
        byte[] write = request(MessageType.WRITE, "/data", "v");
        byte[] sink = new byte[1024];
        store.release(1);
        // The event of each write brings the next one, as another vCPU of the guest could.
        Runnable askAgain =
                () -> {
                    while (responses.read(sink, 0, sink.length) > 0) {}
                    send(write);
                };
        ring = new XenstoreRing(page, store.introduce(1, askAgain));
        send(request(MessageType.WATCH, "/data", "t"));
        assertThat(ring.service()).isTrue();
        assertThat(ring.hasWork()).as("the caller decides when to go on").isTrue();
        assertThat(ring.breakdown()).isEmpty();
    }

    @Test
    void serviceEndsWithTheRoundInWhichItsTimeIsUp() {
        store.release(1);
        int[] asked = {0};
        Runnable askAgain =
                () -> {
                    asked[0]++;
                    send(request(MessageType.WRITE, "/data", "v"));
                };
        ring = new XenstoreRing(page, store.introduce(1, askAgain));
        send(request(MessageType.WATCH, "/data", "t"));
        assertThat(ring.service(() -> asked[0] == 3)).isTrue();
        assertThat(asked[0]).isEqualTo(3);
        assertThat(ring.hasWork()).isTrue();
    }

    @Test
    void randomIndicesNeverThrowNorWriteOutsideTheStructure() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int round = 0; round < 3_000; round++) {
            store.release(1);
            ring = new XenstoreRing(page, store.introduce(1, () -> {}));
            page.asSlice(XenstoreRing.SIZE).fill((byte) 0x33);
            random.ints(20).forEach(i -> page.set(ValueLayout.JAVA_BYTE, i & 1023, (byte) i));
            for (int offset = XenstoreRing.REQ_CONS; offset <= XenstoreRing.RSP_PROD; offset += 4) {
                set(offset, random.nextBoolean() ? random.nextInt() : random.nextInt(2048));
            }
            ring.service();
            ring.service();
            assertThat(page.asSlice(XenstoreRing.SIZE).toArray(ValueLayout.JAVA_BYTE))
                    .as("seed %d", seed)
                    .containsOnly(0x33);
        }
    }

    private static byte[] request(MessageType type, String... strings) {
        return new Message(type.code(), 1, 0, Message.strings(strings)).toBytes();
    }

    private void send(byte[] bytes) {
        assertThat(requests.write(bytes, 0, bytes.length)).isEqualTo(bytes.length);
    }

    private List<Message> receive() {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        byte[] buffer = new byte[1024];
        int count;
        while ((count = responses.read(buffer, 0, buffer.length)) > 0 || ring.service()) {
            all.write(buffer, 0, count);
        }
        return GuestClient.parse(all.toByteArray());
    }

    private int word(int offset) {
        return RingIndices.getAcquire(page, offset);
    }

    private void set(int offset, int value) {
        RingIndices.setRelease(page, offset, value);
    }
}

package org.xenolith.core.xenstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Random;

class XenstoreConnectionTest {
    private final Xenstore store = guestOneOwnsItsDataDirectory();
    private final GuestClient guest = GuestClient.of(store, 1);

    private static Xenstore guestOneOwnsItsDataDirectory() {
        Xenstore store = new Xenstore();
        store.mkdir("/local/domain/1/data");
        store.setPerms("/local/domain/1/data", Permissions.of("n1"));
        return store;
    }

    @Test
    void theReplyEchoesTypeRequestAndTransaction() {
        feed(new Message(MessageType.WATCH.code(), 0xcafe, 0x1234, Message.strings("data", "t")));
        assertThat(guest.fetchAll().getFirst())
                .satisfies(
                        reply -> {
                            assertThat(reply.type()).isEqualTo(MessageType.WATCH.code());
                            assertThat(reply.requestId()).isEqualTo(0xcafe);
                            assertThat(reply.transactionId()).isEqualTo(0x1234);
                        });
    }

    @Test
    void anErrorReplyHasTheErrorsNameAndEchoesRequestAndTransaction() {
        feed(new Message(MessageType.READ.code(), 7, 99, Message.strings("data")));
        assertThat(guest.fetchAll())
                .singleElement()
                .satisfies(
                        reply -> {
                            assertThat(reply.type()).isEqualTo(MessageType.ERROR.code());
                            assertThat(reply.requestId()).isEqualTo(7);
                            assertThat(reply.transactionId()).isEqualTo(99);
                            assertThat(reply.payload())
                                    .isEqualTo("ENOENT\0".getBytes(StandardCharsets.US_ASCII));
                        });
    }

    @Test
    void aReadValueHasNoTerminator() {
        guest.write("data/x", "v");
        feed(new Message(MessageType.READ.code(), 7, 0, Message.strings("data/x")));
        assertThat(guest.fetchAll().getFirst().payload()).containsExactly('v');
    }

    @ParameterizedTest
    @ValueSource(ints = {15, 16, 20, 23, 24, 0xffff, -1, Integer.MIN_VALUE})
    void unknownTypesAndRepliesSentAsRequestsAreENOSYS(int type) {
        assertThat(guest.askRaw(type, Message.strings("data"))).isEqualTo("ENOSYS");
        assertThat(guest.read("data")).as("and the stream goes on").isEmpty();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 7, 10, 11, 12, 13, 14, 17, 22})
    void payloadsWithoutTheStringsTheyNeedAreEINVAL(int type) {
        assertThat(guest.askRaw(type, new byte[0])).isEqualTo("EINVAL");
        byte[] unterminated = "data".getBytes(StandardCharsets.US_ASCII);
        assertThat(guest.askRaw(type, unterminated)).isEqualTo("EINVAL");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 12, 13})
    void bytesBehindAnOnlyStringAreEINVAL(int type) {
        byte[] more = "data/x\0more".getBytes(StandardCharsets.US_ASCII);
        assertThat(guest.askRaw(type, more)).isEqualTo("EINVAL");
        assertThat(guest.askRaw(type, Message.strings("data/x", "more"))).isEqualTo("EINVAL");
    }

    @Test
    void theLongestPayloadIsTaken() {
        byte[] payload = new byte[Message.PAYLOAD_MAX];
        byte[] path = "data/x\0".getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(path, 0, payload, 0, path.length);
        assertThat(guest.askRaw(MessageType.WRITE.code(), payload))
                .as("well-formed, but over the quota of a value")
                .isEqualTo("ENOSPC");
    }

    @ParameterizedTest
    @ValueSource(ints = {4097, Integer.MAX_VALUE, -1})
    void anAnnouncedPayloadOverTheMaximumEndsTheConnection(int length) {
        guest.watch("data", "t");
        byte[] header = new Message(2, 1, 0, new byte[0]).toBytes();
        for (int i = 0; i < 4; i++) {
            header[Message.LEN + i] = (byte) (length >>> 8 * i);
        }
        XenstoreConnection connection = guest.connection();
        connection.feed(header, 0, header.length);
        assertThat(connection.failure()).isEqualTo(XenstoreConnection.Failure.PROTO);
        assertThat(connection.acceptsRequests()).isFalse();
        assertThat(guest.askRaw(2, Message.strings("data"))).as("no reply any more").isNull();
        store.write("/local/domain/1/data", "no event either");
        assertThat(connection.hasOutput()).isFalse();
        store.release(1);
    }

    @Test
    void aDomainCannotBeIntroducedTwice() {
        assertThatThrownBy(() -> store.introduce(1, () -> {}))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("domain 1");
    }

    @Test
    void theStreamMayBeCutAnywhereInBothDirections() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int round = 0; round < 50; round++) {
            byte[] requests = randomRequests(random);
            byte[] whole = replies(requests, random, Integer.MAX_VALUE);
            byte[] pieces = replies(requests, random, 1 + random.nextInt(40));
            assertThat(pieces).as("seed %d round %d", seed, round).isEqualTo(whole);
            assertThat(GuestClient.parse(whole))
                    .as("seed %d", seed)
                    .hasSizeGreaterThanOrEqualTo(30);
        }
    }

    @Test
    void randomBytesNeverThrow() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int round = 0; round < 2_000; round++) {
            Xenstore victim = guestOneOwnsItsDataDirectory();
            XenstoreConnection connection = victim.introduce(1, () -> {});
            for (int i = 0; i < 20; i++) {
                byte[] payload = new byte[random.nextInt(30)];
                random.nextBytes(payload);
                int tx = random.nextInt(3);
                byte[] bytes = new Message(random.nextInt(25), i, tx, payload).toBytes();
                if (random.nextInt(10) == 0) {
                    bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
                }
                connection.feed(bytes, 0, bytes.length);
            }
            connection.fetch(new byte[10_000], 0, 10_000);
            assertThat(victim.list("/local/domain")).as("seed %d", seed).containsExactly("1");
        }
    }

    private static byte[] randomRequests(Random random) {
        ByteArrayOutputStream requests = new ByteArrayOutputStream();
        for (int i = 0; i < 30; i++) {
            String path = "data/" + (char) ('a' + random.nextInt(3));
            byte[] payload =
                    switch (random.nextInt(3)) {
                        case 0 -> new byte[0];
                        case 1 -> Message.strings(path);
                        default -> Message.strings(path, "v".repeat(random.nextInt(300)));
                    };
            int type = random.nextInt(24);
            requests.writeBytes(new Message(type, i, random.nextInt(2), payload).toBytes());
        }
        return requests.toByteArray();
    }

    private static byte[] replies(byte[] requests, Random random, int largestPiece) {
        XenstoreConnection connection = guestOneOwnsItsDataDirectory().introduce(1, () -> {});
        ByteArrayOutputStream replies = new ByteArrayOutputStream();
        byte[] buffer = new byte[64 * 1024];
        for (int at = 0; at < requests.length; ) {
            int piece = Math.min(requests.length - at, 1 + random.nextInt(largestPiece));
            connection.feed(requests, at, piece);
            at += piece;
        }
        int count;
        do {
            int piece = Math.min(buffer.length, 1 + random.nextInt(largestPiece));
            count = connection.fetch(buffer, 0, piece);
            replies.write(buffer, 0, count);
        } while (count > 0);
        return replies.toByteArray();
    }

    private void feed(Message message) {
        byte[] bytes = message.toBytes();
        guest.connection().feed(bytes, 0, bytes.length);
    }
}

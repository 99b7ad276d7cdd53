package org.xenolith.core.xenstore;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * A message of the wire: {@code struct xsd_sockmsg} of public/io/xs_wire.h and its payload.
 *
 * @param type number of a {@link MessageType}, or whatever a guest sent
 * @param requestId chosen by the guest, echoed in the reply
 * @param transactionId 0 outside transactions
 */
record Message(int type, int requestId, int transactionId, byte[] payload) {
    /** Bytes of the header. */
    static final int HEADER_SIZE = 16;

    /** Bytes of payload at most, {@code XENSTORE_PAYLOAD_MAX}. */
    static final int PAYLOAD_MAX = 4096;

    static final int TYPE = 0;
    static final int REQ_ID = 4;
    static final int TX_ID = 8;
    static final int LEN = 12;

    /** The payload's length as a header announces it, possibly absurd; unsigned. */
    static long announcedLength(byte[] header) {
        return Integer.toUnsignedLong(littleEndian(header).getInt(LEN));
    }

    static Message of(byte[] header, byte[] payload) {
        ByteBuffer in = littleEndian(header);
        return new Message(in.getInt(TYPE), in.getInt(REQ_ID), in.getInt(TX_ID), payload);
    }

    static Message event(String path, String token) {
        return new Message(MessageType.WATCH_EVENT.code(), 0, 0, strings(path, token));
    }

    Message reply(byte[] payload) {
        return new Message(type, requestId, transactionId, payload);
    }

    Message reply(XenstoreError error) {
        return new Message(
                MessageType.ERROR.code(), requestId, transactionId, strings(error.name()));
    }

    byte[] toBytes() {
        byte[] bytes = new byte[HEADER_SIZE + payload.length];
        littleEndian(bytes)
                .putInt(TYPE, type)
                .putInt(REQ_ID, requestId)
                .putInt(TX_ID, transactionId)
                .putInt(LEN, payload.length)
                .put(HEADER_SIZE, payload);
        return bytes;
    }

    /** Strings as the wire has them: each followed by a zero byte. */
    static byte[] strings(String... strings) {
        return (String.join("\0", strings) + "\0").getBytes(StandardCharsets.ISO_8859_1);
    }

    private static ByteBuffer littleEndian(byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
}

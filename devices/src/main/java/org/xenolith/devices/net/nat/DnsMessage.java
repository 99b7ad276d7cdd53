package org.xenolith.devices.net.nat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;

import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * A guest's DNS query, as far as a forwarder has to understand it: header and first question. RFC
 * 1035, 4.1.
 *
 * @param name without the last dot, in lower case
 * @param type QTYPE
 * @param questionBytes length of the question section
 */
record DnsMessage(String name, int type, int questionBytes) {
    static final int PORT = 53;
    static final int HEADER_BYTES = 12;

    // Offsets of the header.
    static final int ID = 0, FLAGS = 2, QDCOUNT = 4, ANCOUNT = 6;
    static final int RESPONSE = 0x8000, OPCODE_MASK = 0x7800, RECURSION_DESIRED = 0x0100;
    static final int RECURSION_AVAILABLE = 0x0080, AUTHORITATIVE = 0x0400;
    static final int NO_ERROR = 0, SERVFAIL = 2, NXDOMAIN = 3, REFUSED = 5;
    static final int TYPE_A = 1, CLASS_IN = 1;
    private static final int MAX_LABEL_BYTES = 63, MAX_NAME_BYTES = 255;
    private static final int POINTER_TO_QUESTION = 0xc000 | HEADER_BYTES;
    private static final int LOCAL_TTL_SECONDS = 5; // a guest may come back elsewhere
    private static final int ANSWER_BYTES = 16;

    /**
     * @return null when it is no query with exactly one question
     */
    static DnsMessage readQuery(ByteBuf bytes) {
        int start = bytes.readerIndex();
        int end = bytes.writerIndex();
        if (end - start < HEADER_BYTES
                || (bytes.getUnsignedShort(start + FLAGS) & (RESPONSE | OPCODE_MASK)) != 0
                || bytes.getUnsignedShort(start + QDCOUNT) != 1) {
            return null;
        }
        StringBuilder name = new StringBuilder();
        int at = start + HEADER_BYTES;
        while (at < end && bytes.getByte(at) != 0) {
            int length = bytes.getUnsignedByte(at++);
            // A first question has nothing before it that a compression pointer could mean.
            if (length > MAX_LABEL_BYTES || at + length > end || name.length() > MAX_NAME_BYTES) {
                return null;
            }
            name.append(name.isEmpty() ? "" : ".")
                    .append(bytes.toString(at, length, StandardCharsets.ISO_8859_1));
            at += length;
        }
        at++; // the root's empty label
        if (at + 4 > end) {
            return null;
        }
        return new DnsMessage(
                name.toString().toLowerCase(Locale.ROOT),
                bytes.getUnsignedShort(at),
                at + 4 - start - HEADER_BYTES);
    }

    /** A response without records to the query in {@code query}. */
    ByteBuf respond(ByteBufAllocator allocator, ByteBuf query, int code) {
        int start = query.readerIndex();
        int flags = query.getUnsignedShort(start + FLAGS) & RECURSION_DESIRED;
        return allocator
                .buffer(HEADER_BYTES + questionBytes + ANSWER_BYTES)
                .writeShort(query.getUnsignedShort(start + ID))
                .writeShort(RESPONSE | RECURSION_AVAILABLE | flags | code)
                .writeShort(1)
                .writeShort(0)
                .writeInt(0) // no authority, nothing additional
                .writeBytes(query, start + HEADER_BYTES, questionBytes);
    }

    /** The response for a guest's name: its address, or nothing for other types. */
    ByteBuf respondWithGuest(ByteBufAllocator allocator, ByteBuf query, int address) {
        ByteBuf response = respond(allocator, query, NO_ERROR);
        response.setShort(FLAGS, response.getUnsignedShort(FLAGS) | AUTHORITATIVE);
        if (type == TYPE_A) {
            response.setShort(ANCOUNT, 1);
            response.writeShort(POINTER_TO_QUESTION)
                    .writeShort(TYPE_A)
                    .writeShort(CLASS_IN)
                    .writeInt(LOCAL_TTL_SECONDS)
                    .writeShort(Integer.BYTES)
                    .writeInt(address);
        }
        return response;
    }
}

/*
 * packet.c: the memory that a packet lives in, and the checksum that most of them carry.
 */
#include "inet.h"

/* Null when memory is used up: the network may lose packets, and so may we. */
struct packet *packet_new(void) {
    struct packet *packet = kmalloc(sizeof(*packet));
    if (packet != 0) packet->start = packet->room + PACKET_HEADROOM;
    return packet;
}

void packet_free(struct packet *packet) {
    kfree(packet);
}

/* Puts room for a header in front. */
void *packet_push(struct packet *packet, u32 bytes) {
    packet->start -= bytes;
    packet->length += bytes;
    return packet->start;
}

/* Takes a header off and gives it; null when the packet is shorter than that. */
void *packet_pull(struct packet *packet, u32 bytes) {
    u8 *header = packet->start;
    if (packet->length < bytes) return 0;
    packet->start += bytes;
    packet->length -= bytes;
    return header;
}

/* Adds bytes at the end; without data, only the room for them. */
void *packet_append(struct packet *packet, const void *data, u32 bytes) {
    u8 *end = packet->start + packet->length;
    if (data != 0) memcpy(end, data, bytes);
    packet->length += bytes;
    return end;
}

static u32 fold(u64 sum) {
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

/* Adds up words of 16 bits, high byte first; an odd last byte is a high one. Sums of parts may be
 * added, if all parts but the last have an even length. As carries go round, the order of the bytes
 * does not matter until the end: so we add our own words, the longest we have carries' room for. */
u32 sum16(u32 sum, const void *data, u32 bytes) {
    const struct { u32 word; } __attribute__((packed)) *words = data;
    u64 total = 0;
    for (; bytes >= 4; bytes -= 4) total += words++->word;
    const u8 *rest = (const u8 *)words;
    for (u32 i = 0; i < bytes; i++) total += (u64)rest[i] << i % 2 * 8;
    u32 swapped = fold(total);
    return fold(sum + (swapped >> 8 | (swapped & 0xff) << 8));
}

/* RFC 1071: the complement of the sum, with carries added back in. Over data that contains its own
 * right checksum the result is 0. */
be16 checksum(u32 sum) {
    return to_be16(~fold(sum));
}

/* TCP and UDP also sum up these parts of the IP header, so that a packet which strays to another
 * address is found out. */
u32 pseudo_header_sum(u32 source, u32 destination, u32 protocol, u32 length) {
    return (source >> 16) + (source & 0xffff) + (destination >> 16) + (destination & 0xffff)
           + protocol + length;
}

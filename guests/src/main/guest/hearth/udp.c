/*
 * udp.c: datagrams. All that this protocol adds to IP is a pair of port numbers, and a checksum.
 */
#include "inet.h"

#define DHCP_CLIENT 68 /* the port that dhcp.c listens on */

static struct socket *find(const struct packet *packet) {
    for (struct socket *socket = sockets; socket != 0; socket = socket->next) {
        if (socket->type == DATAGRAM && socket->local_port == packet->destination_port
            && (socket->local == ADDRESS_ANY || socket->local == packet->destination)
            && (socket->remote == ADDRESS_ANY
                || (socket->remote == packet->source
                    && socket->remote_port == packet->source_port))) {
            return socket;
        }
    }
    return 0;
}

/* A datagram without a checksum has 0 in its place, and one whose sum is 0 has 0xffff. */
static int is_sound(const struct udp_header *header, const struct packet *packet) {
    if (packet->checksum_done || from_be16(header->checksum) == 0) return 1;
    u32 length = sizeof(*header) + packet->length;
    u32 sum = pseudo_header_sum(packet->source, packet->destination, PROTOCOL_UDP, length);
    return from_be16(checksum(sum16(sum, header, length))) == 0;
}

void udp_input(struct packet *packet) {
    const struct udp_header *header = packet_pull(packet, sizeof(*header));
    if (header == 0 || from_be16(header->length) < sizeof(*header)
        || from_be16(header->length) - sizeof(*header) > packet->length) {
        packet_free(packet);
        return;
    }
    packet->length = from_be16(header->length) - sizeof(*header);
    packet->source_port = from_be16(header->source);
    packet->destination_port = from_be16(header->destination);
    struct socket *socket;
    if (!is_sound(header, packet)) {
        packet_free(packet);
    } else if (packet->destination_port == DHCP_CLIENT) {
        dhcp_input(packet);
    } else if ((socket = find(packet)) != 0) {
        socket_take(socket, packet);
    } else {
        if (ip_is_ours(packet->destination)) icmp_port_unreachable(packet);
        packet_free(packet);
    }
}

void udp_send(struct packet *packet, u32 source, u16 source_port, u32 destination, u16 port) {
    struct udp_header *header = packet_push(packet, sizeof(*header));
    *header = (struct udp_header){.source = to_be16(source_port), .destination = to_be16(port),
                                  .length = to_be16(packet->length)};
    u32 sum = pseudo_header_sum(source, destination, PROTOCOL_UDP, packet->length);
    header->checksum = checksum(sum16(sum, header, packet->length));
    if (from_be16(header->checksum) == 0) header->checksum = to_be16(0xffff);
    ip_send(packet, PROTOCOL_UDP, source, destination);
}

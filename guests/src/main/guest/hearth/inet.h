/*
 * inet.h: the Internet protocols of this kernel: how they look on the wire, and what the files that
 * implement them offer each other.
 *
 *      socket.c      system calls
 *      inet.c        what they do, without ever waiting
 *      tcp.c  udp.c  a stream of bytes; datagrams
 *      ip.c          packets to any address, and ICMP
 *      ether.c       frames to a neighbour, and ARP, which finds him
 *      netfront.c    a ring shared with the backend
 *
 * A packet climbs from the bottom to the top, each floor taking off its header, or descends, each
 * floor putting one on.
 */
#ifndef INET_H
#define INET_H

#include "kernel.h"

/* ---- Numbers on the wire ------------------------------------------------------------------------
 * They have their high byte first; ours have it last. Wrapped into a structure of bytes they have
 * no alignment, and the compiler refuses to take one kind for the other. */

typedef struct { u8 byte[2]; } be16;
typedef struct { u8 byte[4]; } be32;

static inline u16 from_be16(be16 v) { return v.byte[0] << 8 | v.byte[1]; }
static inline be16 to_be16(u32 v) { return (be16){{v >> 8, v}}; }
static inline u32 from_be32(be32 v) {
    return (u32)v.byte[0] << 24 | v.byte[1] << 16 | v.byte[2] << 8 | v.byte[3];
}
static inline be32 to_be32(u32 v) { return (be32){{v >> 24, v >> 16, v >> 8, v}}; }

struct mac { u8 byte[6]; };

struct ether_header {
    struct mac to, from;
    be16 type;
};
#define ETHERTYPE_IP  0x0800
#define ETHERTYPE_ARP 0x0806
#define ETHER_PAYLOAD 1500 /* bytes an Ethernet frame carries at most: the "MTU" */
#define FRAME_MAX     (sizeof(struct ether_header) + ETHER_PAYLOAD)

struct arp_message { /* RFC 826, for Ethernet and IP */
    be16 hardware_type, protocol_type;
    u8 hardware_size, protocol_size;
    be16 operation;
    struct mac sender_mac;
    be32 sender;
    struct mac target_mac;
    be32 target;
};

struct ip_header { /* RFC 791 */
    u8 version_and_length; /* 4, and the header's length in words of 32 bits */
    u8 service;
    be16 length; /* of the whole packet */
    be16 identification;
    be16 fragment; /* flags, and the offset in units of 8 bytes */
    u8 time_to_live, protocol;
    be16 checksum; /* of this header only */
    be32 source, destination;
};
#define IP_DONT_FRAGMENT  0x4000
#define IP_MORE_FRAGMENTS 0x2000
#define IP_OFFSET         0x1fff
#define PROTOCOL_ICMP     1
#define PROTOCOL_TCP      6
#define PROTOCOL_UDP      17

struct icmp_header { /* RFC 792 */
    u8 type, code;
    be16 checksum;
    be32 rest;
};
#define ICMP_ECHO_REPLY       0
#define ICMP_UNREACHABLE      3
#define ICMP_ECHO_REQUEST     8
#define ICMP_PORT_UNREACHABLE 3 /* a code of ICMP_UNREACHABLE */

struct udp_header { /* RFC 768 */
    be16 source, destination, length, checksum;
};

struct tcp_header { /* RFC 9293 */
    be16 source, destination;
    be32 sequence, acknowledgment;
    u8 offset; /* the header's length in words, in the high four bits */
    u8 flags;
    be16 window, checksum, urgent;
};
#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_PSH 0x08
#define TCP_ACK 0x10

struct sockaddr_in { /* how programs name an endpoint */
    u16 family; /* this one in our order */
    be16 port;
    be32 address;
    u8 zero[8];
};
#define AF_INET 2

/* An address in the order of our numbers: 10.0.0.1 is 0x0a000001. */
#define ADDRESS(a, b, c, d) ((u32)(a) << 24 | (b) << 16 | (c) << 8 | (d))
#define ADDRESS_ANY         0
#define ADDRESS_LOOPBACK    ADDRESS(127, 0, 0, 1)
#define ADDRESS_BROADCAST   0xffffffff

/* ---- packet.c: packets --------------------------------------------------------------------------
 * Whoever is given a packet owns it: he hands it on or frees it. */

#define PACKET_HEADROOM 64 /* for an Ethernet, an IP and a TCP header with its one option */
struct packet {
    struct packet *next;
    u8 *start; /* the header, or the data, that is next */
    u32 length;
    u32 source, destination;           /* from the IP header */
    u16 source_port, destination_port; /* from the TCP or UDP header */
    u8 checksum_done; /* the backend vouches for what TCP and UDP would check */
    u8 room[PACKET_HEADROOM + FRAME_MAX];
};

struct packet *packet_new(void);
void packet_free(struct packet *packet);
void *packet_push(struct packet *packet, u32 bytes);
void *packet_pull(struct packet *packet, u32 bytes);
void *packet_append(struct packet *packet, const void *data, u32 bytes);
u32 sum16(u32 sum, const void *data, u32 bytes);
be16 checksum(u32 sum);
u32 pseudo_header_sum(u32 source, u32 destination, u32 protocol, u32 length);

/* ---- netfront.c: the card -------------------------------------------------------------------- */

long card_connect(void);
void card_send(struct packet *frame);
struct packet *card_receive(void); /* null: nothing has come */
extern struct card_counters {
    u64 rx_packets, rx_bytes, rx_dropped, tx_packets, tx_bytes, tx_dropped;
} card_counters;

/* ---- ether.c --------------------------------------------------------------------------------- */

void ether_input(struct packet *frame);
void ether_send(struct packet *packet, u32 next_hop);
u64 arp_run(u64 now);

/* ---- ip.c ------------------------------------------------------------------------------------ */

/* The one interface of this kernel, beside the loop back to itself. */
struct interface {
    struct mac mac;
    u32 address; /* ADDRESS_ANY while we have none */
    u32 netmask;
    u32 gateway;
};
extern struct interface interface;
void interface_announce(void); /* net.c: it has got an address */
long interface_control(u32 request, u64 argument); /* net.c: an ioctl */

#define NEVER (~0ul) /* a time that does not come */

int ip_is_ours(u32 address);
void ip_input(struct packet *packet);
void ip_send(struct packet *packet, u32 protocol, u32 source, u32 destination);
void ip_send_any(struct packet *packet, u32 protocol, u32 destination);
void icmp_port_unreachable(const struct packet *packet);
u64 net_run(void);
void net_wake(void); /* net.c: there is something for net_run */
u64 random64(void);

/* ---- Sockets --------------------------------------------------------------------------------- */

enum tcp_state {
    CLOSED, LISTEN, SYN_SENT, SYN_RECEIVED, ESTABLISHED,
    FIN_WAIT_1, FIN_WAIT_2, CLOSE_WAIT, CLOSING, LAST_ACK, TIME_WAIT,
};

/* Room for 16 KiB of a stream. A byte's sequence number is also its place: modulo the size. */
#define STREAM_PAGES 4
#define STREAM_SIZE  (STREAM_PAGES * PAGE_SIZE)
struct stream { u8 *page[STREAM_PAGES]; };

/* Our end of a connection. Sequence numbers count bytes, and once each for SYN and FIN; they begin
 * anywhere and wrap. What was received is named as in RFC 9293, section 3.3.1. */
struct tcp {
    enum tcp_state state;

    /* Sending: una <= nxt <= max. In `sending` lie the bytes from una to end. */
    u32 iss; /* number of our SYN */
    u32 una; /* oldest that the peer has not acknowledged */
    u32 nxt; /* the next to be sent; falls back to una when something was lost */
    u32 max; /* the highest that nxt ever was */
    u32 end; /* behind the last byte that the program has written; our FIN's number */
    u32 window, window_seq, window_ack; /* what the peer has room for, and when he said so */
    u32 mss; /* bytes that a segment to him may carry */
    u32 congestion_window, slow_start_until, recover;
    u32 duplicate_acks;
    u8 closing; /* the program writes no more: a FIN follows the last byte */
    struct stream sending;

    /* Receiving. In `received` lie the bytes from read to rcv_nxt, and those of the island, which
     * came too early: what is before it is still under way. */
    u32 read, rcv_nxt;
    u32 promised; /* the right edge of the window that the peer knows */
    u32 island_start, island_end;
    u8 fin_received, ack_due;
    u64 answered; /* when we last set him right who is out of step */
    struct stream received;

    /* One clock: of retransmission, of probing a closed window, of TIME_WAIT. */
    u64 timer;
    u32 retries;
    u64 timeout, round_trip, variation; /* RTO, SRTT and RTTVAR of RFC 6298 */
    u64 timed_since; /* 0: no segment is being timed */
    u32 timed;       /* an acknowledgement of this number ends it */
};

enum socket_type { STREAM = 1, DATAGRAM = 2, RAW = 3 }; /* Linux's SOCK_... */

#define DATAGRAMS_MAX 16 /* that wait in a socket for a program to read them */
struct socket {
    struct socket *next;
    enum socket_type type;
    u32 protocol;
    u32 local, remote; /* addresses; ADDRESS_ANY: any */
    u16 local_port, remote_port;
    int error; /* to be reported once, 0: none */
    u8 detached; /* no program has it open: it goes when its connection has ended */
    u8 reuse_address, no_delay, reading_ended;

    struct packet *first; /* datagrams that wait */
    u32 datagrams;

    struct socket *listener; /* set until this connection is accepted */
    u32 backlog;             /* of a listener: connections that may wait for accept */
    struct tcp tcp;
};
extern struct socket *sockets;

struct socket *socket_new(enum socket_type type, u32 protocol);
void socket_free(struct socket *socket);
void socket_wake(struct socket *socket);
void socket_take(struct socket *socket, struct packet *packet);

/* What programs do with them, without ever waiting: -EAGAIN says that it is not yet possible. */
struct endpoint { u32 address; u16 port; };

int inet_bind(struct socket *socket, struct endpoint local);
int inet_listen(struct socket *socket, u32 backlog);
struct socket *inet_accept(struct socket *listener);
int inet_connect(struct socket *socket, struct endpoint remote);
long inet_send(struct socket *socket, const void *data, u64 length, const struct endpoint *to);
long inet_receive(struct socket *socket, void *data, u64 length, int peek,
                    struct endpoint *from);
int inet_error(struct socket *socket);
int inet_readable(const struct socket *socket);
int inet_writable(const struct socket *socket);
int inet_shutdown(struct socket *socket, int reading, int writing);
void inet_close(struct socket *socket);

/* ---- udp.c and raw sockets ------------------------------------------------------------------- */

void udp_input(struct packet *packet);
void udp_send(struct packet *packet, u32 source, u16 source_port, u32 destination, u16 port);

/* ---- tcp.c ----------------------------------------------------------------------------------- */

void tcp_input(struct packet *packet);
u64 tcp_run(u64 now);
void tcp_host_unreachable(u32 address);
int tcp_connect(struct socket *socket);
long tcp_write(struct socket *socket, const void *data, u64 length);
long tcp_read(struct socket *socket, void *data, u64 length, int peek);
u32 tcp_readable(const struct socket *socket);
u32 tcp_room(const struct socket *socket);
void tcp_shutdown(struct socket *socket);
void tcp_close(struct socket *socket);

/* ---- dhcp.c ---------------------------------------------------------------------------------- */

void dhcp_start(void);
void dhcp_input(struct packet *packet);
u64 dhcp_run(u64 now);

#endif

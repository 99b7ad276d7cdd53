/* inet.h: the Internet protocols of this kernel: how they look on the wire, and what the files that implement
 * them offer each other. A packet climbs from netfront.c (a ring shared with the backend) over ether.c
 * (frames to a neighbour, and ARP, which finds him), ip.c (packets to any address; ICMP and UDP) and tcp.c (a
 * stream of bytes) to socket.c (system calls), each floor taking off its header, or descends, each floor
 * putting one on. Whoever is given a packet owns it: he hands it on or frees it. */
#ifndef INET_H
#define INET_H
#include "kernel.h"
#include "wire.h"
#define ADDRESS_ANY       0
#define ADDRESS_LOOPBACK  ADDRESS(127, 0, 0, 1)
#define ADDRESS_BROADCAST 0xffffffff
struct endpoint { u32 address; u16 port; };

#define PACKET_HEADROOM 64 /* for an Ethernet, an IP and a TCP header with its one option */
struct packet {
    struct packet *next;
    u8 *start; /* the header, or the data, that is next */
    u32 length;
    u8 checksum_done; /* the backend vouches for what TCP and UDP would check */
    struct endpoint source, destination;
    u8 room[PACKET_HEADROOM + FRAME_MAX];
};
struct packet *packet_new(void);
void *packet_push(struct packet *packet, u32 bytes), *packet_pull(struct packet *packet, u32 bytes);
void *packet_append(struct packet *packet, const void *data, u32 bytes);
be16 checksum(u32 sum, const void *data, u32 bytes);
be16 checksum_of(const struct packet *packet, u32 protocol, const void *data, u32 bytes);

long card_connect(void);
struct packet *card_receive(void); /* null: nothing has come */
void card_send(struct packet *frame), ether_send(struct packet *packet, u32 next_hop);
void ip_send(struct packet *packet, u32 protocol), udp_send(struct packet *packet); /* to its destination */
void ip_input(struct packet *packet, int from_wire);
void ether_input(struct packet *frame), tcp_input(struct packet *packet), dhcp_input(struct packet *packet);
/* Does what is due, and returns when something will be. */
u64 net_run(void), arp_run(u64 now), tcp_run(u64 now), dhcp_run(u64 now);
#define NEVER (~0ul)
void net_wake(void); /* there is something for net_run */
void dhcp_start(void);

extern struct interface { /* the only one, beside the loop back to ourselves */
    struct mac mac;
    u32 address; /* ADDRESS_ANY while we have none */
    u32 netmask, gateway;
} interface;
void interface_announce(void); /* it has got an address */
int ip_is_ours(u32 address);
u32 ip_source(u32 destination); /* whichever of our addresses suits */
int is_endpoint(struct endpoint endpoint, struct endpoint other); /* or of any address */

/* RFC 9293 has six more names. They tell who of the two has said his last word, which is `closing` for us and
 * `fin_received` for the peer; and whether ours has arrived: una is then behind end. */
enum tcp_state { CLOSED, LISTEN, SYN_SENT, SYN_RECEIVED, ESTABLISHED };

#define STREAM_PAGES 4 /* how much of a stream we keep, in each direction */
#define STREAM_SIZE  (STREAM_PAGES * PAGE_SIZE)

/* Our end of a connection. Sequence numbers count bytes, and once each for SYN and FIN; they begin anywhere
 * and wrap. Of what we send, una <= nxt <= max, and the bytes from una to end are kept. */
struct tcp {
    enum tcp_state state;
    u8 closing, fin_received, ack_due;
    u32 una; /* oldest that the peer has not acknowledged; at first, the number of our SYN */
    u32 nxt; /* the next to be sent; falls back to una when something was lost */
    u32 max; /* the highest that nxt ever was */
    u32 end; /* behind the last byte that the program has written; our FIN's number */
    u32 window, congestion_window; /* what the peer has room for, and what the network seems to bear */
    u32 mss; /* bytes that a segment to him may carry */
    u8 *stream; /* what we send */
    u32 rcv_nxt, promised; /* what we await next, and up to where he knows that we have room */
    u64 timer; /* 0: does not run */
    u32 retries;
};

enum socket_type { STREAM = 1, DATAGRAM = 2, RAW = 3 }; /* Linux's SOCK_... */

#define QUEUE_MAX 32 /* packets that wait in a socket for a program to read them */
struct socket {
    struct socket *next;
    enum socket_type type;
    struct endpoint local, remote; /* ADDRESS_ANY: any */
    int error;    /* to be reported once, 0: none */
    int detached; /* no program has it open: it goes when its connection has ended */
    struct packet *first;
    u32 packets, bytes;      /* in this queue */
    struct socket *listener; /* set until this connection is accepted */
    u32 backlog;             /* of a listener: connections that may wait for accept */
    struct tcp tcp;
};
extern struct socket *sockets;

struct socket *socket_new(enum socket_type type);
void socket_free(struct socket *socket);
int socket_take(struct socket *socket, struct packet *packet); /* 0: there is no room, the packet is gone */
int tcp_connect(struct socket *socket);
long tcp_write(struct socket *socket, const u8 *data, u64 length);
void tcp_was_read(struct socket *s), tcp_shutdown(struct socket *s), tcp_close(struct socket *s);
#endif

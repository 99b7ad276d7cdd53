/*
 * wire.h: how the Internet protocols look on an Ethernet. The numbers' types are those of xen.h.
 */
#ifndef WIRE_H
#define WIRE_H

/* Numbers on the wire have their high byte first; ours have it last. Wrapped into a structure of bytes they
 * have no alignment, and the compiler refuses to take one kind for the other. */
typedef struct { u8 byte[2]; } be16;
typedef struct { u8 byte[4]; } be32;
struct mac { u8 byte[6]; };

/* Four bytes as one of our numbers: the address 10.0.0.1 is 0x0a000001. */
#define ADDRESS(a, b, c, d) ((u32)(a) << 24 | (b) << 16 | (c) << 8 | (d))

static inline u16 from_be16(be16 v) { return v.byte[0] << 8 | v.byte[1]; }
static inline be16 to_be16(u32 v) { return (be16){{v >> 8, v}}; }
static inline u32 from_be32(be32 v) { return ADDRESS(v.byte[0], v.byte[1], v.byte[2], v.byte[3]); }
static inline be32 to_be32(u32 v) { return (be32){{v >> 24, v >> 16, v >> 8, v}}; }

struct ether_header { struct mac to, from; be16 type; };
enum { ETHERTYPE_IP = 0x0800, ETHERTYPE_ARP = 0x0806 };
#define ETHER_PAYLOAD 1500 /* bytes an Ethernet frame carries at most: the "MTU" */
#define FRAME_MAX     (sizeof(struct ether_header) + ETHER_PAYLOAD)

struct ip_header { /* RFC 791 */
    u8 version_and_length, service; /* 4, and the header's length in words of 32 bits */
    be16 length;                    /* of the whole packet */
    be16 identification, fragment;  /* flags, and the offset in units of 8 bytes */
    u8 time_to_live, protocol;
    be16 checksum; /* of this header only */
    be32 source, destination;
};
struct icmp_header { u8 type, code; be16 checksum; be32 rest; };   /* RFC 792 */
struct udp_header { be16 source, destination, length, checksum; }; /* RFC 768 */
struct tcp_header {                                                /* RFC 9293 */
    be16 source, destination;
    be32 sequence, acknowledgment;
    u8 offset, flags; /* the header's length in words, in the high four bits */
    be16 window, checksum, urgent;
};
enum { PROTOCOL_ICMP = 1, PROTOCOL_TCP = 6, PROTOCOL_UDP = 17 };
enum { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_ACK = 16 };

/* RFC 826 */
#define ARP_TYPES {0, 1, 8, 0, 6, 4}      /* Ethernet, IP, and how long their addresses are */

struct arp_message { u8 types[6]; be16 operation; struct mac mac; be32 from; struct mac to_mac; be32 to; };
enum { ARP_REQUEST = 1, ARP_REPLY };

/* RFC 2131 */
enum { BOOT_REQUEST = 1, BOOT_REPLY };
enum { DISCOVER = 1, OFFER, REQUEST, DECLINE, ACK, NAK };
enum { NETMASK = 1, ROUTER = 3, REQUESTED = 50, LEASE = 51, TYPE = 53, SERVER = 54, WANTED = 55, END = 255 };
struct dhcp_message {
    u8 operation, hardware_type, hardware_size, hops;
    be32 transaction;
    be16 seconds, flags;
    be32 client, yours, server, relay;
    struct mac mac;
    u8 unused[202]; /* the rest of longer addresses, and names for machines that boot from the network */
    be32 magic;
};

#endif

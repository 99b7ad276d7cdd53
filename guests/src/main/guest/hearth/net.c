/*
 * net.c: the thread in which the network lives, and its address: from the kernel's command line
 * (ip=10.0.0.2/24,gateway=10.0.0.1), by DHCP, or from a program.
 */
#include "inet.h"
#include "net.h"

static char work; /* the channel on which the thread sleeps */

void net_wake(void) {
    wakeup(&work);
}

/* ---- Addresses as text ----------------------------------------------------------------------- */

/* Four numbers and dots; 0 if it is not that. `end` is set to what follows. */
static u32 parse_address(const char *text, const char **end) {
    u32 address = 0;
    for (int i = 0; i < 4; i++) {
        u32 value = 0;
        if (*text < '0' || *text > '9') return 0;
        while (*text >= '0' && *text <= '9') value = value * 10 + *text++ - '0';
        if (value > 255 || (i < 3 && *text++ != '.')) return 0;
        address = address << 8 | value;
    }
    *end = text;
    return address;
}

#define DOTTED          "%u.%u.%u.%u"
#define DOTTED_OF(a)    (a) >> 24, (a) >> 16 & 255, (a) >> 8 & 255, (a) & 255

void interface_announce(void) {
    printk("hearth: network address " DOTTED ", mask " DOTTED ", gateway " DOTTED "\n",
           DOTTED_OF(interface.address), DOTTED_OF(interface.netmask),
           DOTTED_OF(interface.gateway));
}

/* Whether the command line gives an address. */
static int take_option(const char *option) {
    const char *rest;
    u32 address = option == 0 ? 0 : parse_address(option, &rest), bits = 0;
    if (address == 0) return 0;
    if (*rest == '/') {
        for (rest++; *rest >= '0' && *rest <= '9'; rest++) bits = bits * 10 + *rest - '0';
    }
    interface.address = address;
    interface.netmask = bits == 0 || bits > 32 ? ADDRESS(255, 255, 255, 0) : ~0u << (32 - bits);
    if ((rest = skip_prefix(rest, ",gateway=")) != 0) {
        interface.gateway = parse_address(rest, &rest);
    }
    interface_announce();
    return 1;
}

/* ---- The thread ------------------------------------------------------------------------------ */

static void net_thread(void *asks_for_address) {
    long error = card_connect();
    if (error == 0 && asks_for_address != 0 && interface.address == ADDRESS_ANY) dhcp_start();
    if (error != 0 && error != -ENODEV) printk("hearth: no network: error %ld\n", error);
    for (;;) {
        u64 next = net_run();
        if (next > now()) wait(&work, next == NEVER ? 0 : next);
        else schedule(); /* others want to run too */
    }
}

void network_init(void) {
    const char *option = boot_option("ip");
    int is_set = take_option(option);
    /* In a thread of its own, since the first process need not wait for all that. */
    kthread("net", net_thread, is_set || (option != 0 && *option == 'o') ? 0 : &work);
}

/* The backend sees by itself that the domain has ended. */
void network_stop(void) {
}

/* ---- What ifconfig and route ask ------------------------------------------------------------- */

#define NAME_SIZE 16
struct ifreq { /* Linux's, of 40 bytes */
    char name[NAME_SIZE];
    union {
        struct sockaddr_in address;
        short flags;
        int number;
        u8 rest[24];
    };
};
struct ifconf { int length; int pad; u64 buffer; };
struct rtentry { /* its beginning */
    u64 pad;
    struct sockaddr_in destination, gateway, mask;
};
enum {
    SIOCADDRT = 0x890b, SIOCGIFCONF = 0x8912, SIOCGIFFLAGS, SIOCSIFFLAGS, SIOCGIFADDR, SIOCSIFADDR,
    SIOCGIFBRDADDR = 0x8919, SIOCSIFBRDADDR, SIOCGIFNETMASK, SIOCSIFNETMASK, SIOCGIFMTU = 0x8921,
    SIOCGIFHWADDR = 0x8927, SIOCGIFINDEX = 0x8933,
};
#define IFF_UP_BROADCAST_RUNNING 0x43
#define ARPHRD_ETHER             1

static struct sockaddr_in name_of(u32 address) {
    return (struct sockaddr_in){.family = AF_INET, .address = to_be32(address)};
}

static long list_interfaces(u64 argument) {
    struct ifconf list;
    struct ifreq request = {.name = "eth0"};
    if (copy_from_user(&list, argument, sizeof(list)) != 0) return -EFAULT;
    request.address = name_of(interface.address);
    if (list.buffer != 0) {
        if (list.length < (int)sizeof(request)) return -EINVAL;
        if (copy_to_user(list.buffer, &request, sizeof(request)) != 0) return -EFAULT;
    }
    list.length = sizeof(request);
    return copy_to_user(argument, &list, sizeof(list));
}

static long add_route(u64 argument) {
    struct rtentry route;
    if (copy_from_user(&route, argument, sizeof(route)) != 0) return -EFAULT;
    if (from_be32(route.destination.address) == ADDRESS_ANY) {
        interface.gateway = from_be32(route.gateway.address);
    }
    return 0;
}

long interface_control(u32 request, u64 argument) {
    struct ifreq r;
    if (request == SIOCGIFCONF) return list_interfaces(argument);
    if (request == SIOCADDRT) return add_route(argument);
    if (copy_from_user(&r, argument, sizeof(r)) != 0) return -EFAULT;
    r.name[NAME_SIZE - 1] = '\0';
    if (!streq(r.name, "eth0")) return -ENODEV;
    u32 address = from_be32(r.address.address);
    switch (request) {
    case SIOCSIFADDR:
        interface.address = address;
        if (interface.netmask == 0) interface.netmask = ADDRESS(255, 255, 255, 0);
        return 0;
    case SIOCSIFNETMASK:
        interface.netmask = address;
        return 0;
    case SIOCSIFFLAGS:
    case SIOCSIFBRDADDR:
        return 0;
    case SIOCGIFFLAGS:
        r.flags = IFF_UP_BROADCAST_RUNNING;
        break;
    case SIOCGIFADDR:
        r.address = name_of(interface.address);
        break;
    case SIOCGIFBRDADDR:
        r.address = name_of(interface.address | ~interface.netmask);
        break;
    case SIOCGIFNETMASK:
        r.address = name_of(interface.netmask);
        break;
    case SIOCGIFMTU:
        r.number = ETHER_PAYLOAD;
        break;
    case SIOCGIFHWADDR:
        r.flags = ARPHRD_ETHER;
        memcpy(r.rest + 2, interface.mac.byte, sizeof(interface.mac));
        break;
    case SIOCGIFINDEX:
        r.number = 1;
        break;
    default:
        return -ENOTTY;
    }
    return copy_to_user(argument, &r, sizeof(r));
}

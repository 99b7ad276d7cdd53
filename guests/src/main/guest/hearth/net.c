/*
 * net.c: the thread in which the network lives, and its address: from the kernel's command line
 * (ip=10.0.0.2/24,gateway=10.0.0.1; ip=off leaves us without), or by DHCP.
 */
#include "inet.h"

static char work; /* the channel on which the thread sleeps */

void net_wake(void) {
    wakeup(&work);
}

static const char *parse(const char *text, u32 *number) {
    for (*number = 0; *text >= '0' && *text <= '9'; text++) *number = *number * 10 + (*text - '0');
    return text;
}

/* Four numbers, each with one character behind it that is no digit; returns what follows the last. */
static const char *parse_address(const char *text, u32 *address) {
    u32 number;
    *address = 0;
    for (int i = 0; i < 4; i++) {
        text = parse(text, &number);
        *address = *address << 8 | (number & 255);
        if (i < 3 && *text != '\0') text++;
    }
    return text;
}

#define DOTTED       "%u.%u.%u.%u"
#define DOTTED_OF(a) (a) >> 24, (a) >> 16 & 255, (a) >> 8 & 255, (a) & 255

void interface_announce(void) {
    printk("hearth: network address " DOTTED ", mask " DOTTED ", gateway " DOTTED "\n",
           DOTTED_OF(interface.address), DOTTED_OF(interface.netmask), DOTTED_OF(interface.gateway));
}

static void take_option(const char *option) {
    u32 bits = 24;
    const char *rest = parse_address(option, &interface.address);
    if (*rest == '/') rest = parse(rest + 1, &bits);
    interface.netmask = bits == 0 || bits > 32 ? 0 : ~0u << (32 - bits);
    if ((rest = skip_prefix(rest, ",gateway=")) != 0) parse_address(rest, &interface.gateway);
    interface_announce();
}

static void net_thread(void *option) {
    long error = card_connect();
    if (error == 0 && option == 0) dhcp_start();
    if (error != 0 && error != -ENODEV) printk("hearth: no network: error %ld\n", error);
    for (;;) {
        u64 next = net_run();
        if (next > now()) wait(&work, next == NEVER ? 0 : next);
        else schedule(); /* others want to run too */
    }
}

/* In a thread of its own, since the first process need not wait for all that. */
void network_init(void) {
    const char *option = boot_option("ip");
    if (option != 0 && *option >= '0' && *option <= '9') take_option(option);
    kthread("net", net_thread, (void *)option);
}

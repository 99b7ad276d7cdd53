/* net.c: the thread in which the network lives, and its address: from the kernel's command line
 * (ip=10.0.0.2/24,gateway=10.0.0.1; ip=off leaves us without), or by DHCP. */
#include "inet.h"
static char work; /* the channel on which the thread sleeps */

void net_wake(void) { wakeup(&work); }

void interface_announce(void) {
    u32 a = interface.address;
    printk("hearth: network address %u.%u.%u.%u\n", a >> 24, a >> 16 & 255, a >> 8 & 255, a & 255);
}

/* Takes up to so many numbers, each with one character behind it that is no digit; returns what follows. */
static const char *parse(const char *text, u32 *numbers, u32 count) {
    for (u32 i = 0; i < count && *text >= '0' && *text <= '9'; i++) {
        u32 number = 0;
        for (; *text >= '0' && *text <= '9'; text++) number = number * 10 + (*text - '0');
        numbers[i] = number;
        if (*text != '\0') text++;
    }
    return text;
}

static void take_option(const char *option) {
    u32 n[5] = {0, 0, 0, 0, 24}, g[4] = {0};
    const char *gateway = skip_prefix(parse(option, n, 5), "gateway=");
    if (gateway != 0) parse(gateway, g, 4);
    interface.address = ADDRESS(n[0], n[1], n[2], n[3]);
    interface.netmask = n[4] == 0 || n[4] > 32 ? 0 : ~0u << (32 - n[4]);
    interface.gateway = ADDRESS(g[0], g[1], g[2], g[3]);
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

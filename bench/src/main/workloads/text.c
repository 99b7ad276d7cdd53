/* Prints n MiB of lines that look like a log: gzip makes a fifth of it. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    static const char *const words[] = {
        "accepted", "address", "closed", "connection", "device", "error", "frame", "from", "guest", "kernel",
        "memory", "page", "port", "request", "to", "window",
    };
    long bytes = (argc > 1 ? atol(argv[1]) : 20) << 20;
    uint32_t x = 1;

    for (long printed = 0; printed < bytes;) {
        printed += printf("%08lx", printed);
        for (int i = 0; i < 6; i++) {
            x = x * 1664525u + 1013904223u;
            printed += printf(i == 3 ? " %s=%u" : " %s", words[x >> 28], x >> 16 & 0xfff);
        }
        printed += printf("\n");
    }
    return 0;
}

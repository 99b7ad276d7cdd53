/* n operations on a table of two million slots, open addressing: 24 MiB in random order. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define BITS 21
#define SLOTS (1u << BITS)

static uint64_t keys[SLOTS];
static uint32_t values[SLOTS];

static uint32_t next_random(uint32_t *state)
{
    uint32_t x = *state;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return *state = x;
}

int main(int argc, char **argv)
{
    uint32_t operations = argc > 1 ? strtoul(argv[1], 0, 10) : 5000000;
    uint32_t state = 2463534242u;
    uint64_t sum = 0, probes = 0;

    for (uint32_t i = 0; i < operations; i++) {
        uint32_t key = (next_random(&state) & 0xfffff) + 1;
        uint32_t slot = key * 2654435761u >> (32 - BITS);
        while (keys[slot] && keys[slot] != key) {
            slot = (slot + 1) & (SLOTS - 1);
            probes++;
        }
        keys[slot] = key;
        values[slot] += i;
        sum += values[slot] ^ slot;
    }
    printf("%016llx %llu\n", (unsigned long long)sum, (unsigned long long)probes);
    return 0;
}

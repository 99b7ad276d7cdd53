/*
 * verify-disk DEVICE: writes a pattern past the page cache in a shuffled order, and reads it back.
 *
 * Two rounds; the second writes a third of the blocks again, so that a stale block is no block of
 * the right place. Flushes lie between the writes. Each block names its place, round and seed, so a
 * block at a wrong place, of a wrong round or torn is told from a good one. Blocks never written
 * have to read as zeros. Prints a line and ends with 0 when all is as written.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK = 4096, WORDS = BLOCK / 8, SPAN = 6000, WRITTEN = 4000, PER_FLUSH = 250, MAX_RUN = 16 };

static int order[SPAN];
static int round_of[SPAN];
static uint64_t state = 20261125;

static uint64_t next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void die(const char *what, long block)
{
    printf("FAILED: %s at block %ld\n", what, block);
    exit(1);
}

static void pattern(uint64_t *words, long block, int round)
{
    uint64_t value = (uint64_t)block * 0x9e3779b97f4a7c15u + (uint64_t)round;

    for (int i = 0; i < WORDS; i++)
        words[i] = round ? value + (uint64_t)i * 0xbf58476d1ce4e5b9u : 0;
}

static void shuffle(void)
{
    for (int i = SPAN - 1; i > 0; i--) {
        int j = (int)(next() % (uint64_t)(i + 1));
        int kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
}

static void write_blocks(int fd, uint64_t *buffer, int count, int round)
{
    for (int i = 0; i < count; i++) {
        pattern(buffer, order[i], round);
        if (pwrite(fd, buffer, BLOCK, (off_t)order[i] * BLOCK) != BLOCK)
            die("write", order[i]);
        round_of[order[i]] = round;
        if (i % PER_FLUSH == 0 && fsync(fd) != 0)
            die("flush", order[i]);
    }
    if (fsync(fd) != 0)
        die("last flush", round);
}

/* Reads runs of one to sixteen blocks, in an order of its own. */
static long verify(int fd, uint64_t *buffer, uint64_t *expected)
{
    long verified = 0;

    for (int i = 0; i < SPAN; i += 4) {
        long first = order[i];
        long run = 1 + (long)(next() % MAX_RUN);

        if (first + run > SPAN)
            run = SPAN - first;
        if (pread(fd, buffer, (size_t)run * BLOCK, first * BLOCK) != run * BLOCK)
            die("read", first);
        for (long k = 0; k < run; k++) {
            pattern(expected, first + k, round_of[first + k]);
            if (memcmp(buffer + k * WORDS, expected, BLOCK) != 0)
                die("wrong content", first + k);
        }
        verified += run;
    }
    return verified;
}

int main(int argc, char **argv)
{
    void *buffer, *expected;
    int fd = argc == 2 ? open(argv[1], O_RDWR | O_DIRECT) : -1;

    if (fd < 0 || posix_memalign(&buffer, BLOCK, MAX_RUN * BLOCK) != 0
            || posix_memalign(&expected, BLOCK, BLOCK) != 0)
        die("open", 0);
    for (int i = 0; i < SPAN; i++)
        order[i] = i;
    shuffle();
    write_blocks(fd, buffer, WRITTEN, 1);
    shuffle();
    write_blocks(fd, buffer, WRITTEN / 3, 2);
    close(fd);
    fd = open(argv[1], O_RDONLY | O_DIRECT);
    if (fd < 0)
        die("second open", 0);
    shuffle();
    printf("%s: %ld blocks verified\n", argv[1], verify(fd, buffer, expected));
    return 0;
}

/*
 * What a guest does to a network, counted exactly. A stream is 64-bit little-endian words, each the one
 * before times a constant; its sum tells both ends that they mean the same bytes.
 *
 *   net-load send ADDRESS PORT BYTES      sends so many, then hears how many came and their sum
 *   net-load receive ADDRESS PORT         receives until the end
 *   net-load hold ADDRESS PORT COUNT      holds so many connections open at once, each echoed twice
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BLOCK_WORDS = 8192, ROUNDS = 2 };

static const uint64_t FIRST = 1, STEP = 6364136223846793005u;

static uint64_t block[BLOCK_WORDS];
static struct sockaddr_in peer;

static void fail(const char *what) {
    printf("net-load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int dial(void) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0) fail("socket");
    if (connect(fd, (struct sockaddr *)&peer, sizeof peer) < 0) fail("connect");
    return fd;
}

static void read_fully(int fd, void *to, size_t length) {
    for (size_t at = 0; at < length;) {
        ssize_t n = read(fd, (char *)to + at, length - at);
        if (n <= 0) fail("read");
        at += n;
    }
}

static void send_stream(uint64_t bytes) {
    int fd = dial();
    uint64_t word = FIRST, sum = 0, answer[2];
    for (uint64_t sent = 0; sent < bytes; sent += sizeof block) {
        for (int i = 0; i < BLOCK_WORDS; i++) {
            sum += word;
            block[i] = word;
            word *= STEP;
        }
        for (size_t at = 0; at < sizeof block;) {
            ssize_t n = write(fd, (char *)block + at, sizeof block - at);
            if (n <= 0) fail("write");
            at += n;
        }
    }
    shutdown(fd, SHUT_WR);
    read_fully(fd, answer, sizeof answer);
    printf("sent %llu sum %016llx, peer had %llu sum %016llx\n", (unsigned long long)bytes,
           (unsigned long long)sum, (unsigned long long)answer[0], (unsigned long long)answer[1]);
}

static void receive_stream(void) {
    int fd = dial();
    uint64_t sum = 0, bytes = 0;
    size_t partial = 0; /* bytes of an unfinished word at the block's start */
    for (;;) {
        ssize_t n = read(fd, (char *)block + partial, sizeof block - partial);
        if (n < 0) fail("read");
        if (n == 0) break;
        bytes += n;
        size_t have = partial + n, words = have / sizeof(uint64_t);
        for (size_t i = 0; i < words; i++) sum += block[i];
        partial = have % sizeof(uint64_t);
        memmove(block, &block[words], partial);
    }
    printf("received %llu sum %016llx\n", (unsigned long long)bytes, (unsigned long long)sum);
}

static void hold(int count) {
    struct rlimit files = {count + 64, count + 64};
    struct epoll_event event, events[64];
    uint32_t *sent = calloc(count, sizeof *sent);
    int *sockets = calloc(count, sizeof *sockets), poll = epoll_create1(0), echoed = 0;
    if (setrlimit(RLIMIT_NOFILE, &files) < 0) fail("setrlimit");
    for (int i = 0; i < count; i++) {
        sockets[i] = dial();
        event.events = EPOLLIN;
        event.data.u32 = i;
        if (epoll_ctl(poll, EPOLL_CTL_ADD, sockets[i], &event) < 0) fail("epoll_ctl");
    }
    printf("open %d\n", count);
    for (int round = 0; round < ROUNDS; round++) {
        /* Nobody is answered before everybody has spoken. */
        for (int i = 0; i < count; i++) {
            sent[i] = i * ROUNDS + round;
            if (write(sockets[i], &sent[i], sizeof sent[i]) != sizeof sent[i]) fail("write");
        }
        for (int left = count; left > 0;) {
            int ready = epoll_wait(poll, events, 64, 30000);
            if (ready <= 0) fail("no echo within 30 seconds");
            for (int k = 0; k < ready; k++, left--, echoed++) {
                uint32_t i = events[k].data.u32, back;
                read_fully(sockets[i], &back, sizeof back);
                if (back != sent[i]) fail("another connection's echo");
            }
        }
    }
    printf("held %d echoed %d\n", count, echoed);
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc < 4) return 2;
    peer.sin_family = AF_INET;
    peer.sin_port = htons(atoi(argv[3]));
    inet_pton(AF_INET, argv[2], &peer.sin_addr);
    if (!strcmp(argv[1], "send") && argc == 5) send_stream(strtoull(argv[4], NULL, 10));
    else if (!strcmp(argv[1], "receive")) receive_stream();
    else if (!strcmp(argv[1], "hold") && argc == 5) hold(atoi(argv[4]));
    else return 2;
    return 0;
}

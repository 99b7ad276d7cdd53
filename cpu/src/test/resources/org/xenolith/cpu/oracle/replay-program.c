/*
 * Work for the recorded run: integer code, string functions, sorting, hashing, and the long double
 * paths of printf and strtold. Never ends by itself; each round has other data.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t seed = 88172645463325252u;
static char line[4096];
static volatile uint64_t sink;

static uint64_t next(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static int ascending(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *) a, y = *(const uint32_t *) b;
    return (x > y) - (x < y);
}

static void sort(void)
{
    uint32_t numbers[200];
    for (int i = 0; i < 200; i++)
        numbers[i] = next() >> (next() & 31);
    qsort(numbers, 200, sizeof *numbers, ascending);
    for (int i = 1; i < 200; i++)
        if (numbers[i - 1] > numbers[i])
            abort();
    sink += numbers[100];
}

static uint32_t rotated(uint32_t x, int n) { return x >> n | x << (32 - n); }

/* One block of SHA-256 with made-up constants: the same instructions as the real one. */
static void digest(void)
{
    uint32_t w[64], s[8];
    for (int i = 0; i < 16; i++)
        w[i] = __builtin_bswap32((uint32_t) next());
    for (int i = 16; i < 64; i++)
        w[i] = w[i - 16] + (rotated(w[i - 15], 7) ^ rotated(w[i - 15], 18) ^ w[i - 15] >> 3)
            + w[i - 7] + (rotated(w[i - 2], 17) ^ rotated(w[i - 2], 19) ^ w[i - 2] >> 10);
    for (int i = 0; i < 8; i++)
        s[i] = (uint32_t) next();
    for (int i = 0; i < 64; i++) {
        uint32_t t = s[7] + (rotated(s[4], 6) ^ rotated(s[4], 11) ^ rotated(s[4], 25))
            + ((s[4] & s[5]) ^ (~s[4] & s[6])) + w[i] + 0x9e3779b9u * i;
        uint32_t u = (rotated(s[0], 2) ^ rotated(s[0], 13) ^ rotated(s[0], 22))
            + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
        memmove(s + 1, s, 7 * sizeof *s);
        s[4] += t;
        s[0] = t + u;
    }
    sink += s[0] ^ s[7];
}

static void integers(void)
{
    uint64_t a = next(), b = next() | 1;
    int64_t c = (int64_t) next() >> (next() & 63);
    sink += a / b + a % (b >> 40 | 1) + (uint64_t) (c / 7) + (uint64_t) (c % 1001);
    sink += (uint64_t) ((unsigned __int128) a * b >> 64) + (uint64_t) ((__int128) c * (int64_t) b >> 70);
    unsigned __int128 wide = (unsigned __int128) a << 64 | b;
    sink += (uint64_t) (wide / (b >> 3 | 1)) + (uint64_t) (wide >> (a & 127));
    sink += __builtin_ctzll(b) + __builtin_clzll(b) + __builtin_popcountll(a) + __builtin_parity(a);
    uint8_t d = a;
    uint16_t e = b;
    sink += (uint8_t) (d << 3 | d >> 5) + (uint16_t) (e << 7 | e >> 9) + (int8_t) d / 3 + (int16_t) e % 11;
    sink += __builtin_bswap64(a) + (a > b ? a - b : b - a) + ((int64_t) a < c) + (a << (b & 63));
    uint64_t sum;
    sink += __builtin_add_overflow(a, b, &sum) + sum;
    sink += __atomic_fetch_add(&sink, 3, __ATOMIC_SEQ_CST) + __sync_val_compare_and_swap(&sink, a, b);
}

static void strings(void)
{
    static char text[2048], copy[2048];
    size_t length = next() % 1500 + 3, skew = next() % 17;
    for (size_t i = 0; i < length; i++)
        text[skew + i] = 'a' + next() % 25;
    text[skew + length] = 0;
    memset(copy, (int) next(), sizeof copy);
    strcpy(copy, text + skew);
    text[skew + length / 2] = 'z';
    sink += strlen(copy) + (strchr(text + skew, 'z') - text) + strcmp(copy, text + skew);
    sink += (uintptr_t) strstr(text + skew, "zz") + (uintptr_t) memchr(copy, 'q', length);
    sink += memcmp(copy, text + skew, length) + strspn(copy, "abcdefghijkl") + strcspn(copy, "z");
    memmove(text + 7, text, length);
    memcpy(copy + 3, text + 5, length / 2);
    sink += (uintptr_t) strrchr(text + 7, 'z') + strnlen(copy, 99) + strncmp(copy, text, 50);
    char *moved = malloc(length * 3);
    memcpy(moved, text, length);
    moved = realloc(moved, length * 40);
    sink += moved[length - 1];
    free(moved);
}

static void numbers(void)
{
    union { uint64_t bits; double value; } drawn = {next() >> 2 | next() << 60};
    drawn.bits &= ~(1ull << 62);
    double x = drawn.value;
    long double y = (long double) next() / (long double) (next() | 1) * 1e9L;
    int n = snprintf(line, sizeof line, "%a %.17g %e %f %Lf %.21Lg %La %5d %#x %s", x, x, x * 3.7, x / 1e300,
        y, y, y, (int) next(), (unsigned) next(), "text");
    char *end;
    sink += n + (uint64_t) (strtod(line, &end) * 1000);
    snprintf(line, sizeof line, "%.25Lg", y);
    long double again = strtold(line, &end);
    sink += again == y;
    snprintf(line, sizeof line, "%.17g", x);
    if (strtod(line, &end) != x && x == x)
        abort();
    sink += strtoull("18446744073709551615", &end, 10);
    float f = (float) x * 1.5f - 3;
    sink += (uint64_t) (int64_t) (f > 1e9f || f != f ? 1 : f < -1e9f ? 2 : f) + (uint64_t) (uint32_t) (y / 3);
    y = y * y - y / 3 + (long double) (int) next();
    y = y < 0 ? -y : __builtin_sqrtl(y);
    sink += (uint64_t) (y / 1e6L) + (uint64_t) __builtin_sqrt((double) (next() >> 20));
}

static void vectors(void)
{
    static double a[64], b[64];
    static float f[64];
    static int32_t k[64];
    static uint8_t bytes[256];
    for (int i = 0; i < 64; i++) {
        a[i] = (double) (int64_t) next() * 0x1p-40;
        k[i] = (int32_t) next();
    }
    for (int i = 0; i < 64; i++) {
        b[i] = a[i] * 1.25 + b[i] / 3;
        f[i] = (float) b[i] - (float) k[i];
        k[i] = k[i] * 3 + (k[i] >> 5) + (b[i] > 0 ? 5 : 9);
    }
    for (int i = 0; i < 256; i++)
        bytes[i] = bytes[i] > 100 ? bytes[i] - 77 : bytes[i] + (uint8_t) k[i & 63];
    double total = 0;
    int32_t most = 0;
    for (int i = 0; i < 64; i++) {
        total += b[i] + f[i];
        most = k[i] > most ? k[i] : most;
    }
    sink += (uint64_t) (int64_t) (total * 0x1p-30) + most + bytes[17];
}

int main(void)
{
    for (unsigned round = 0;; round++) {
        sort();
        digest();
        for (int i = 0; i < 20; i++)
            integers();
        strings();
        numbers();
        vectors();
        printf("%u %lx\n", round, sink);
    }
}

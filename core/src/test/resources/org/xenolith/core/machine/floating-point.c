/*
 * Prints what a C library computes with long doubles and doubles: printf, strtold, elementary functions.
 * The same static binary runs on the host and in the guest, and both must print the same bytes.
 */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Decimals that are hard to read right: ties, denormals, both ends of the range, more digits than fit. */
static const char *const decimals[] = {
    "0.1", "1e-4951", "3.6451995318824746025e-4951", "1.18973149535723176502e4932", "1e4932", "1e-4932",
    "123456789012345678901234567890", "0.30000000000000000000000000001", "9007199254740993",
    "18446744073709551615", "18446744073709551617", "2.2250738585072011e-308", "0x1.8p-16440", "-7.5", "1e5000",
};

static void show(const char *name, long double x)
{
    printf("%s %Lg %.21Lg %La %.3Lf\n", name, x, x, x, fabsl(x) < 1e30L ? x : 0.0L);
}

/* 21 digits name a long double: they must be read as the number that was printed. */
static void round_trip(const char *name, long double x)
{
    char text[64];
    snprintf(text, sizeof text, "%.21Lg", x);
    printf("%s %s %s\n", name, text, strtold(text, NULL) == x ? "same" : "DIFFERENT");
}

static void round_trips(void)
{
    for (size_t i = 0; i < sizeof decimals / sizeof *decimals; i++)
        round_trip(decimals[i], strtold(decimals[i], NULL));

    unsigned long long state = 0x9e3779b97f4a7c15ULL;
    for (int i = 0; i < 400; i++) {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        round_trip("random", ldexpl((long double)state, (int)(state >> 50) - 8192));
    }
}

static void functions(void)
{
    for (int i = -40; i <= 40; i++) {
        volatile double x = i * 0.37 + 1e-3 * i * i;
        volatile long double y = x;
        printf("%a: sin %a exp %a log %a pow %a tan %a\n", x, sin(x), exp(x), log(fabs(x) + 1e-9),
               pow(fabs(x) + 1, 1.7), tan(x));
        /* Processors may differ in the last bit of FYL2X and F2XM1: 16 of 19 digits are the library's promise. */
        printf("  sinl %.16Lg expl %.16Lg logl %.16Lg sqrtl %.21Lg\n", sinl(y), expl(y), logl(fabsl(y) + 1e-9L),
               sqrtl(fabsl(y)));
    }
}

int main(void)
{
    show("max", LDBL_MAX);
    show("min", LDBL_MIN);
    show("denormal", LDBL_MIN / 3);
    show("epsilon", LDBL_EPSILON);
    show("third", 1.0L / 3);
    show("infinity", INFINITY);
    show("zero", -0.0L);
    round_trips();
    functions();
    return 0;
}

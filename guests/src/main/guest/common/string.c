/*
 * string.c: the few functions of a C library that a small kernel needs. The compiler itself emits
 * calls to memcpy and memset, so these two must exist under these names.
 */
#include "string.h"

void *memcpy(void *to, const void *from, u64 n) {
    void *destination = to;
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
    return destination;
}

void *memset(void *to, int byte, u64 n) {
    void *destination = to;
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(byte) : "memory");
    return destination;
}

u64 strlen(const char *s) {
    const char *end = s;
    while (*end != '\0') end++;
    return end - s;
}

int streq(const char *a, const char *b) {
    while (*a != '\0' && *a == *b) a++, b++;
    return *a == *b;
}

/* What follows the prefix in s, or null when s does not begin with it. */
const char *skip_prefix(const char *s, const char *prefix) {
    while (*prefix != '\0') {
        if (*s++ != *prefix++) return 0;
    }
    return s;
}

/* A decimal number; anything else gives the second argument. */
u64 parse_number(const char *s, u64 otherwise) {
    u64 value = 0;
    if (*s == '\0') return otherwise;
    for (; *s != '\0'; s++) {
        if (*s < '0' || *s > '9') return otherwise;
        value = value * 10 + (*s - '0');
    }
    return value;
}

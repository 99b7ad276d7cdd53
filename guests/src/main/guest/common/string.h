/*
 * string.h: what string.c offers.
 */
#ifndef STRING_H
#define STRING_H

#include "xen.h"

void *memcpy(void *to, const void *from, u64 n);
void *memset(void *to, int byte, u64 n);
u64 strlen(const char *s);
int streq(const char *a, const char *b);
const char *skip_prefix(const char *s, const char *prefix);
u64 parse_number(const char *s, u64 otherwise);

#endif

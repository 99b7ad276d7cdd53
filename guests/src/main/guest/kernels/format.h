/*
 * format.h: texts with numbers in them. What is in this folder both of our kernels, lantern and hearth, use.
 */
#ifndef FORMAT_H
#define FORMAT_H

#include "xen.h"

/* Formats as printf does and gives each character to `put`: %c %s %d %u %x, with l, a width, and the flags -
 * and 0. */
void format_list(void (*put)(void *to, char c), void *to, const char *format, __builtin_va_list arguments);

/* The same into memory; what does not fit is left out, and a 0 put behind. How much it is without that. */
u64 print_to(char *to, u64 room, const char *format, ...) __attribute__((format(printf, 3, 4)));

void copy_string(char *to, const char *from, u64 room); /* what fits; a 0 always */
int same_bytes(const void *a, const void *b, u64 n);

#endif

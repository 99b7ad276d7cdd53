/*
 * hosted.h: what the protocols of hearth find instead of its kernel.h when they run in a program on
 * the machine that builds them. Given to the compiler by -include; the guard keeps the other out.
 */
#ifndef KERNEL_H
#define KERNEL_H

#include <errno.h>
#include <string.h>

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;

#define PAGE_SIZE        4096
#define NANOS_PER_MILLI  1000000ul
#define NANOS_PER_SECOND 1000000000ul

#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

void *page_alloc(void); /* zeroed */
void page_put(void *page);
void *kmalloc(u64 bytes); /* zeroed */
void kfree(void *memory);
u64 now(void);

#endif

/*
 * hosted.h: what parts of hearth find instead of its kernel.h when they run in a program on the
 * machine that builds them. Given to the compiler by -include; the guard keeps the other out.
 */
#ifndef KERNEL_H
#define KERNEL_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;

#define PAGE_SIZE        4096
#define NANOS_PER_MILLI  1000000ul
#define NANOS_PER_SECOND 1000000000ul

#define MIN(a, b)          ((a) < (b) ? (a) : (b))
#define MAX(a, b)          ((a) > (b) ? (a) : (b))
#define ROUND_UP(n, unit)  (((n) + (unit) - 1) / (unit) * (unit))
#define streq(a, b)        (strcmp(a, b) == 0)
#define SHARED(x)           (x)
#define compiler_barrier()  ((void)0)
#define full_barrier()      ((void)0)
#define S_IS(mode, type)   (((mode) & S_IFMT) == S_IF##type)

void *page_alloc(void); /* zeroed */
void page_put(void *page);
void *pages_alloc(u32 count);
void pages_put(void *first, u32 count);
void *kmalloc(u64 bytes); /* zeroed */
void kfree(void *memory);
u64 now(void);
u64 wall_clock(void);
u64 random64(void);
void printk(const char *format, ...);
void copy_string(char *to, const char *from, u64 room);

void wakeup(const void *channel);
void event_notify(u32 port);
int same_bytes(const void *a, const void *b, u64 n);

struct task;
#define current ((struct task *)0)
long wait(const void *channel, u64 deadline);
void signal_send(struct task *task, int signal);
long copy_from_user(void *to, u64 from, u64 n);
long copy_to_user(u64 to, const void *from, u64 n);

struct text;
struct file_table;
#include "../../../main/guest/hearth/vfs.h"
extern const struct file_ops socket_ops;

#endif

/*
 * kernel.h: what the parts of the kernel offer each other.
 */
#ifndef KERNEL_H
#define KERNEL_H

#include "clock.h"
#include "string.h"
#include "xen.h"

/* ---- main.c -------------------------------------------------------------------------------- */

extern struct start_info *start_info;
extern struct shared_info shared_info;
extern char _start_of_kernel[], _start_of_data[], _end_of_kernel[];

void *mfn_to_virt(u64 mfn);
void shutdown(u32 reason) __attribute__((noreturn));

/* ---- traps.c ------------------------------------------------------------------------------- */

void traps_init(void);
void provoke_page_fault(void);
void provoke_undefined_instruction(void);
void provoke_breakpoint(void);

/* ---- events.c ------------------------------------------------------------------------------ */

#define MAX_PORT 64 /* we use three; Xen would give 4,095 */
struct event_port {
    const char *name;
    void (*handler)(void); /* may be null: the wake-up alone was wanted */
    u64 count;
};
extern struct event_port event_ports[MAX_PORT];
extern u64 upcall_count;

void events_init(void);
void events_handle(void);
void events_off(void);
void events_on(void);
void event_attach(u32 port, const char *name, void (*handler)(void));
u32 event_bind_virq(u32 virq, const char *name, void (*handler)(void));
void event_notify(u32 port);
void event_poll(u32 port);
void block(void);

/* Sleeps until the condition holds; some event must announce that it may. Events stay off between
 * the look at the condition and block(), which turns them on and sleeps in one step: an event in
 * between cannot be slept through. */
#define WAIT_UNTIL(condition)   \
    do {                        \
        events_off();           \
        while (!(condition)) {  \
            block();            \
            events_off();       \
        }                       \
        events_on();            \
    } while (0)

/* ---- time.c -------------------------------------------------------------------------------- */

#define NANOS_PER_MILLI  1000000ul
#define NANOS_PER_SECOND 1000000000ul

void time_init(void);
u64 now(void);
u64 wall_clock_seconds(void);
void sleep_until(u64 deadline);
void timer_every(u64 period);

/* ---- console.c ----------------------------------------------------------------------------- */

#define END_OF_INPUT (-1)
void console_init(void);
void console_crashed(void);
int console_read(void);
int console_has_input(void);
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- xenstore.c ---------------------------------------------------------------------------- */

#define XENSTORE_PAYLOAD_MAX 4096
void xenstore_init(void);
int xenstore_ask(u32 type, const char *path, char *answer);
void xenstore_obey_shutdown(void);
int xenstore_has_news(void);
void xenstore_take_news(void);

/* ---- shell.c ------------------------------------------------------------------------------- */

void shell(void) __attribute__((noreturn));

#endif

/*
 * micro.h: what a micro-guest finds ready, so that its page of C can be about one idea.
 *
 * A micro-guest is a whole kernel: it is built with the files of this folder and of ../../common,
 * boots alone in a domain, tries something, and ends with one of four outcomes.
 */
#ifndef MICRO_H
#define MICRO_H

#include "string.h"
#include "xen.h"

/* The idea itself. It ends by one of the four outcomes; returning from it is an error. */
void micro_main(void);

/* ---- Outcomes (micro.c) -------------------------------------------------------------------- */

/*
 * Each prints one line and shuts the domain down. The number is latched as the domain's shutdown
 * code and becomes the exit status of `vmm boot`.
 */
enum outcome {
    SUCCESS = 0,  /* Xen did what the guest expected */
    FAILURE = 64, /* it did not */
    SKIP = 77,    /* this host offers too little to try */
    ERROR = 99,   /* the guest could not get as far as trying */
};

void end_with(enum outcome outcome, const char *format, ...)
        __attribute__((noreturn, format(printf, 2, 3)));
#define success(...) end_with(SUCCESS, __VA_ARGS__)
#define failure(...) end_with(FAILURE, __VA_ARGS__)
#define skip(...)    end_with(SKIP, __VA_ARGS__)
#define error(...)   end_with(ERROR, __VA_ARGS__)

/* What is being tried must hold, and what is needed for trying must work. */
#define EXPECT(condition, ...) do { if (!(condition)) failure(__VA_ARGS__); } while (0)
#define NEED(condition, ...)   do { if (!(condition)) error(__VA_ARGS__); } while (0)

extern struct start_info *start_info;
extern struct shared_info shared_info;

/* The number behind "name=" on the kernel's command line. */
u64 argument(const char *name, u64 otherwise);

/* ---- The console (console.c) --------------------------------------------------------------- */

void console_init(void);

/* Understands %c %s %d %u %x, each with l, and a width that is filled with blanks. */
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));
void print_list(const char *format, __builtin_va_list arguments);

/* ---- Memory (memory.c) --------------------------------------------------------------------- */

/* A zeroed page of our own, mapped and writable. There are 128. */
void *page_alloc(void);

/* The machine frame behind a page, and back. Pages are those that the domain builder mapped. */
u64 pfn_of(const void *page);
u64 mfn_of(const void *page);
void *virt_of(u64 mfn);

#define PTE_OF(mfn, flags) ((u64)(mfn) << 12 | (flags))
#define PTE_KERNEL         (PTE_PRESENT | PTE_WRITE | PTE_USER)
#define PTE_KERNEL_RO      (PTE_PRESENT | PTE_USER)

/* Asks Xen to change the entry that maps a page; 0 or -errno. */
long set_pte(void *page, u64 entry);

/* One mmu_update, and one mmuext_op; 0 or -errno. */
long mmu_update(u64 entry_maddr, u64 value);
long mmuext(u32 command, u64 mfn);

/* The machine address of the entry, in the level-1 table, that maps an address. */
u64 pte_maddr(const void *address);

/* ---- Traps (micro.c) ----------------------------------------------------------------------- */

#define NO_TRAP            (-1)
#define TRAP_UNDEFINED     6
#define TRAP_PROTECTION    13
#define TRAP_PAGE_FAULT    14

/* Sees each trap and each upcall before anybody else, when set; answers whether it has dealt with
 * it. */
extern int (*trap_hook)(struct registers *regs);

/* Stores, and tells which trap that raised, or NO_TRAP. */
int trap_of_store(volatile u64 *address, u64 value);
int trap_of_load(const volatile u64 *address);

/* ---- Events (events.c) --------------------------------------------------------------------- */

void events_init(void);
void events_handle(void);
void events_off(void);
void events_on(void);

/* Opens a port: from now on its events reach the handler, on the vCPU that the port is bound to.
 * Without a handler they only end WAIT_UNTIL. */
void event_listen(u32 port, void (*handler)(u32 port));
void event_send(u32 port);

/* Ports; each ends the guest with an error when Xen refuses. Those bound to a vCPU are for this
 * one. */
u32 event_alloc_unbound(u16 remote_domid);
u32 event_bind_ipi(u32 vcpu);
u32 event_bind_virq(u32 virq, u32 vcpu);

/* A port connected to another domain's unbound one; or a negative error number. */
long event_bind_interdomain(u16 remote_domid, u32 remote_port);

#define NANOS_PER_MILLI  1000000ul
#define NANOS_PER_SECOND 1000000000ul
u64 now(void);

/* When whoever waits for somebody else, from now on, gives up: patience=MILLIS on the command line. */
u64 give_up_at(void);
void sleep_until_event(u64 deadline);

/* Sleeps until the condition holds; some event must announce that it may. Events stay off between
 * the look at the condition and the sleep, which turns them on in one step: an event in between
 * cannot be slept through. Whoever waits in vain has failed. */
#define WAIT_UNTIL(condition, ...)                      \
    do {                                                \
        u64 deadline_ = give_up_at();                    \
        events_off();                                   \
        while (!(condition)) {                          \
            if (now() > deadline_) failure(__VA_ARGS__); \
            sleep_until_event(deadline_);               \
            events_off();                               \
        }                                               \
        events_on();                                    \
    } while (0)

/* ---- Other processors (vcpu.c) ------------------------------------------------------------- */

#define MAX_VCPUS 4
u32 this_vcpu(void);

/* Starts a vCPU at a function, on a stack of its own and with events off; 0 or -errno. */
long vcpu_start(u32 vcpu, void (*function)(void));

/* ---- Grants (grant.c) ---------------------------------------------------------------------- */

/* Our grant table, once grants_init has asked Xen for it. References below 8 are reserved. */
#define FIRST_FREE_GRANT 8
extern struct grant_entry *grant_table;
void grants_init(void);

/* Lets a domain use a page; flags may be GTF_readonly. */
void grant(u32 ref, u16 domid, const void *page, u16 flags);

/* Takes it back: 1, or 0 while the other one has the page mapped. */
int grant_end(u32 ref);

/* Maps another's page in the place of a page of ours; the answer is the status, GNTST_... */
short grant_map(void *page, u16 domid, u32 ref, u32 flags, u32 *handle);
short grant_unmap(void *page, u32 handle);

/* ---- xenstore (store.c) -------------------------------------------------------------------- */

/* Paths without a slash in front are below /local/domain/OUR-ID. */
#define STORE_PAYLOAD_MAX 4096
void store_init(void);

/* The value of a node, valid until the next question; null when there is none. */
const char *store_read(const char *path);
u64 store_read_number(const char *path, u64 otherwise);

/* The number is written as decimal digits. Ends the guest with an error when refused. */
void store_write(const char *path, const char *value);
void store_write_number(const char *path, u64 value);

/* Our own number. */
u16 own_domid(void);

/* ---- Devices (device.c) -------------------------------------------------------------------- */

/* XenbusState, public/io/xenbus.h. */
#define XENBUS_INIT_WAIT   2
#define XENBUS_INITIALISED 3
#define XENBUS_CONNECTED   4
#define XENBUS_CLOSING     5
#define XENBUS_CLOSED      6

/* Our half of a device is described below folder, such as "device/vbd/51712". Skips when there is
 * no such device. */
void device_find(const char *folder);
void device_write(const char *name, u64 value);
u64 device_backend_read(const char *name, u64 otherwise);

/* Says which state we are in, and waits until the backend is in another. */
void device_switch(u64 state, u64 awaited);

#endif

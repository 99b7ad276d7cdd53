/* kernel.h: what the parts of the kernel offer each other. README.md says in which order to read the rest. */
#ifndef KERNEL_H
#define KERNEL_H
#include "xen.h"
#include "string.h"
#include "format.h"
#include "linux.h"

#define ARRAY_SIZE(array)   (sizeof(array) / sizeof((array)[0]))
#define ROUND_UP(n, unit)   (((n) + (unit) - 1) / (unit) * (unit))
#define ROUND_DOWN(n, unit) ((n) / (unit) * (unit))
#define MIN(a, b)           ((a) < (b) ? (a) : (b))
#define MAX(a, b)           ((a) > (b) ? (a) : (b))
/* Functions that can fail return a long: negative numbers are -errno, as in Linux. */
/* ---- main.c, trap.c ----------------------------------------------------------------------------------- */
extern struct start_info *start_info;
extern struct shared_info shared_info;
extern char _start_of_kernel[];
void shutdown(u32 reason) __attribute__((noreturn));
void power_off(u32 reason) __attribute__((noreturn)); /* the same, after files are on their disks */
/* Our own mistake, or the host's: says so and ends the domain with reason crash. */
#define panic(format, ...) (printk("hearth: panic: " format "\n", ##__VA_ARGS__), shutdown(SHUTDOWN_crash))
const char *boot_option(const char *name); /* the value of NAME=value on the command line (up to a space) */
void traps_init(void); /* once on each vCPU */
void leave_kernel(struct registers *registers);
#define MAX_VCPUS 2
extern struct cpu {
    u32 id, ipi_port;  /* sending to the port wakes this vCPU */
    struct task *idle; /* runs when nobody else wants to */
    struct vcpu_info *info;
    u64 timer;         /* for when Xen's timer is set; 0: not at all */
    u64 slice_end;     /* when the running task has had its turn */
    int sleeps;        /* in idle() */
} cpus[MAX_VCPUS];
extern u32 cpu_count;

/* The big kernel lock: whoever runs kernel code holds it, but for the few instructions around sleeping in Xen
 * and going to a process. So kernel code need not think of the other vCPU; it must think of it only where it
 * sleeps. Events are masked in the kernel, so it need not think of interrupts either. */
void lock_kernel(void), unlock_kernel(void);
/* ---- tty.c -------------------------------------------------------------------------------------------- */
void printk(const char *format, ...) __attribute__((format(printf, 1, 2)));
void console_init(void);
void console_put_all(const char *bytes, u64 n); /* for those who cannot sleep */
void console_flush(void);                       /* tells the backend */
extern const struct file_ops tty_ops, socket_ops;
/* ---- page.c ------------------------------------------------------------------------------------------- */
/* All memory is mapped one to one at VIRT_BASE: a page's address there is its name in the kernel. */
static inline u64 virt_to_pfn(const void *address) { return ((u64)address - VIRT_BASE) / PAGE_SIZE; }
static inline void *pfn_to_virt(u64 pfn) { return (void *)(VIRT_BASE + pfn * PAGE_SIZE); }
static inline void *mfn_to_virt(u64 mfn) { return pfn_to_virt(MACH2PHYS[mfn]); }
u64 virt_to_mfn(const void *address);
void pages_init(void);
extern u64 pages_total, pages_free, pages_limit; /* now, of these free, and at most */
void *page_alloc(void);                /* zeroed, as all memory; null when it is used up */
void *pages_alloc(u32 count);          /* contiguous for us (not for the machine), aligned to their length */
void pages_put(void *first, u32 count);
void page_get(void *page), page_put(void *page); /* one user more, or less: the last one frees it */
u32 page_users(void *page);
void page_set_writable(void *page, int writable); /* in the linear map; tables must not be */
void pages_free_range(u64 from, u64 to);          /* virtual; memory of the boot, used up */
long page_give_up(void), page_ask_for(void); /* a free page to Xen, or one back; -ENOMEM: there is none */
void *kmalloc(u64 size);               /* up to half a page; null when memory is used up */
void kfree(void *object);
void map_frame_over(void *variable, u64 mfn); /* a frame that is not ours, in the place of one of our image */
/* ---- space.c: address spaces -------------------------------------------------------------------------- */
struct area { /* a stretch of a process's addresses: all of one kind */
    struct area *next;    /* ascending */
    u64 start, end;
    u32 prot, flags;      /* PROT_..., MAP_... */
    struct inode *inode;  /* contents come from here; null: zeroes */
    u64 offset, file_end; /* in the file: of start, and beyond which there are zeroes */
};
struct space {
    int pinned;        /* Xen knows the tables: changes by hypercall only */
    u64 *root;         /* L4 table */
    struct area *areas;
    u64 brk_start, brk, resident;
    u64 arguments, arguments_end; /* where argv's strings lie, for ps */
    char program[128];
};
#define USER_END     0x7ffffff000ul  /* the first slot of the L4 table: 512 GiB */
enum { ACCESS_READ = 1, ACCESS_WRITE = 2, ACCESS_EXEC = 4 };
struct space *space_new(void), *space_clone(struct space *from);
void space_pin(struct space *space), space_free(struct space *space);
int is_running(struct inode *inode);
long space_fault(struct space *space, u64 address, u32 access);    /* -EFAULT, -ENOMEM */
long space_map(struct space *space, struct area *like, int fixed); /* address */
/* A process's memory; `user` means the running one's. */
long copy_from_space(struct space *space, void *to, u64 from, u64 n);
long copy_to_space(struct space *space, u64 to, const void *from, u64 n);
long copy_from_user(void *to, u64 from, u64 n);
long copy_to_user(u64 to, const void *from, u64 n);
long string_from_user(char *to, u64 from, u64 room); /* length, -ENAMETOOLONG */
/* ---- task.c: processes and kernel threads ------------------------------------------------------------- */
#define MAX_FILES 64
enum task_state { RUNNABLE, SLEEPING, ZOMBIE };
struct task {
    u64 stack_pointer; /* while it does not run; doors.S knows this place */
    struct task *next, *next_to_run; /* the former of all tasks */
    enum task_state state;
    const void *channel; /* what it sleeps for */
    u64 deadline;        /* when it wakes in any case; 0: never */
    struct cpu *cpu;     /* where it runs; null when it does not */
    char name[16];
    int pid, group, exit_status;
    struct task *parent;
    struct space *space;     /* null: a kernel thread, or dead */
    u64 fs_base;
    struct inode *directory; /* where paths begin; null: at the root */
    struct file *files[MAX_FILES];
    u64 close_on_exec;       /* a bit each */
    u64 signals_pending, signals_blocked, saved_blocked;
    int restore_blocked;     /* sigsuspend: take saved_blocked when going back */
    struct sigaction action[NSIG - 1]; /* signal 1 first */
    u64 alarm;               /* when SIGALRM comes; 0: never */
    u64 fault_address, started, user_time, entered; /* the latter three in ns */
    u8 fpu[512] __attribute__((aligned(16)));
};

/* A task lies at the bottom of its stack, so the stack pointer leads to the task that runs. */
#define STACK_SIZE (4 * PAGE_SIZE)
#define current    (this_task())
static inline struct task *this_task(void) {
    u64 rsp;
    __asm__("mov %%rsp, %0" : "=r"(rsp));
    return (struct task *)(rsp & -(u64)STACK_SIZE);
}
static inline struct registers *task_registers(struct task *task) {
    return (struct registers *)((u64)task + STACK_SIZE) - 1;
}
extern struct task *tasks;
void tasks_init(void (*first)(void *)) __attribute__((noreturn)); /* on vCPU 0's idle task */
struct task *idle_task(u32 cpu, void (*run)(void *));
void kthread(const char *name, void (*run)(void *), void *argument);
struct task *task_by_pid(int pid);
void task_load(struct task *task); /* tells Xen its page tables and segment base */
void fpu_reset(struct task *task), fpu_save(struct task *task), fpu_load(struct task *task);
void schedule(void);
void idle(void) __attribute__((noreturn)); /* what a vCPU does when nobody wants to run */
int tasks_wait_to_run(void);
int kernel_work(void); /* takes events; whether the running task should give way */
void do_exit(int status) __attribute__((noreturn));
/* Sleeps until wakeup(channel); what it waits for must be looked at again afterwards. Ends with -EINTR by a
 * signal, and with -ETIMEDOUT at the deadline (of now(); 0: none). poll_wait() ends at every wakeup. */
long wait(const void *channel, u64 deadline);
long poll_wait(u64 deadline);
void sleep_until(u64 deadline);
void wakeup(const void *channel), wake_task(struct task *task);
/* ---- exec.c, signal.c, syscall.c ---------------------------------------------------------------------- */
void start_init(void) __attribute__((noreturn));
u64 signal_waiting(struct task *task); /* which, a bit each */
int is_signal_ignored(struct task *task, int signal);
void signal_send(struct task *task, int signal);
long signal_send_group(int group, int signal);
void signal_fault(int signal, u64 address); /* the running process did something wrong */
void signals_deliver(struct registers *registers), signals_reset(void);
#define SYSTEM_CALL 257 /* the vector that doors.S gives it */
#define ERESTART    512 /* a result that no process sees: a signal came first; call again, or -EINTR */
void system_call(struct registers *registers);
long sys_clone(u64 flags, u64 stack, u64 parent_tid, u64 child_tid), sys_close(u64 fd), sys_sync(void);

#include "vfs.h"
/* ---- event.c ------------------------------------------------------------------------------------------ */
void events_init(void), events_off(void);
void events_handle(void); /* takes what is pending on this vCPU; events masked */
void event_attach(u32 port, void (*handler)(void *), void *argument); /* a port that is there */
void event_bind_virq(u32 virq, u32 cpu, void (*handler)(void *), void *argument);
u32 event_bind_ipi(u32 cpu);
/* A port on which the given domain may bind; handlers run with the lock held and may not sleep. */
long event_alloc(u16 remote_domain, void (*handler)(void *), void *argument);
void event_notify(u32 port);
#define NANOS_PER_MICRO  1000ul
#define NANOS_PER_MILLI  1000000ul
#define NANOS_PER_SECOND 1000000000ul
void time_init(void);     /* once on each vCPU */
u64 now(void), uptime(void), wall_clock(void); /* ns since Xen started, since our start, since 1970 */
u64 random64(void);       /* not for secrets */
void timer_expect(u64 deadline); /* some task's; 0: none */
void timer_program(void); /* makes Xen call this vCPU when there will be work */
void slice_begin(void);   /* the running task has its turn from now on */
/* ---- xenstore.c, grant.c, balloon.c, net.c ------------------------------------------------------------ */
/* From the first kernel thread; they start what else they need. */
void xenstore_init(void), grants_init(void), balloon_init(void), network_init(void);
void disks_init(void);
#endif

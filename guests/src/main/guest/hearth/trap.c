/*
 * trap.c: whatever brings a vCPU into the kernel, and the way out. See handle_trap first.
 */
#include "kernel.h"

#define SYSTEM_CALL 257 /* doors.S */

#define DIVIDE_ERROR   0
#define DEBUG          1
#define BREAKPOINT     3
#define OVERFLOW       4
#define UNDEFINED      6
#define PAGE_FAULT     14
#define FPU_ERROR      16
#define ALIGNMENT      17
#define SIMD_ERROR     19

/* Bits of a page fault's error code, as in the processor manual. */
#define FAULT_WRITE 2
#define FAULT_FETCH 16

extern struct trap_info trap_table[]; /* ../common/entry.S */
extern char syscall_entry[], event_upcall[];

void traps_init(void) {
    struct callback_register event = {.type = CALLBACKTYPE_event, .address = (u64)event_upcall};
    struct callback_register syscall = {.type = CALLBACKTYPE_syscall,
        .flags = CALLBACKF_mask_events, .address = (u64)syscall_entry};
    HYPERCALL(set_trap_table, trap_table, 0);
    HYPERCALL(callback_op, CALLBACKOP_register, &event);
    HYPERCALL(callback_op, CALLBACKOP_register, &syscall);
}

/* ---- When the kernel itself is wrong ---------------------------------------------------------- */

static int crashing;

/* Follows the chain of saved RBPs; the compiler is told to keep it (-fno-omit-frame-pointer). */
static void print_backtrace(u64 frame) {
    u64 top = ROUND_UP(frame + 1, STACK_SIZE);
    printk("  called from ");
    while (frame >= VIRT_BASE && frame % 8 == 0 && frame < top - 8) {
        const u64 *saved = (const u64 *)frame;
        printk(" %016lx", saved[1]);
        if (saved[0] <= frame) break; /* callers' frames lie higher, or the chain is broken */
        frame = saved[0];
    }
    printk("\n");
}

static void print_registers(const struct registers *regs) {
    printk("  rip %016lx  rsp %016lx  rflags %08lx  cs %04lx\n",
           regs->rip, regs->rsp, regs->rflags, regs->cs & 0xffff);
    printk("  rax %016lx  rbx %016lx  rcx %016lx  rdx %016lx\n",
           regs->rax, regs->rbx, regs->rcx, regs->rdx);
    printk("  rsi %016lx  rdi %016lx  rbp %016lx  r8  %016lx\n",
           regs->rsi, regs->rdi, regs->rbp, regs->r8);
    printk("  r9  %016lx  r10 %016lx  r11 %016lx  r12 %016lx\n",
           regs->r9, regs->r10, regs->r11, regs->r12);
    printk("  r13 %016lx  r14 %016lx  r15 %016lx\n", regs->r13, regs->r14, regs->r15);
}

void panic(const char *format, ...) {
    __builtin_va_list arguments;
    if (crashing++) console_crashed(); /* the report itself failed: say as little as possible */
    printk("hearth: panic: ");
    __builtin_va_start(arguments, format);
    print_list(format, arguments);
    __builtin_va_end(arguments);
    printk("\n");
    if (crashing < 3) print_backtrace((u64)__builtin_frame_address(0));
    shutdown(SHUTDOWN_crash);
}

static void kernel_fault(const struct registers *regs, u64 address) {
    if (crashing++ == 0) {
        printk("hearth: exception %lu in the kernel, error code %lx, address %016lx\n",
               regs->vector, regs->error_code, address);
        print_registers(regs);
        print_backtrace(regs->rbp);
    } else {
        console_crashed();
        printk("hearth: exception %lu at %016lx while reporting a crash\n", regs->vector, regs->rip);
    }
    shutdown(SHUTDOWN_crash);
}

/* ---- When a process is ------------------------------------------------------------------------ */

static void page_fault(struct registers *regs, u64 address) {
    u32 access = regs->error_code & FAULT_WRITE ? ACCESS_WRITE
                 : regs->error_code & FAULT_FETCH ? ACCESS_EXEC : ACCESS_READ;
    long error = space_fault(current->space, address, access);
    if (error == -ENOMEM) {
        printk("hearth: out of memory; process %d (%s) is killed\n", current->pid, current->name);
        signal_send(current, SIGKILL);
    } else if (error != 0) {
        signal_fault(SIGSEGV, address);
    }
}

static void process_fault(struct registers *regs, u64 address) {
    switch (regs->vector) {
    case PAGE_FAULT:
        page_fault(regs, address);
        break;
    case DIVIDE_ERROR: case OVERFLOW: case FPU_ERROR: case SIMD_ERROR:
        signal_fault(SIGFPE, regs->rip);
        break;
    case DEBUG: case BREAKPOINT:
        signal_fault(SIGTRAP, regs->rip);
        break;
    case UNDEFINED:
        signal_fault(SIGILL, regs->rip);
        break;
    case ALIGNMENT:
        signal_fault(SIGBUS, regs->rip);
        break;
    default:
        signal_fault(SIGSEGV, 0);
    }
}

/* ---- In and out -------------------------------------------------------------------------------- */

/* The last thing on the way to a process: whatever came up meanwhile is done here. */
void leave_kernel(struct registers *regs) {
    do {
        if (kernel_work()) schedule();
        signals_deliver(regs);
    } while (signal_waiting(current) || kernel_work());
    timer_program();
    current->entered = now();
    unlock_kernel();
}

/* Called by enter_c in entry.S, always with events masked. From here the way leads back to
 * enter_c, which restores the registers, changed or not. */
void handle_trap(struct registers *regs) {
    int from_process = (regs->cs & 3) == 3;
    /* Read before anything can sleep: the next fault on this vCPU overwrites it. */
    u64 address = current->cpu->info->cr2;

    if (!from_process && regs->vector != EVENT_UPCALL) kernel_fault(regs, address);
    lock_kernel(); /* in the kernel only idle() has events on, and it has let the lock go */
    if (from_process) current->user_time += now() - current->entered;
    if (regs->vector == EVENT_UPCALL) {
        events_handle();
    } else if (regs->vector == SYSTEM_CALL) {
        system_call(regs);
    } else {
        process_fault(regs, address);
    }
    if (from_process) {
        leave_kernel(regs);
    } else {
        unlock_kernel();
    }
}

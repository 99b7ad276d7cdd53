/* trap.c: whatever brings a vCPU into the kernel, and the way out. See handle_trap first. */
#include "kernel.h"
#define PAGE_FAULT  14
#define FAULT_WRITE 2 /* bits of its error code */
#define FAULT_FETCH 16

extern struct trap_info trap_table[]; /* ../common/entry.S */
extern char syscall_entry[], event_upcall[];

void traps_init(void) {
    struct callback_register event = {.type = CALLBACKTYPE_event, .address = (u64)event_upcall};
    struct callback_register syscall = {.type = CALLBACKTYPE_syscall, .flags = CALLBACKF_mask_events,
                                        .address = (u64)syscall_entry};
    HYPERCALL(set_trap_table, trap_table, 0);
    HYPERCALL(callback_op, CALLBACKOP_register, &event);
    HYPERCALL(callback_op, CALLBACKOP_register, &syscall);
}

static void process_fault(struct registers *regs, u64 address) {
    static const u8 signals[20] = { /* by the vector */
        SIGFPE, SIGTRAP, 0, SIGTRAP, SIGFPE, SIGSEGV, SIGILL, SIGSEGV, [10] = SIGSEGV, SIGSEGV, SIGSEGV,
        SIGSEGV, [16] = SIGFPE, SIGBUS, [19] = SIGFPE};
    u32 access = regs->error_code & FAULT_WRITE ? ACCESS_WRITE
                 : regs->error_code & FAULT_FETCH ? ACCESS_EXEC : ACCESS_READ;
    long error = regs->vector == PAGE_FAULT ? space_fault(current->space, address, access) : 0;
    if (regs->vector != PAGE_FAULT) {
        signal_fault(signals[regs->vector], regs->rip);
    } else if (error == -ENOMEM) {
        printk("hearth: out of memory; process %d (%s) is killed\n", current->pid, current->name);
        signal_send(current, SIGKILL);
    } else if (error != 0) {
        signal_fault(SIGSEGV, address);
    }
}

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

/* Called by enter_c in entry.S, always with events masked. From here the way leads back to enter_c, which
 * restores the registers, changed or not. */
void handle_trap(struct registers *regs) {
    int from_process = (regs->cs & 3) == 3;
    /* Read before anything can sleep: the next fault on this vCPU overwrites it. */
    u64 address = current->cpu->info->cr2;

    if (!from_process && regs->vector != EVENT_UPCALL) {
        panic("exception %lu in the kernel, error code %lx, rip %lx, address %lx", regs->vector,
              regs->error_code, regs->rip, address);
    }
    lock_kernel(); /* in the kernel only idle() has events on, and it has let the lock go */
    if (from_process) current->user_time += now() - current->entered;
    if (regs->vector == EVENT_UPCALL) events_handle();
    else if (regs->vector == SYSTEM_CALL) system_call(regs);
    else process_fault(regs, address);
    if (from_process) leave_kernel(regs);
    else unlock_kernel();
}

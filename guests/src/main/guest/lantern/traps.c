/*
 * traps.c: exceptions of the processor, which Xen passes on to us.
 */
#include "kernel.h"

#define BREAKPOINT 3
#define PAGE_FAULT 14

/* Bits of a page fault's error code, as in the processor manual. */
#define FAULT_PRESENT 1
#define FAULT_WRITE   2
#define FAULT_FETCH   16

extern struct trap_info trap_table[]; /* entry.S */
extern char stack_bottom[], stack_top[];

static const char *const names[20] = {
    [0] = "#DE divide error",  [1] = "#DB debug",
    [3] = "#BP breakpoint",    [4] = "#OF overflow",
    [5] = "#BR bound",         [6] = "#UD undefined instruction",
    [7] = "#NM no floating point", [10] = "#TS invalid task state",
    [11] = "#NP segment not present", [12] = "#SS stack fault",
    [13] = "#GP general protection", [14] = "#PF page fault",
    [16] = "#MF floating point", [17] = "#AC alignment",
    [19] = "#XM SIMD floating point",
};

void traps_init(void) {
    HYPERCALL(set_trap_table, trap_table, 0);
}

/* Follows the chain of saved RBPs; the compiler is told to keep it (-fno-omit-frame-pointer). */
static void print_backtrace(const struct registers *regs) {
    u64 frame = regs->rbp;
    print("  called from ");
    while (frame >= (u64)stack_bottom && frame < (u64)stack_top - 8) {
        const u64 *saved = (const u64 *)frame;
        print(" %016lx", saved[1]);
        if (saved[0] <= frame) break; /* callers' frames lie higher, or the chain is broken */
        frame = saved[0];
    }
    print("\n");
}

static void print_registers(const struct registers *regs) {
    print("  rip %016lx  rsp %016lx  rflags %08lx  cs %04lx\n",
          regs->rip, regs->rsp, regs->rflags, regs->cs & 0xffff);
    print("  rax %016lx  rbx %016lx  rcx %016lx\n", regs->rax, regs->rbx, regs->rcx);
    print("  rdx %016lx  rsi %016lx  rdi %016lx\n", regs->rdx, regs->rsi, regs->rdi);
    print("  rbp %016lx  r8  %016lx  r9  %016lx\n", regs->rbp, regs->r8, regs->r9);
    print("  r10 %016lx  r11 %016lx  r12 %016lx\n", regs->r10, regs->r11, regs->r12);
    print("  r13 %016lx  r14 %016lx  r15 %016lx\n", regs->r13, regs->r14, regs->r15);
}

static void print_trap(const struct registers *regs) {
    print("\n%s, error code %lx\n", names[regs->vector], regs->error_code);
    if (regs->vector == PAGE_FAULT) {
        /* A native kernel reads register CR2. Xen took the fault, so Xen saved it for us. */
        print("  %s of %016lx, which is %s\n",
              regs->error_code & FAULT_FETCH ? "fetch"
              : regs->error_code & FAULT_WRITE ? "write" : "read",
              shared_info.vcpu_info[0].cr2,
              regs->error_code & FAULT_PRESENT ? "protected" : "not mapped");
    }
    print_registers(regs);
    print_backtrace(regs);
}

/* Called by enter_c in entry.S, always with events masked. */
void handle_trap(struct registers *regs) {
    static int crashing;

    if (regs->vector == EVENT_UPCALL) {
        events_handle();
        return;
    }
    if (crashing++) {
        /* The report itself failed. Give up the ring and say as little as possible. */
        console_crashed();
        print("lantern: %s at %016lx while reporting a crash\n",
              names[regs->vector], regs->rip);
        shutdown(SHUTDOWN_crash);
    }
    print_trap(regs);
    if (regs->vector == BREAKPOINT) {
        crashing = 0;
        print("  a breakpoint is a trap: rip is behind it, and we go on there\n");
        return;
    }
    print("lantern: this kernel cannot go on; asking Xen for shutdown, reason crash\n");
    shutdown(SHUTDOWN_crash);
}

/* ---- Faults for the shell's command "crash" ------------------------------------------------ */

void provoke_page_fault(void) {
    u64 nowhere = 0xdead000;
    __asm__ volatile("movb $1, (%0)" : : "r"(nowhere) : "memory");
}

void provoke_undefined_instruction(void) {
    __asm__ volatile("ud2");
}

void provoke_breakpoint(void) {
    __asm__ volatile("int3");
}

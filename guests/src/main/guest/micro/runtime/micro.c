/*
 * micro.c: from the first C statement to the outcome.
 */
#include "micro.h"

extern struct trap_info trap_table[]; /* entry.S */
extern const char guest_name[];

struct start_info *start_info;

/* Xen's page, in the place of this variable: see map_shared_info. */
struct shared_info shared_info __attribute__((aligned(PAGE_SIZE)));

/* ---- Outcomes ------------------------------------------------------------------------------ */

static const char *name_of(enum outcome outcome) {
    switch (outcome) {
    case SUCCESS: return "success";
    case FAILURE: return "failure";
    case SKIP: return "skip";
    case ERROR: return "error";
    }
    return "?";
}

void end_with(enum outcome outcome, const char *format, ...) {
    struct sched_shutdown code = {.reason = outcome};
    struct sched_shutdown poweroff = {.reason = SHUTDOWN_poweroff};
    __builtin_va_list arguments;

    print("%s: %s: ", guest_name, name_of(outcome));
    __builtin_va_start(arguments, format);
    print_list(format, arguments);
    __builtin_va_end(arguments);
    print("\n");
    /* A domain that switches itself off tells a reason. The ABI knows six; a code that was latched
     * before takes the place of any of them, and is reported to whoever started the domain. */
    if (outcome != SUCCESS) HYPERCALL(sched_op, SCHEDOP_shutdown_code, &code);
    HYPERCALL(sched_op, SCHEDOP_shutdown, &poweroff);
    for (;;) __asm__ volatile("ud2"); /* not reached: the domain is gone */
}

u64 argument(const char *name, u64 otherwise) {
    for (const char *at = start_info->cmd_line; *at != '\0'; at++) {
        const char *value = skip_prefix(at, name);
        if ((at == start_info->cmd_line || at[-1] == ' ') && value != 0 && *value == '=') {
            u64 number = 0;
            for (value++; *value >= '0' && *value <= '9'; value++) {
                number = number * 10 + (*value - '0');
            }
            return number;
        }
    }
    return otherwise;
}

/* ---- Traps --------------------------------------------------------------------------------- */

int (*trap_hook)(struct registers *regs);

/* Where an access that may fault wants to go on, and what became of it. */
static u64 resume_at;
static int trapped;

/* Called by enter_c in entry.S, always with events masked. */
void handle_trap(struct registers *regs) {
    if (trap_hook != 0 && trap_hook(regs)) return;
    if (regs->vector == EVENT_UPCALL) {
        events_handle();
        return;
    }
    if (resume_at == 0) {
        failure("unexpected trap %lu, error code %lx, at rip %lx, address %lx",
                regs->vector, regs->error_code, regs->rip, shared_info.vcpu_info[0].cr2);
    }
    trapped = regs->vector;
    regs->rip = resume_at;
}

#define TRAP_OF(access, ...)                                         \
    trapped = NO_TRAP;                                               \
    __asm__ volatile("movq $1f, %[resume]\n\t" access "\n1:\n\t"     \
                     "movq $0, %[resume]"                            \
                     : [resume] "=m"(resume_at), "+m"(trapped)       \
                     : __VA_ARGS__                                   \
                     : "memory", "rax");                             \
    return SHARED(trapped)

int trap_of_store(volatile u64 *address, u64 value) {
    TRAP_OF("movq %[value], (%[address])", [address] "r"(address), [value] "r"(value));
}

int trap_of_load(const volatile u64 *address) {
    TRAP_OF("movq (%[address]), %%rax", [address] "r"(address));
}

/* ---- The start ----------------------------------------------------------------------------- */

/* The page is known by its machine address only. We let a variable's page table entry point to it;
 * the frame that was behind the variable is forgotten. */
static void map_shared_info(void) {
    u64 entry = start_info->shared_info | PTE_KERNEL;
    if (set_pte(&shared_info, entry) != 0) error("Xen's shared page cannot be mapped");
}

/* Called by start in entry.S with the address that Xen passed in RSI. */
void kernel_main(struct start_info *info) {
    start_info = info;
    console_init();
    HYPERCALL(set_trap_table, trap_table, 0);
    map_shared_info();
    events_init();
    store_init();
    events_on();
    micro_main();
    error("the guest ended without an outcome");
}

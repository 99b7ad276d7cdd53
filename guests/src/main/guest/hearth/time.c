/*
 * time.c: a clock that is a multiplication (lantern's time.c explains it), and deadlines that share the one
 * event which Xen sends at a time of our choice.
 */
#include "kernel.h"

#define SLICE (10 * NANOS_PER_MILLI) /* how long a process may run while others wait */

static u64 booted;
static u64 earliest; /* of all deadlines of tasks; 0: there is none. It may be too early, never too late */

u64 now(void) {
    struct vcpu_time_info *time = &current->cpu->info->time;
    u64 nanos;
    u32 version;
    /* Xen makes the version odd, changes the fields, makes it even. If we saw an odd number or two different
     * ones, we read a mixture: again. */
    do {
        version = SHARED(time->version);
        compiler_barrier();
        u64 delta = __builtin_ia32_rdtsc() - time->tsc_timestamp;
        delta = time->tsc_shift >= 0 ? delta << time->tsc_shift : delta >> -time->tsc_shift;
        nanos = time->system_time + (u64)((unsigned __int128)delta * time->tsc_to_system_mul >> 32);
        compiler_barrier();
    } while (version & 1 || version != SHARED(time->version));
    return nanos;
}

u64 uptime(void) { return now() - booted; }

u64 wall_clock(void) {
    u64 nanos;
    u32 version;
    do {
        version = SHARED(shared_info.wc_version);
        compiler_barrier();
        nanos = ((u64)shared_info.wc_sec_hi << 32 | shared_info.wc_sec) * NANOS_PER_SECOND
                + shared_info.wc_nsec;
        compiler_barrier();
    } while (version & 1 || version != SHARED(shared_info.wc_version));
    return nanos + now();
}

/* Not for secrets: numbers that a stranger on the network has no way to know. */
u64 random64(void) {
    static u64 state;
    state = (state ^ wall_clock() ^ now() << 32) * 0x2545f4914f6cdd1d;
    return state ^= state >> 29;
}

/* ---- Deadlines ---------------------------------------------------------------------------------------- */
void timer_expect(u64 deadline) {
    if (deadline != 0 && (earliest == 0 || deadline < earliest)) earliest = deadline;
}

/* Handles VIRQ_TIMER: each task has at most two deadlines, for its sleep and for SIGALRM. */
static void timer_fired(void *cpu) {
    u64 time = now();
    ((struct cpu *)cpu)->timer = 0;
    earliest = 0;
    for (struct task *task = tasks; task != 0; task = task->next) {
        if (task->alarm != 0 && task->alarm <= time) {
            task->alarm = 0;
            signal_send(task, SIGALRM);
        }
        if (task->deadline != 0 && task->deadline <= time) wake_task(task);
        else timer_expect(task->deadline);
        timer_expect(task->alarm);
    }
}

/* Before this vCPU leaves the kernel or sleeps: makes Xen call when there will be work. */
void timer_program(void) {
    struct cpu *cpu = current->cpu;
    u64 wanted = earliest;
    if (tasks_wait_to_run() && (wanted == 0 || cpu->slice_end < wanted)) wanted = cpu->slice_end;
    /* One that fires too early does no harm, and costs less than to be set anew. */
    if (wanted == 0 || (cpu->timer != 0 && cpu->timer <= wanted)) return;
    struct vcpu_set_singleshot_timer timer = {.timeout_abs_ns = cpu->timer = wanted};
    hypercall(HYPERCALL_vcpu_op, VCPUOP_set_singleshot_timer, cpu->id, (u64)&timer, 0);
}

void slice_begin(void) { current->cpu->slice_end = now() + SLICE; }

void time_init(void) {
    hypercall(HYPERCALL_vcpu_op, VCPUOP_stop_periodic_timer, current->cpu->id, 0, 0);
    event_bind_virq(VIRQ_TIMER, current->cpu->id, timer_fired, current->cpu);
    if (booted == 0) booted = now();
}

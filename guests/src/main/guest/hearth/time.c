/*
 * time.c: a clock that is a multiplication (lantern's time.c explains it), and timers that share the
 * one event that Xen sends at a time of our choice.
 */
#include "kernel.h"

#define SLICE (10 * NANOS_PER_MILLI) /* how long a process may run while others wait */

static struct timer *timers; /* the next one first */
static u64 booted;

static u64 read_tsc(void) {
    u32 low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (u64)high << 32 | low;
}

u64 now(void) {
    struct vcpu_time_info *time = &current->cpu->info->time;
    u64 nanos;
    u32 version;
    /* Xen makes the version odd, changes the fields, makes it even. If we saw an odd number or two
     * different ones, we read a mixture: again. */
    do {
        version = SHARED(time->version);
        compiler_barrier();
        u64 delta = read_tsc() - time->tsc_timestamp;
        delta = time->tsc_shift >= 0 ? delta << time->tsc_shift : delta >> -time->tsc_shift;
        nanos = time->system_time
                + (u64)((unsigned __int128)delta * time->tsc_to_system_mul >> 32);
        compiler_barrier();
    } while (version & 1 || version != SHARED(time->version));
    return nanos;
}

u64 uptime(void) {
    return now() - booted;
}

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

/* ---- Timers ---------------------------------------------------------------------------------- */

void timer_cancel(struct timer *timer) {
    for (struct timer **at = &timers; *at != 0; at = &(*at)->next) {
        if (*at == timer) {
            *at = timer->next;
            return;
        }
    }
}

void timer_set(struct timer *timer, u64 deadline) {
    struct timer **at = &timers;
    timer_cancel(timer);
    while (*at != 0 && (*at)->deadline <= deadline) at = &(*at)->next;
    timer->deadline = deadline;
    timer->next = *at;
    *at = timer;
}

void timers_run(void) {
    while (timers != 0 && timers->deadline <= now()) {
        struct timer *timer = timers;
        timers = timer->next;
        timer->run(timer->argument);
    }
}

/* The upcall of VIRQ_TIMER. */
static void timer_fired(void *cpu) {
    ((struct cpu *)cpu)->timer = 0;
    timers_run();
}

static void timer_at(u64 deadline) {
    struct vcpu_set_singleshot_timer timer = {.timeout_abs_ns = deadline};
    struct cpu *cpu = current->cpu;
    cpu->timer = deadline;
    hypercall(HYPERCALL_vcpu_op,
              deadline == 0 ? VCPUOP_stop_singleshot_timer : VCPUOP_set_singleshot_timer,
              cpu->id, (u64)&timer, 0);
}

/* Whether another vCPU's timer comes early enough already. */
static int is_covered(u64 deadline) {
    for (u32 i = 0; i < cpu_count; i++) {
        if (&cpus[i] != current->cpu && cpus[i].timer != 0 && cpus[i].timer <= deadline) return 1;
    }
    return 0;
}

/* Before this vCPU leaves the kernel or sleeps: makes Xen call when there will be work. */
void timer_program(void) {
    u64 wanted = timers != 0 && !is_covered(timers->deadline) ? timers->deadline : 0;
    struct cpu *cpu = current->cpu;
    if (tasks_wait_to_run() && (wanted == 0 || cpu->slice_end < wanted)) wanted = cpu->slice_end;
    /* One that fires too early does no harm, and costs less than to be set anew. */
    if (wanted != 0 && (cpu->timer == 0 || wanted < cpu->timer)) timer_at(wanted);
}

void slice_begin(void) {
    current->cpu->slice_end = now() + SLICE;
}

void time_init(void) {
    hypercall(HYPERCALL_vcpu_op, VCPUOP_stop_periodic_timer, current->cpu->id, 0, 0);
    event_bind_virq(VIRQ_TIMER, current->cpu->id, timer_fired, current->cpu);
    if (booted == 0) booted = now();
}

/*
 * time.c: a clock that is a multiplication, and a timer that is an event.
 *
 * Xen writes into vcpu_info.time what the processor's counter (TSC) was at some moment, what the
 * time was then, and how to scale the difference. Reading the time therefore needs no hypercall.
 */
#include "kernel.h"

static u64 timer_period; /* 0: the timer fires once */

u64 read_tsc(void) {
    u32 low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (u64)high << 32 | low;
}

/* Nanoseconds since Xen started. */
u64 now(void) {
    struct vcpu_time_info *time = &shared_info.vcpu_info[0].time;
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

/* Seconds since 1970: Xen tells what the wall clock showed at system time 0. */
u64 wall_clock_seconds(void) {
    u64 seconds, nanos;
    u32 version;
    do {
        version = SHARED(shared_info.wc_version);
        compiler_barrier();
        seconds = (u64)shared_info.wc_sec_hi << 32 | shared_info.wc_sec;
        nanos = shared_info.wc_nsec;
        compiler_barrier();
    } while (version & 1 || version != SHARED(shared_info.wc_version));
    return seconds + (nanos + now()) / NANOS_PER_SECOND;
}

static void timer_at(u64 deadline) {
    struct vcpu_set_singleshot_timer timer = {.timeout_abs_ns = deadline};
    hypercall(HYPERCALL_vcpu_op, VCPUOP_set_singleshot_timer, 0, (u64)&timer, 0);
}

/* The upcall of VIRQ_TIMER. */
static void timer_fired(void) {
    if (timer_period != 0) timer_at(now() + timer_period);
}

void time_init(void) {
    hypercall(HYPERCALL_vcpu_op, VCPUOP_stop_periodic_timer, 0, 0, 0);
    event_bind_virq(VIRQ_TIMER, "timer", timer_fired);
}

/* The vCPU really sleeps: while it does, this domain costs its host nothing. */
void sleep_until(u64 deadline) {
    while (now() < deadline) {
        xenstore_take_news();
        timer_at(deadline);
        WAIT_UNTIL(now() >= deadline || xenstore_has_news());
    }
}

/* An upcall every so many nanoseconds; 0 ends it. */
void timer_every(u64 period) {
    events_off();
    timer_period = period;
    if (period != 0) {
        timer_at(now() + period);
    } else {
        hypercall(HYPERCALL_vcpu_op, VCPUOP_stop_singleshot_timer, 0, 0, 0);
    }
    events_on();
}

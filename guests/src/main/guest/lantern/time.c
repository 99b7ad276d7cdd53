/*
 * time.c: a clock that is a multiplication (../kernels/clock.h), and a timer that is an event.
 */
#include "kernel.h"

static u64 timer_period; /* 0: the timer fires once */

u64 now(void) {
    return clock_now(&shared_info.vcpu_info[0].time);
}

/* Seconds since 1970. */
u64 wall_clock_seconds(void) {
    return (clock_start(&shared_info) + now()) / NANOS_PER_SECOND;
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

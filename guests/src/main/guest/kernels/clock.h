/*
 * clock.h: a clock that is a multiplication. Xen writes into vcpu_info.time what the processor's counter
 * (TSC) was at some moment, what the time was then, and how to scale the difference. Reading the time
 * therefore needs no hypercall.
 */
#ifndef CLOCK_H
#define CLOCK_H

#include "xen.h"

static inline u64 read_tsc(void) {
    u32 low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (u64)high << 32 | low;
}

/* Nanoseconds since Xen started. */
static inline u64 clock_now(const struct vcpu_time_info *time) {
    u64 nanos;
    u32 version;
    /* Xen makes the version odd, changes the fields, makes it even. If we saw an odd number or two different
     * ones, we read a mixture: again. */
    do {
        version = SHARED(time->version);
        compiler_barrier();
        u64 delta = read_tsc() - time->tsc_timestamp;
        delta = time->tsc_shift >= 0 ? delta << time->tsc_shift : delta >> -time->tsc_shift;
        nanos = time->system_time + (u64)((unsigned __int128)delta * time->tsc_to_system_mul >> 32);
        compiler_barrier();
    } while (version & 1 || version != SHARED(time->version));
    return nanos;
}

/* What the wall clock showed when Xen started: nanoseconds since 1970. */
static inline u64 clock_start(const struct shared_info *info) {
    u64 nanos;
    u32 version;
    do {
        version = SHARED(info->wc_version);
        compiler_barrier();
        nanos = ((u64)info->wc_sec_hi << 32 | info->wc_sec) * 1000000000ul + info->wc_nsec;
        compiler_barrier();
    } while (version & 1 || version != SHARED(info->wc_version));
    return nanos;
}

#endif

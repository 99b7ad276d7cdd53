/*
 * lab.h: lab 5, "Events"
 */
#ifndef LAB_H
#define LAB_H

#include "micro.h"

/*
 * Yours to write. Xen has found evtchn_upcall_pending set and upcalls not masked, and has made the
 * vCPU continue here; upcalls are masked meanwhile. Calls dispatch once for each port that is pending
 * and not masked, and takes the port's pending bit back before it does.
 *
 *   vcpu->evtchn_upcall_pending   something may be pending; the handler clears it
 *   vcpu->evtchn_pending_sel      bit w: look at word w of shared->evtchn_pending
 *   shared->evtchn_pending[w]     bit b: port 64 * w + b is pending
 *   shared->evtchn_mask[w]        bit b: port 64 * w + b is masked: leave it pending
 *
 * Xen sets bits of all of these at any moment, from another processor: change them by
 * exchange_word and clear_bit only. A second call for one event is harmless; a lost event is not.
 */
void handle_events(struct shared_info *shared, struct vcpu_info *vcpu, void (*dispatch)(u32 port));

/* Ours: what Xen does to a word just before you change it. */
void xen_meanwhile(u64 *word);

/* Takes a word's value and puts another in its place, in one step. */
static inline u64 exchange_word(u64 *word, u64 value) {
    xen_meanwhile(word);
    __asm__ volatile("xchg %0, %1" : "+r"(value), "+m"(*word) : : "memory");
    return value;
}

/* Clears one bit, in one step. */
static inline void clear_bit(u64 *word, u32 bit) {
    xen_meanwhile(word);
    __asm__ volatile("lock btr %1, %0" : "+m"(*word) : "r"((u64)bit) : "memory", "cc");
}

#endif

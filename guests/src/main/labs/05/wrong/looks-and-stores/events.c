/* Wrong: looks, and clears afterwards. */
/* Told: without exchange_word */
#include "lab.h"

void handle_events(struct shared_info *shared, struct vcpu_info *vcpu, void (*dispatch)(u32 port)) {
    SHARED(vcpu->evtchn_upcall_pending) = 0;
    u64 words = SHARED(vcpu->evtchn_pending_sel);
    SHARED(vcpu->evtchn_pending_sel) = 0;
    while (words != 0) {
        u32 word = __builtin_ctzl(words);
        words &= words - 1;
        u64 bits = SHARED(shared->evtchn_pending[word]) & ~SHARED(shared->evtchn_mask[word]);
        while (bits != 0) {
            u32 bit = __builtin_ctzl(bits);
            bits &= bits - 1;
            clear_bit(&shared->evtchn_pending[word], bit);
            dispatch(64 * word + bit);
        }
    }
}

/*
 * smp: one more processor, started, stopped, and started again.
 *
 * A processor that was never started has no registers. vcpu_start in runtime/vcpu.c gives Xen a
 * structure with all of them, page tables and stack included; there is no real mode to begin in.
 *
 * Run it: vmm boot smp.elf --vcpus 2 --trace=hypercall,schedule
 */
#include "micro.h"

static volatile u32 counter, starts;
static volatile u32 identity = 0;

static void second_vcpu(void) {
    for (;;) {
        identity = this_vcpu();
        starts++;
        /* Two processors change one word: without the lock prefix increments would get lost. */
        for (u32 i = 0; i < 10000; i++) __atomic_fetch_add(&counter, 1, __ATOMIC_SEQ_CST);
        hypercall(HYPERCALL_vcpu_op, VCPUOP_down, this_vcpu(), 0, 0);
        /* Whoever sends us VCPUOP_up makes us continue here. */
    }
}

static long is_up(u32 vcpu) {
    return hypercall(HYPERCALL_vcpu_op, VCPUOP_is_up, vcpu, 0, 0);
}

static void wait_until_down(void) {
    u64 deadline = give_up_at();
    while (is_up(1)) {
        EXPECT(now() < deadline, "vCPU 1 does not go down; it has counted to %u", counter);
        HYPERCALL(sched_op, SCHEDOP_yield, 0);
    }
}

void micro_main(void) {
    EXPECT(is_up(0) == 1, "the vCPU that runs this is not up");
    if (is_up(1) == -ENOENT) skip("this domain has one vCPU");
    EXPECT(hypercall(HYPERCALL_vcpu_op, VCPUOP_up, 1, 0, 0) == -EINVAL,
           "a vCPU without registers came up");
    NEED(vcpu_start(1, second_vcpu) == 0, "vCPU 1 cannot be started");
    for (u32 i = 0; i < 10000; i++) __atomic_fetch_add(&counter, 1, __ATOMIC_SEQ_CST);
    wait_until_down();
    EXPECT(identity == 1, "the second vCPU takes itself for vCPU %u", identity);
    EXPECT(counter == 20000, "two vCPUs counted 10000 each, together %u", counter);

    EXPECT(hypercall(HYPERCALL_vcpu_op, VCPUOP_up, 1, 0, 0) == 0, "vCPU 1 cannot come up again");
    wait_until_down();
    EXPECT(starts == 2 && counter == 30000, "after %u starts the count is %u", starts, counter);
    success("vCPU 1 ran twice beside vCPU 0");
}

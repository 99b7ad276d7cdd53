/*
 * vcpu.c: more processors. There is no wake-up interrupt and no real mode to begin in: we hand Xen
 * a structure with all registers, and the vCPU begins in C.
 */
#include "micro.h"

#define STACK_SIZE (2 * PAGE_SIZE)
static u8 stacks[MAX_VCPUS][STACK_SIZE] __attribute__((aligned(16)));

extern struct trap_info trap_table[]; /* entry.S */
extern char event_upcall[];

/* Each vCPU has a stack of its own, so the stack says which one this is. vCPU 0 began on entry.S's,
 * which is none of these. */
u32 this_vcpu(void) {
    u64 offset = (u64)__builtin_frame_address(0) - (u64)stacks;
    return offset < sizeof(stacks) ? offset / STACK_SIZE : 0;
}

long vcpu_start(u32 vcpu, void (*function)(void)) {
    static struct vcpu_guest_context context; /* too large for a stack */

    memset(&context, 0, sizeof(context));
    context.flags = VGCF_in_kernel;
    context.user_regs.rip = (u64)function;
    /* A function expects to have been called: the stack is 8 off a multiple of 16. */
    context.user_regs.rsp = (u64)stacks[vcpu] + STACK_SIZE - 8;
    context.user_regs.cs = FLAT_KERNEL_CS;
    context.user_regs.ss = FLAT_KERNEL_SS;
    context.kernel_ss = FLAT_KERNEL_SS;
    context.kernel_sp = (u64)stacks[vcpu] + STACK_SIZE;
    context.ctrlreg[3] = mfn_of((void *)start_info->pt_base) * PAGE_SIZE;
    context.event_callback_eip = (u64)event_upcall;
    for (struct trap_info *trap = trap_table; trap->address != 0; trap++) {
        context.trap_ctxt[trap->vector] = *trap;
    }
    long refused = hypercall(HYPERCALL_vcpu_op, VCPUOP_initialise, vcpu, (u64)&context, 0);
    return refused != 0 ? refused : hypercall(HYPERCALL_vcpu_op, VCPUOP_up, vcpu, 0, 0);
}

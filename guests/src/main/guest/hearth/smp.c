/*
 * smp.c: a second processor. On a machine it would be woken by interrupts that mean "start in real mode at this
 * page"; here Xen is told all registers it shall begin with.
 */
#include "kernel.h"

struct cpu cpus[MAX_VCPUS];
u32 cpu_count;

extern char second_start[], event_upcall[];

/* The first C of vCPU 1, on the stack of its idle task. */
void smp_main(void) {
    lock_kernel();
    traps_init();
    time_init();
    idle();
}

static void start_cpu(u32 id) {
    struct task *task = idle_task(id, 0);
    struct vcpu_guest_context *context = pages_alloc(2);
    if (context == 0) panic("no memory for vCPU %u", id);
    context->flags = VGCF_in_kernel;
    context->user_regs.rip = (u64)second_start;
    context->user_regs.rsp = (u64)task + STACK_SIZE - 16;
    context->user_regs.cs = FLAT_KERNEL_CS;
    context->user_regs.ss = context->kernel_ss = FLAT_KERNEL_SS;
    context->kernel_sp = (u64)task + STACK_SIZE;
    context->ctrlreg[3] = virt_to_mfn((void *)start_info->pt_base) * PAGE_SIZE;
    context->event_callback_eip = (u64)event_upcall;
    SHARED(cpus[id].info->evtchn_upcall_mask) = 1;
    cpus[id].ipi_port = event_bind_ipi(id);
    cpu_count = id + 1;
    if (hypercall(HYPERCALL_vcpu_op, VCPUOP_initialise, id, (u64)context, 0) != 0
            || hypercall(HYPERCALL_vcpu_op, VCPUOP_up, id, 0, 0) != 0) {
        panic("vCPU %u does not start", id);
    }
    pages_put(context, 2);
}

void smp_init(void) {
    cpus[0].ipi_port = event_bind_ipi(0);
    for (u32 id = 1; id < MAX_VCPUS; id++) {
        if (hypercall(HYPERCALL_vcpu_op, VCPUOP_is_up, id, 0, 0) < 0) return;
        start_cpu(id);
    }
}

/* main.c: from the first C statement to the first process, and to the second processor. */
#include "kernel.h"
struct start_info *start_info;
struct cpu cpus[MAX_VCPUS];
u32 cpu_count;

/* The page shared with Xen takes the place of this variable's: see map_frame_over. */
struct shared_info shared_info __attribute__((aligned(PAGE_SIZE)));

extern char first_call[], event_upcall[]; /* doors.S */

void shutdown(u32 reason) {
    struct sched_shutdown arguments = {.reason = reason};
    HYPERCALL(sched_op, SCHEDOP_shutdown, &arguments);
    for (;;) __asm__ volatile("ud2"); /* not reached: the domain is gone */
}

void power_off(u32 reason) { sys_sync(), shutdown(reason); }

const char *boot_option(const char *name) {
    const char *line = start_info->cmd_line;
    for (int at_word = 1; *line != '\0'; line++) {
        const char *rest = at_word ? skip_prefix(line, name) : 0;
        if (rest != 0 && *rest == '=') return rest + 1;
        at_word = *line == ' ';
    }
    return 0;
}

/* Its first C, on the stack of its idle task. */
static void second_main(void) {
    lock_kernel();
    traps_init();
    time_init();
    idle();
}

/* On a machine it would be woken by interrupts that mean "start in real mode at this page"; here Xen is told
 * all registers it shall begin with. */
static void start_cpu(u32 id) {
    struct task *task = idle_task(id, 0);
    struct vcpu_guest_context *context = pages_alloc(2);
    if (context == 0) panic("no memory for vCPU %u", id);
    context->flags = VGCF_in_kernel;
    context->user_regs.rip = (u64)first_call;
    context->user_regs.rbx = (u64)second_main;
    context->user_regs.rsp = (u64)task + STACK_SIZE - 16;
    context->user_regs.cs = FLAT_KERNEL_CS;
    context->user_regs.ss = context->kernel_ss = FLAT_KERNEL_SS;
    context->kernel_sp = (u64)task + STACK_SIZE;
    context->ctrlreg[3] = virt_to_mfn((void *)start_info->pt_base) * PAGE_SIZE;
    context->event_callback_eip = (u64)event_upcall;
    SHARED(cpus[id].info->evtchn_upcall_mask) = 1;
    cpus[id].ipi_port = event_bind_ipi(id);
    cpu_count = id + 1;
    long error = hypercall(HYPERCALL_vcpu_op, VCPUOP_initialise, id, (u64)context, 0);
    if (error == 0) error = hypercall(HYPERCALL_vcpu_op, VCPUOP_up, id, 0, 0);
    if (error != 0) panic("vCPU %u does not start: error %ld", id, error);
    pages_put(context, 2);
}

/* What needs to sleep is not started by kernel_main but here, in a task of its own. */
static void first_thread(void *nothing) {
    static void (*const steps[])(void) = {xenstore_init, grants_init, balloon_init, vfs_init, devices_init,
        proc_init, initrd_unpack, disks_init, network_init, start_init};
    for (u32 i = 0; i < ARRAY_SIZE(steps); i++) steps[i]();
}

/* The rest of the start, on the stack of the first vCPU's idle task, which this then becomes. */
static void boot(void *nothing) {
    time_init();
    printk("hearth: a small kernel that runs Linux programs, on Xen\n");
    cpus[0].ipi_port = event_bind_ipi(0);
    if (hypercall(HYPERCALL_vcpu_op, VCPUOP_is_up, 1, 0, 0) >= 0) start_cpu(1);
    printk("hearth: %lu KiB of memory, %lu KiB free, %u vCPUs\n", pages_total * 4, pages_free * 4, cpu_count);
    kthread("init", first_thread, 0);
    idle();
}

/* Called by start in entry.S with the address that Xen passed in RSI, on the stack there. */
void kernel_main(struct start_info *info) {
    start_info = info;
    traps_init();
    map_frame_over(&shared_info, info->shared_info / PAGE_SIZE);
    events_init();
    console_init();
    pages_init();
    tasks_init(boot);
}

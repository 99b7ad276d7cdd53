/*
 * main.c: from the first C statement to the first process.
 */
#include "block.h"

struct start_info *start_info;

/* The page shared with Xen takes the place of this variable's: see map_frame_over. */
struct shared_info shared_info __attribute__((aligned(PAGE_SIZE)));

void shutdown(u32 reason) {
    struct sched_shutdown arguments = {.reason = reason};
    HYPERCALL(sched_op, SCHEDOP_shutdown, &arguments);
    for (;;) __asm__ volatile("ud2"); /* not reached: the domain is gone */
}

void power_off(u32 reason) {
    sys_sync();
    shutdown(reason);
}

const char *boot_option(const char *name) {
    const char *line = start_info->cmd_line;
    for (int at_word = 1; *line != '\0'; line++) {
        const char *rest = at_word ? skip_prefix(line, name) : 0;
        if (rest != 0 && *rest == '=') return rest + 1;
        at_word = *line == ' ';
    }
    return 0;
}

/* What needs to sleep is not started by kernel_main but here, in a task of its own. */
static void first_thread(void *nothing) {
    (void)nothing;
    xenstore_init();
    grants_init();
    balloon_init();
    vfs_init();
    devices_init();
    proc_init();
    initrd_unpack();
    disks_init();
    disk_files_init();
    network_init();
    start_init();
}

/* The rest of the start, on the stack of the first vCPU's idle task, which this then becomes. */
static void boot(void *nothing) {
    (void)nothing;
    time_init();
    long version = HYPERCALL(xen_version, XENVER_version, 0);
    printk("hearth: a small kernel that runs Linux programs, on Xen %ld.%ld\n", version >> 16, version & 0xffff);
    smp_init();
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

/*
 * main.c: from the first C statement to the shell.
 */
#include "kernel.h"

struct start_info *start_info;

/*
 * Xen shares one page with the guest: events, time, the fault address. It is a page of Xen's, known
 * to us by its machine address only, so we must put it somewhere in our address space. The
 * easiest place is a page that is mapped already: this variable's. Once main has pointed its
 * page table entry at Xen's page, the frame that was behind it is simply forgotten.
 */
struct shared_info shared_info __attribute__((aligned(PAGE_SIZE)));
_Static_assert(sizeof(struct shared_info) == PAGE_SIZE, "nothing else may share the page");
_Static_assert(sizeof(struct vcpu_info) == 64, "vcpu_info has 64 bytes");
_Static_assert(__builtin_offsetof(struct shared_info, wc_version) == 3072, "see Xen's headers");
_Static_assert(sizeof(struct start_info) == 1168, "start_info has 1168 bytes");

/*
 * Changing a page table is the hypervisor's business. The tables are mapped read-only, since a
 * guest that could write them could map its neighbour's memory; we ask, Xen checks and writes.
 */
static void map_shared_info(void) {
    u64 entry = start_info->shared_info | PTE_PRESENT | PTE_WRITE | PTE_USER;
    long error = hypercall(
            HYPERCALL_update_va_mapping, (u64)&shared_info, entry, UVMF_INVLPG, 0);
    if (error != 0) {
        print("lantern: cannot map shared_info: error %ld\n", error);
        shutdown(SHUTDOWN_crash);
    }
}

/*
 * Three kinds of address. A virtual one is what instructions use. A pfn counts this domain's pages
 * from 0, and VIRT_BASE + pfn * PAGE_SIZE is where the builder mapped it. An mfn is what page
 * tables hold and what Xen talks about. Xen keeps the list that leads back from mfn to pfn.
 */
void *mfn_to_virt(u64 mfn) {
    return (void *)(VIRT_BASE + MACH2PHYS[mfn] * PAGE_SIZE);
}

void shutdown(u32 reason) {
    struct sched_shutdown arguments = {.reason = reason};
    HYPERCALL(sched_op, SCHEDOP_shutdown, &arguments);
    for (;;) __asm__ volatile("ud2"); /* not reached: the domain is gone */
}

/* Called by start in entry.S with the address that Xen passed in RSI. */
void kernel_main(struct start_info *info) {
    start_info = info;
    print("lantern: these first words go straight to Xen, by hypercall console_io\n");
    traps_init();
    map_shared_info();
    events_init();
    console_init();
    time_init();
    xenstore_init();
    events_on();
    xenstore_obey_shutdown();
    shell();
}

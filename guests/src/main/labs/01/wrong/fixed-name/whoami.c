/* Wrong: does not ask who made the machine. */
/* Told: describe did not ask for it */
#include "lab.h"

void describe(struct machine *machine) {
    memcpy(machine->hypervisor, "XenVMMXenVMM", 13);

    long version = HYPERCALL(xen_version, XENVER_version, 0);
    machine->major = version >> 16;
    machine->minor = version & 0xffff;

    machine->pages = start_info->nr_pages;

    u32 vcpu = 0;
    while (hypercall(HYPERCALL_vcpu_op, VCPUOP_is_up, vcpu, 0, 0) != -ENOENT) vcpu++;
    machine->vcpus = vcpu;
}

/* Wrong: knows the version of the machine it was tried in. */
/* Told: this machine's is 4.11 */
#include "lab.h"

void describe(struct machine *machine) {
    struct cpuid leaf = xen_cpuid(XEN_CPUID_LEAF);
    memcpy(machine->hypervisor, &leaf.ebx, 4);
    memcpy(machine->hypervisor + 4, &leaf.ecx, 4);
    memcpy(machine->hypervisor + 8, &leaf.edx, 4);
    machine->hypervisor[12] = '\0';

    machine->major = 4;
    machine->minor = 17;

    machine->pages = start_info->nr_pages;

    u32 vcpu = 0;
    while (hypercall(HYPERCALL_vcpu_op, VCPUOP_is_up, vcpu, 0, 0) != -ENOENT) vcpu++;
    machine->vcpus = vcpu;
}

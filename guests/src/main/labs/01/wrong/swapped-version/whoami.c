/* Wrong: takes the halves of the version for each other. */
/* Told: the major version in its upper 16 bits */
#include "lab.h"

void describe(struct machine *machine) {
    struct cpuid leaf = xen_cpuid(XEN_CPUID_LEAF);
    memcpy(machine->hypervisor, &leaf.ebx, 4);
    memcpy(machine->hypervisor + 4, &leaf.ecx, 4);
    memcpy(machine->hypervisor + 8, &leaf.edx, 4);
    machine->hypervisor[12] = '\0';

    long version = HYPERCALL(xen_version, XENVER_version, 0);
    machine->major = version & 0xffff;
    machine->minor = version >> 16;

    machine->pages = start_info->nr_pages;

    u32 vcpu = 0;
    while (hypercall(HYPERCALL_vcpu_op, VCPUOP_is_up, vcpu, 0, 0) != -ENOENT) vcpu++;
    machine->vcpus = vcpu;
}

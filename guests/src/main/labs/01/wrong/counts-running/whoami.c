/* Wrong: counts the vCPUs that run, not those that are there. */
/* Told: A vCPU that was not started is there too */
#include "lab.h"

void describe(struct machine *machine) {
    struct cpuid leaf = xen_cpuid(XEN_CPUID_LEAF);
    memcpy(machine->hypervisor, &leaf.ebx, 4);
    memcpy(machine->hypervisor + 4, &leaf.ecx, 4);
    memcpy(machine->hypervisor + 8, &leaf.edx, 4);
    machine->hypervisor[12] = '\0';

    long version = HYPERCALL(xen_version, XENVER_version, 0);
    machine->major = version >> 16;
    machine->minor = version & 0xffff;

    machine->pages = start_info->nr_pages;

    u32 vcpu = 0;
    while (hypercall(HYPERCALL_vcpu_op, VCPUOP_is_up, vcpu, 0, 0) == 1) vcpu++;
    machine->vcpus = vcpu;
}

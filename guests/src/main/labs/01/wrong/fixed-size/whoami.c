/* Wrong: knows the size of the machine it was tried in. */
/* Told: A guest does not know its size when it is compiled */
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

    machine->pages = 2048;

    u32 vcpu = 0;
    while (hypercall(HYPERCALL_vcpu_op, VCPUOP_is_up, vcpu, 0, 0) != -ENOENT) vcpu++;
    machine->vcpus = vcpu;
}

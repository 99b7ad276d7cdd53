/*
 * cases.c: lab 1. The host says on the command line what it made the machine of.
 */
#include "cases.h"
#include "lab.h"

u32 xen_cpuid_calls;

/* Makes this a machine of any version of Xen: the stub of xen_version answers by itself. Who knows
 * the number of the real one is wrong in some. */
static void pretend(u32 version) {
    u8 *stub = (u8 *)hypercall_page + HYPERCALL_xen_version * HYPERCALL_STUB_SIZE;
    stub[0] = 0xb8; /* mov $version, %eax */
    memcpy(stub + 1, &version, sizeof(version));
    stub[5] = 0xc3; /* ret */
}

static void dump(const struct machine *m) {
    char name[13];
    memcpy(name, m->hypervisor, 12);
    name[12] = '\0';
    for (u32 i = 0; i < 12; i++) if (name[i] < ' ' || name[i] > '~') name[i] = '?';
    print("You say: hypervisor \"%s\", version %u.%u, %lu pages, %u vCPUs\n",
          name, m->major, m->minor, m->pages, m->vcpus);
}

void micro_main(void) {
    struct machine m;
    u64 pages = argument("pages", 0), vcpus = argument("vcpus", 0);
    u32 major = argument("major", 0), minor = argument("minor", 0);
    pretend(major << 16 | minor);
    memset(&m, 0xee, sizeof(m));
    describe(&m);
    dump(&m);
    EXPECT(m.hypervisor[0] != (char)0xee,
           "The field hypervisor is as it was before describe was called. Ask CPUID, leaf"
           " 0x40000000, with xen_cpuid: the name stands in EBX, ECX and EDX.");
    EXPECT(m.hypervisor[0] == 'X',
           "The hypervisor's name begins with an X. EAX of the leaf is no part of it: that is"
           " the number of the last leaf.");
    EXPECT(m.hypervisor[12] == '\0',
           "The hypervisor's name has no end. A string in C ends with a 0, and CPUID gives"
           " twelve letters and nothing more.");
    EXPECT(streq(m.hypervisor, "XenVMMXenVMM"),
           "The hypervisor calls itself XenVMMXenVMM, you say %s. The letters come four at a time,"
           " from EBX, then ECX, then EDX.", m.hypervisor);
    EXPECT(xen_cpuid_calls > 0,
           "The hypervisor's name is right, and describe did not ask for it. In another one's machine it"
           " would be wrong: xen_cpuid tells.");
    EXPECT(m.major == major && m.minor == minor,
           "You say Xen %u.%u, this machine's is %u.%u. xen_version returns one number: the major version"
           " in its upper 16 bits, the minor in its lower 16.", m.major, m.minor, major, minor);
    EXPECT(m.pages == pages,
           "This machine has %lu pages of memory, you say %lu. A guest does not know its size when"
           " it is compiled: the same kernel starts in machines of any size. Xen tells it in"
           " start_info.", pages, m.pages);
    EXPECT(m.vcpus == vcpus,
           "This machine has %lu vCPUs, you say %u. A vCPU that was not started is there too:"
           " VCPUOP_is_up answers 0 for it, and -ENOENT for one that does not exist.",
           vcpus, m.vcpus);
    passed();
}

/*
 * hello: the smallest thing a guest can do: ask the hypervisor something.
 *
 * A system call takes a program into its kernel. A hypercall takes a kernel into its hypervisor: the
 * same instruction, syscall, which our kernel may use because it runs in ring 3 itself. The number
 * of the call goes in RAX, here 17, xen_version; the answer comes back there.
 *
 * Run it: vmm boot hello.elf --trace=hypercall
 */
#include "micro.h"

void micro_main(void) {
    long version = HYPERCALL(xen_version, XENVER_version, 0);
    EXPECT(version > 0, "xen_version answers %ld", version);

    /* Some answers do not fit into a register. Then we lend Xen memory to write to. */
    static char extra[16];
    long result = HYPERCALL(xen_version, XENVER_extraversion, extra);
    EXPECT(result == 0 && extra[0] != '\0', "no extraversion: %ld", result);

    /* Xen never trusts a guest's pointer. A bad one is an error number, not a crash of anything. */
    long bad = HYPERCALL(xen_version, XENVER_extraversion, 0x1000);
    EXPECT(bad == -EFAULT, "a pointer to nowhere gives %ld, not EFAULT", bad);

    /* Nor does it trust the number. */
    long unknown = hypercall(HYPERCALL_arch_7, 0, 0, 0, 0);
    EXPECT(unknown == -ENOSYS, "a call that does not exist gives %ld, not ENOSYS", unknown);

    success("hello from Xen %ld.%ld%s", version >> 16, version & 0xffff, extra);
}

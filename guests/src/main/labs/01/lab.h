/*
 * lab.h: lab 1, "What is a virtual machine?"
 */
#ifndef LAB_H
#define LAB_H

#include "micro.h"

/* What a guest can find out about the machine it is given. */
struct machine {
    char hypervisor[13]; /* who made it: twelve letters and a 0 */
    u32 major, minor;    /* which version of Xen */
    u64 pages;           /* how much memory, in pages of 4 KiB */
    u32 vcpus;           /* how many processors, started or not */
};

/* Yours to write. */
void describe(struct machine *machine);

/* Register values of the instruction CPUID. The five bytes in front of it ask Xen to answer in the
 * processor's place. Without them a real processor would answer itself, for it does not trap. The
 * check counts the calls. */
extern u32 xen_cpuid_calls;
struct cpuid {
    u32 eax, ebx, ecx, edx;
};
static inline struct cpuid xen_cpuid(u32 leaf) {
    struct cpuid regs;
    xen_cpuid_calls++;
    __asm__ volatile(".byte 0x0f, 0x0b; .ascii \"xen\"; cpuid"
                     : "=a"(regs.eax), "=b"(regs.ebx), "=c"(regs.ecx), "=d"(regs.edx)
                     : "a"(leaf), "c"(0));
    return regs;
}
#define XEN_CPUID_LEAF 0x40000000

#endif

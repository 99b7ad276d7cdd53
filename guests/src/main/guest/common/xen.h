/*
 * xen.h: the part of Xen's paravirtual interface that our kernels use, for x86-64.
 *
 * Names and layouts are those of Xen's public headers (xen/include/public), which define the ABI;
 * a reader can look every one of them up there.
 */
#ifndef XEN_H
#define XEN_H

/* ---- Numbers that assembly needs too ---------------------------------------------------- */

/* Types of the ELF notes by which a kernel tells the domain builder how it wants to be loaded. */
#define XEN_ELFNOTE_ENTRY          1
#define XEN_ELFNOTE_HYPERCALL_PAGE 2
#define XEN_ELFNOTE_VIRT_BASE      3
#define XEN_ELFNOTE_PADDR_OFFSET   4
#define XEN_ELFNOTE_XEN_VERSION    5
#define XEN_ELFNOTE_GUEST_OS       6
#define XEN_ELFNOTE_GUEST_VERSION  7
#define XEN_ELFNOTE_LOADER         8
#define XEN_ELFNOTE_FEATURES       10

/* Hypercall numbers. Number n is called at hypercall_page + 32 * n. */
#define HYPERCALL_set_trap_table    0
#define HYPERCALL_mmu_update        1
#define HYPERCALL_stack_switch      3
#define HYPERCALL_memory_op         12
#define HYPERCALL_multicall         13
#define HYPERCALL_update_va_mapping 14
#define HYPERCALL_set_timer_op      15
#define HYPERCALL_xen_version       17
#define HYPERCALL_console_io        18
#define HYPERCALL_grant_table_op    20
#define HYPERCALL_iret              23
#define HYPERCALL_vcpu_op           24
#define HYPERCALL_set_segment_base  25
#define HYPERCALL_mmuext_op         26
#define HYPERCALL_sched_op          29
#define HYPERCALL_callback_op       30
#define HYPERCALL_event_channel_op  32
#define HYPERCALL_arch_7            55 /* the last of eight that Xen leaves to each architecture */
#define HYPERCALL_STUB_SIZE         32

/* Xen's code segment for a 64-bit guest kernel: ring 3, because ring 0 is Xen's own. */
#define FLAT_KERNEL_CS 0xe033
#define FLAT_USER_CS   0xe033 /* the same one: what a process may touch, its page tables say */
#define FLAT_KERNEL_SS 0xe02b
#define FLAT_USER_SS   0xe02b

/* Where Xen maps the guest's first memory, one to one: a choice of this kernel, told by a note. The
 * linker script has it too. */
#define VIRT_BASE 0xffffffff80000000

#define PAGE_SIZE 4096

#ifndef __ASSEMBLER__

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;

/* ---- start_info: the letter Xen leaves at the address in RSI when the kernel starts -------- */

struct start_info {
    char magic[32];      /* "xen-3.0-x86_64" */
    u64 nr_pages;        /* memory of this domain, in pages */
    u64 shared_info;     /* machine ADDRESS of the page shared with Xen */
    u32 flags;           /* SIF_... */
    u64 store_mfn;       /* machine FRAME NUMBER of the xenstore ring */
    u32 store_evtchn;
    u64 console_mfn;     /* machine frame number of the console ring (not for SIF_INITDOMAIN) */
    u32 console_evtchn;
    u64 pt_base;         /* virtual address of the top-level page table */
    u64 nr_pt_frames;
    u64 mfn_list;        /* virtual address of the pfn-to-mfn list, "p2m" */
    u64 mod_start, mod_len;
    char cmd_line[1024];
    u64 first_p2m_pfn, nr_p2m_frames;
};
#define SIF_INITDOMAIN 2 /* this is the first domain, dom0: it has no console ring */

/* ---- shared_info: the page that Xen and the guest both write while the guest runs ---------- */

struct vcpu_time_info {
    u32 version; /* odd while Xen is writing */
    u32 pad0;
    u64 tsc_timestamp;
    u64 system_time; /* nanoseconds at tsc_timestamp */
    u32 tsc_to_system_mul;
    signed char tsc_shift;
    u8 flags;
    u8 pad1[2];
};

struct vcpu_info {
    u8 evtchn_upcall_pending; /* Xen: an event waits */
    u8 evtchn_upcall_mask;    /* guest: do not interrupt me. This is the guest's interrupt flag */
    u8 pad[6];
    u64 evtchn_pending_sel; /* bit w: look at word w of evtchn_pending */
    u64 cr2;                /* address of the last page fault */
    u64 pad1;
    struct vcpu_time_info time;
};

struct shared_info {
    struct vcpu_info vcpu_info[32];
    u64 evtchn_pending[64]; /* one bit per port: 64 words of 64 */
    u64 evtchn_mask[64];
    u32 wc_version; /* wall clock at system time 0, same protocol as vcpu_time_info */
    u32 wc_sec;
    u32 wc_nsec;
    u32 wc_sec_hi;
    u8 rest[PAGE_SIZE - 3088]; /* of no use here; makes the structure fill its page */
};

/* ---- Rings shared with the console and xenstore backends ----------------------------------- */

/* Indices run freely and wrap at 2^32; only their low bits choose a byte. */
struct console_ring {
    char in[1024];
    char out[2048];
    u32 in_cons, in_prod;
    u32 out_cons, out_prod;
};

struct xenstore_ring {
    char req[1024];
    char rsp[1024];
    u32 req_cons, req_prod;
    u32 rsp_cons, rsp_prod;
};

struct xsd_sockmsg {
    u32 type, req_id, tx_id, len;
};
#define XS_DIRECTORY   1
#define XS_READ        2
#define XS_WATCH       4
#define XS_WRITE       11
#define XS_WATCH_EVENT 15
#define XS_ERROR       16

/* ---- Arguments of hypercalls --------------------------------------------------------------- */

struct trap_info { /* set_trap_table */
    u8 vector;
    u8 flags; /* bits 0-1: least privileged caller of int n; bit 2: mask events on entry */
    u16 cs;
    u64 address;
};

struct callback_register { /* callback_op, CALLBACKOP_register */
    u16 type, flags;
    u64 address;
};
#define CALLBACKOP_register 0
#define CALLBACKTYPE_event  0
#define CALLBACKTYPE_syscall 2
#define CALLBACKF_mask_events 1

struct evtchn_bind_interdomain { u16 remote_dom; u32 remote_port, local_port; };
struct evtchn_bind_virq { u32 virq, vcpu, port; };
struct evtchn_bind_ipi { u32 vcpu, port; };
struct evtchn_alloc_unbound { u16 dom, remote_dom; u32 port; };
struct evtchn_close { u32 port; };
struct evtchn_send { u32 port; };
struct evtchn_unmask { u32 port; };
#define EVTCHNOP_bind_interdomain 0
#define EVTCHNOP_bind_virq     1
#define EVTCHNOP_close         3
#define EVTCHNOP_send          4
#define EVTCHNOP_alloc_unbound 6
#define EVTCHNOP_bind_ipi      7
#define EVTCHNOP_unmask        9
#define VIRQ_TIMER             0

struct vcpu_set_singleshot_timer { u64 timeout_abs_ns; u32 flags; };
#define VCPUOP_initialise            0
#define VCPUOP_up                    1
#define VCPUOP_down                  2
#define VCPUOP_is_up                 3
#define VCPUOP_stop_periodic_timer   7
#define VCPUOP_set_singleshot_timer  8
#define VCPUOP_stop_singleshot_timer 9

struct sched_shutdown { u32 reason; };
struct sched_poll { u32 *ports; u32 nr_ports; u64 timeout; };
#define SCHEDOP_yield     0
#define SCHEDOP_block     1
#define SCHEDOP_shutdown  2
#define SCHEDOP_poll      3
#define SCHEDOP_shutdown_code 5 /* the reason to report at a later shutdown, whatever that says */
#define SHUTDOWN_poweroff 0
#define SHUTDOWN_reboot   1
#define SHUTDOWN_suspend  2
#define SHUTDOWN_crash    3

#define XENVER_version      0
#define XENVER_extraversion 1
#define XENVER_capabilities 3

struct xen_memory_reservation {
    u64 *extent_start; /* decrease: frames to give; populate: pfns in, new frames out */
    u64 nr_extents;
    u32 extent_order, mem_flags;
    u16 domid;
};
#define XENMEM_decrease_reservation 1
#define XENMEM_current_reservation  3
#define XENMEM_maximum_reservation  4
#define XENMEM_populate_physmap     6
#define DOMID_SELF                  0x7ff0

#define CONSOLEIO_write 0

#define UVMF_INVLPG 2 /* update_va_mapping: drop this one address from the TLB */
#define UVMF_ALL    4 /* ... from the TLB of every vCPU */

struct mmu_update { u64 ptr, val; }; /* ptr: machine address of a page table entry */

#define MMU_NORMAL_PT_UPDATE 0

struct mmuext_op { u32 cmd; u64 arg1, arg2; };
#define MMUEXT_PIN_L1_TABLE     0
#define MMUEXT_PIN_L4_TABLE     3
#define MMUEXT_UNPIN_TABLE      4
#define MMUEXT_NEW_BASEPTR      5
#define MMUEXT_TLB_FLUSH_LOCAL  6
#define MMUEXT_INVLPG_LOCAL     7
#define MMUEXT_TLB_FLUSH_ALL    10
#define MMUEXT_NEW_USER_BASEPTR 15

struct multicall_entry { u64 op; long result; u64 args[6]; };

#define SEGBASE_FS        0
#define SEGBASE_GS_USER   1
#define SEGBASE_GS_KERNEL 2

struct gnttab_setup_table { u16 dom; u32 nr_frames; u16 status; u64 *frame_list; };
struct gnttab_map_grant_ref {
    u64 host_addr;
    u32 flags, ref;
    u16 dom;
    short status;
    u32 handle;
    u64 dev_bus_addr;
};
struct gnttab_unmap_grant_ref { u64 host_addr, dev_bus_addr; u32 handle; short status; };
#define GNTTABOP_map_grant_ref   0
#define GNTTABOP_unmap_grant_ref 1
#define GNTTABOP_setup_table     2
#define GNTMAP_host_map          2
#define GNTMAP_readonly          4
#define GNTST_okay               0
#define GNTST_general_error      (-1) /* also: the entry does not permit it, or not to us */
#define GNTST_bad_gntref         (-3)

/* An entry of the grant table: "that domain may reach this frame of mine". The flags go last when a
 * grant is given and first when it is taken back. */
struct grant_entry { u16 flags, domid; u32 frame; };
#define GTF_permit_access 1
#define GTF_readonly      4
#define GTF_reading       8 /* Xen: mapped just now */
#define GTF_writing       16

/* What a second processor begins with: VCPUOP_initialise. */
struct vcpu_guest_context {
    u8 fpu[512];
    u64 flags;
    struct {
        u64 r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
        u32 error_code, entry_vector;
        u64 rip, cs, rflags, rsp, ss, es, ds, fs, gs;
    } user_regs;
    struct trap_info trap_ctxt[256];
    u64 ldt_base, ldt_ents, gdt_frames[16], gdt_ents, kernel_ss, kernel_sp;
    u64 ctrlreg[8], debugreg[8];
    u64 event_callback_eip, failsafe_callback_eip, syscall_callback_eip, vm_assist;
    u64 fs_base, gs_base_kernel, gs_base_user;
};
#define VGCF_in_kernel 4
#define VGCF_syscall_disables_events 16

/* Bits of a page table entry, as in the processor manual. */
#define PTE_PRESENT 0x01
#define PTE_WRITE   0x02
#define PTE_USER    0x04
#define PTE_NX      (1ul << 63)

/* Error numbers, as hypercalls return them: negated. */
#define ENOENT 2
#define E2BIG  7
#define EFAULT 14
#define EINVAL 22
#define ENOSYS 38

/* The machine-to-physical list, "m2p": Xen keeps it in its own part of every address space. */
#define MACH2PHYS ((const volatile u64 *)0xffff800000000000)

/* ---- Making a hypercall -------------------------------------------------------------------- */

extern char hypercall_page[];

/*
 * A hypercall is to a guest kernel what a system call is to a program. The page of entry stubs is
 * filled in by Xen, so that a guest need not know which instruction leads to it (today: syscall).
 * Arguments go in rdi, rsi, rdx, r10; the answer comes in rax, negative numbers being -errno.
 * "memory" matters most: Xen reads and writes the structures behind the pointers.
 */
static inline __attribute__((always_inline)) long hypercall(
        const int number, u64 a1, u64 a2, u64 a3, u64 a4) {
    long result;
    register u64 r10 __asm__("r10") = a4;
    __asm__ volatile("call hypercall_page + %c[stub]"
                     : "=a"(result), "+D"(a1), "+S"(a2), "+d"(a3), "+r"(r10)
                     : [stub] "i"(number * HYPERCALL_STUB_SIZE)
                     : "memory", "rcx", "r8", "r9", "r11", "cc");
    return result;
}

/* Most hypercalls are "operation, pointer to its arguments". */
#define HYPERCALL(name, command, argument) \
    hypercall(HYPERCALL_##name, (u64)(command), (u64)(argument), 0, 0)

/* ---- Memory that somebody else changes too ------------------------------------------------- */

/* Stops the compiler, not the processor, from moving memory accesses: x86 keeps loads in order
 * and stores in order by itself. A load may still overtake an earlier store; full_barrier stops
 * that. */
#define compiler_barrier() __asm__ volatile("" ::: "memory")
#define full_barrier()     __asm__ volatile("lock addl $0, (%%rsp)" ::: "memory", "cc")

/* A value that somebody else may change: read or write it exactly once, now. */
#define SHARED(lvalue) (*(volatile __typeof__(lvalue) *)&(lvalue))

/* ---- What entry.S hands to C --------------------------------------------------------------- */

/* The interrupted program, as enter_c in entry.S pushed it. */
struct registers {
    u64 r15, r14, r13, r12, r11, r10, r9, r8;
    u64 rbp, rdi, rsi, rdx, rcx, rbx, rax;
    u64 vector, error_code;
    u64 rip, cs, rflags, rsp, ss;
};
#define EVENT_UPCALL 256

#endif /* __ASSEMBLER__ */
#endif

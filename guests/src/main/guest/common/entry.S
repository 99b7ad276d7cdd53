/*
 * entry.S: the doors of a kernel, lantern's and every micro-guest's. Start here.
 *
 * There are three: the first instruction after Xen has built the domain, the handlers of the
 * processor's exceptions, and the handler of Xen's events. Each does the little that C cannot do
 * and calls C.
 */
#include "xen.h"

/* GUEST_NAME comes from the command line of the compiler. */
#define QUOTED(name)  #name
#define STRING(name)  QUOTED(name)

/* ---- What the domain builder reads before the kernel runs ---------------------------------- */

/*
 * No boot loader protocol, no real mode, no BIOS tables: a paravirtual kernel is an ELF file with
 * notes. The builder loads it, makes page tables, and starts it in 64-bit mode with paging on.
 */
.macro xen_note type, value:vararg
    .balign 4
    .long 2f - 1f, 4f - 3f, \type
1:  .asciz "Xen"
2:  .balign 4
3:  \value
4:  .balign 4
.endm

    .section .note.Xen, "a", @note
    xen_note XEN_ELFNOTE_XEN_VERSION,    .asciz "xen-3.0"
    xen_note XEN_ELFNOTE_GUEST_OS,       .asciz STRING(GUEST_NAME)
    xen_note XEN_ELFNOTE_GUEST_VERSION,  .asciz "1"
    xen_note XEN_ELFNOTE_LOADER,         .asciz "generic"
    xen_note XEN_ELFNOTE_VIRT_BASE,      .quad VIRT_BASE
    xen_note XEN_ELFNOTE_PADDR_OFFSET,   .quad 0
    xen_note XEN_ELFNOTE_ENTRY,          .quad start
    xen_note XEN_ELFNOTE_HYPERCALL_PAGE, .quad hypercall_page
    xen_note XEN_ELFNOTE_FEATURES,       .asciz "!writable_page_tables"

#ifdef NAMED_GUEST
    /* For micro-guests, which share all their files but one. */
    .section .rodata
    .globl guest_name
guest_name:
    .asciz STRING(GUEST_NAME)
#endif

/* ---- The first instruction ----------------------------------------------------------------- */

    .text
    .globl start
    .type start, @function
start:
    /* RSI holds the address of start_info, RSP a one-page stack; everything else is zero.
     * The kernel's own stack is larger. Xen pushes exception frames for kernel code onto whatever
     * stack is current, so nothing needs to be registered. */
    cld
    lea     stack_top(%rip), %rsp
    xor     %ebp, %ebp                      /* ends the chain of frames for backtraces */
    mov     %rsi, %rdi
    call    kernel_main
    ud2                                     /* kernel_main does not return */
    .size start, . - start

/* ---- Hypercalls ---------------------------------------------------------------------------- */

    /* Xen overwrites this page with stubs of 32 bytes. Calling it unfilled hits an int3. The
     * section of its own lets the linker script put it first, where it is aligned by itself. */
    .section .text.hypercall_page, "ax"
    .balign PAGE_SIZE
    .globl hypercall_page
    .type hypercall_page, @object
hypercall_page:
    .fill   PAGE_SIZE, 1, 0xcc
    .size hypercall_page, . - hypercall_page
    .text

/* ---- Exceptions ---------------------------------------------------------------------------- */

/*
 * A native kernel would fill an IDT and the processor would push a frame. Here the exception
 * arrives in Xen, which owns the real IDT; Xen then builds a frame on the guest's stack and makes
 * the guest continue at the handler. This is the "bounce frame", lowest address first:
 *
 *      rcx, r11, [error code], rip, cs, rflags, rsp, ss
 *
 * It is the hardware's frame plus the two registers which syscall and sysret use up. Popping them
 * at once leaves exactly what the hardware would have pushed, except that the interrupt flag in
 * rflags stands for evtchn_upcall_mask: Xen never lets a guest turn real interrupts off.
 */
.macro trap vector, has_error_code=0
    .type trap_\vector, @function
trap_\vector:
    pop     %rcx
    pop     %r11
    .if \has_error_code == 0
    push    $0                              /* so that all frames look alike */
    .endif
    push    $\vector
    jmp     enter_c
    .size trap_\vector, . - trap_\vector

    /* The entry of this vector in the table for the set_trap_table hypercall: struct trap_info.
     * Flag 4 asks Xen to mask events on entry, as an interrupt gate would. */
    .pushsection .rodata.trap_table, "a"
    .byte   \vector, 4
    .word   FLAT_KERNEL_CS
    .long   0
    .quad   trap_\vector
    .popsection
.endm

    .section .rodata.trap_table, "a"
    .balign 8
    .globl trap_table
trap_table:
    .text

    trap 0                                  /* #DE divide error */
    trap 1                                  /* #DB debug */
    trap 3                                  /* #BP int3 */
    trap 4                                  /* #OF */
    trap 5                                  /* #BR */
    trap 6                                  /* #UD undefined instruction */
    trap 7                                  /* #NM no floating point */
    trap 10, has_error_code=1               /* #TS */
    trap 11, has_error_code=1               /* #NP */
    trap 12, has_error_code=1               /* #SS stack */
    trap 13, has_error_code=1               /* #GP general protection */
    trap 14, has_error_code=1               /* #PF page fault */
    trap 16                                 /* #MF x87 */
    trap 17, has_error_code=1               /* #AC alignment */
    trap 19                                 /* #XM SSE */

    .section .rodata.trap_table, "a"
    .quad   0, 0                            /* an entry with address 0 ends the table */
    .text

/* ---- Events -------------------------------------------------------------------------------- */

/*
 * "Something is pending": the one interrupt of a paravirtual guest. The frame is that of an
 * exception without error code; which event it was stands in shared_info.
 */
    .globl event_upcall
    .type event_upcall, @function
event_upcall:
    pop     %rcx
    pop     %r11
    push    $0
    push    $256                            /* EVENT_UPCALL in xen.h: not a processor vector */
    .size event_upcall, . - event_upcall
    /* falls through */

/* ---- Into C and back ----------------------------------------------------------------------- */

    .type enter_c, @function
enter_c:
    push    %rax                            /* struct registers in xen.h, from its end */
    push    %rbx
    push    %rcx
    push    %rdx
    push    %rsi
    push    %rdi
    push    %rbp
    push    %r8
    push    %r9
    push    %r10
    push    %r11
    push    %r12
    push    %r13
    push    %r14
    push    %r15
    cld
    mov     %rsp, %rdi
    call    handle_trap
.Lreturn_from_trap:
    pop     %r15
    pop     %r14
    pop     %r13
    pop     %r12
    pop     %r11
    pop     %r10
    pop     %r9
    pop     %r8
    pop     %rbp
    pop     %rdi
    pop     %rsi
    pop     %rdx
    pop     %rcx
    pop     %rbx
    pop     %rax
    add     $16, %rsp                       /* vector and error code */
    /* The iretq instruction could restore rip, rflags and rsp, but not the event mask together
     * with them. So returning is a hypercall too: it sets the mask to the inverse of the interrupt
     * flag in the frame and, if an event came meanwhile, delivers it before our next instruction.
     * Its stub pushes rcx, r11 and rax itself; we add the word of flags below rip. It never
     * returns, hence jmp. */
    push    $0
    jmp     hypercall_page + HYPERCALL_iret * HYPERCALL_STUB_SIZE
    .size enter_c, . - enter_c

/* ---- The stack ----------------------------------------------------------------------------- */

    .bss
    .balign 16
    .globl stack_bottom, stack_top
stack_bottom:
    .skip   4 * PAGE_SIZE
stack_top:

    .section .note.GNU-stack, "", @progbits

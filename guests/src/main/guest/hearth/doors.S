/* doors.S: the doors that lantern has (../common/entry.S), and more: for system calls of processes, from one
 * task to another, and for a task's first steps. */
#include "entry.S"

    .text

.macro door name
    .globl  \name
    .type   \name, @function
\name:
.endm

/* The syscall instruction of a process enters Xen, which takes it for a system call because the vCPU was in
 * user mode (the same instruction in kernel mode is a hypercall). Xen switches to the kernel's page tables,
 * and to the stack told by stack_switch, and pushes the frame of an exception. */
door syscall_entry
    pop     %rcx
    pop     %r11
    push    $0
    push    $257                            /* SYSTEM_CALL in kernel.h */
    jmp     enter_c

/* switch_stacks(struct task *from, struct task *to): C expects a call to keep these six registers and the
 * stack pointer; all else of `from` lies on its stack already. One task enters and another leaves. */
door switch_stacks
    push    %rbp
    push    %rbx
    push    %r12
    push    %r13
    push    %r14
    push    %r15
    mov     %rsp, (%rdi)                    /* task->stack_pointer */
    mov     (%rsi), %rsp
    pop     %r15
    pop     %r14
    pop     %r13
    pop     %r12
    pop     %rbx
    pop     %rbp
    ret

/* A new process comes here from switch_stacks, its registers on the stack above, and leaves the kernel as if
 * after a system call. */
door first_return
    mov     %rsp, %rdi
    call    leave_kernel
    jmp     .Lreturn_from_trap

/* A new kernel thread, or a second vCPU: function in rbx, argument in r12. It does not return. */
door first_call
    mov     %r12, %rdi
    xor     %ebp, %ebp
    call    *%rbx
    ud2

    .section .rodata
    .globl ember, ember_end
ember:                                      /* ../linux/ember.c, an ELF file: see start_init */
    .incbin "ember.elf"
ember_end:

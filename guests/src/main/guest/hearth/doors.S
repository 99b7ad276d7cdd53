/*
 * doors.S: the doors that lantern has (../common/entry.S), and three more: for system calls of processes, from
 * one task to another, and for a task's first steps.
 */
#include "entry.S"

    .text

/*
 * The syscall instruction of a process enters Xen, which takes it for a system call because the vCPU was in
 * user mode (the same instruction in kernel mode is a hypercall). Xen switches to the kernel's page tables and
 * to the stack told by stack_switch, and pushes the frame of an exception.
 */
    .globl syscall_entry
    .type syscall_entry, @function
syscall_entry:
    pop     %rcx
    pop     %r11
    push    $0
    push    $257                            /* SYSTEM_CALL in kernel.h */
    jmp     enter_c
    .size syscall_entry, . - syscall_entry

/*
 * switch_stacks(struct task *from, struct task *to): C expects a call to keep these six registers and the stack
 * pointer; all else of `from` lies on its stack already. One task enters the function and another leaves it.
 */
    .globl switch_stacks
    .type switch_stacks, @function
switch_stacks:
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
    .size switch_stacks, . - switch_stacks

    /* A new process comes here from switch_stacks, its registers on the stack above, and leaves the kernel as
     * if after a system call. */
    .globl first_return
    .type first_return, @function
first_return:
    mov     %rsp, %rdi
    call    leave_kernel
    jmp     .Lreturn_from_trap
    .size first_return, . - first_return

    /* A new kernel thread: function in rbx, argument in r12. It does not return. */
    .globl first_call
    .type first_call, @function
first_call:
    mov     %r12, %rdi
    xor     %ebp, %ebp
    call    *%rbx
    ud2
    .size first_call, . - first_call

    /* A second vCPU: rsp and everything else was told to Xen by VCPUOP_initialise. */
    .globl second_start
    .type second_start, @function
second_start:
    cld
    xor     %ebp, %ebp
    call    smp_main
    ud2
    .size second_start, . - second_start

    /* ember/ember.c, an ELF file: the first process where no initial RAM disk has one. */
    .section .rodata
    .globl ember, ember_end
ember:
    .incbin "ember.elf"
ember_end:

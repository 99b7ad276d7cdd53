/* Wrong: has the port number in a register of the program. */
/* Told: you changed RCX */
#include "lab.h"

static void set_al(struct registers *regs, u8 value) {
    regs->rax = (regs->rax & ~0xfful) | value;
}

int emulate(struct registers *regs) {
    const u8 *instruction = (const u8 *)regs->rip;

    switch (instruction[0]) {
    case 0xec:
        set_al(regs, port_read((u16)regs->rdx));
        regs->rip += 1;
        return 1;
    case 0xee:
        port_write((u16)regs->rdx, (u8)regs->rax);
        regs->rip += 1;
        return 1;
    case 0xe4:
        regs->rcx = instruction[1];
        set_al(regs, port_read((u8)regs->rcx));
        regs->rip += 2;
        return 1;
    case 0xe6:
        port_write(instruction[1], (u8)regs->rax);
        regs->rip += 2;
        return 1;
    default:
        return 0;
    }
}

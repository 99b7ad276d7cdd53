/* Wrong: takes IN of four bytes for IN of one. */
/* Told: begins with ed as if it were one of the four */
#include "lab.h"

static void set_al(struct registers *regs, u8 value) {
    regs->rax = (regs->rax & ~0xfful) | value;
}

int emulate(struct registers *regs) {
    const u8 *instruction = (const u8 *)regs->rip;

    switch (instruction[0]) {
    case 0xec:
    case 0xed:
        set_al(regs, port_read((u16)regs->rdx));
        regs->rip += 1;
        return 1;
    case 0xee:
        port_write((u16)regs->rdx, (u8)regs->rax);
        regs->rip += 1;
        return 1;
    case 0xe4:
        set_al(regs, port_read(instruction[1]));
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

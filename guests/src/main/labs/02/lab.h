/*
 * lab.h: lab 2, "Trap and emulate"
 */
#ifndef LAB_H
#define LAB_H

#include "micro.h"

/* The machine that you emulate has devices with registers of one byte, called ports. */
void port_write(u16 port, u8 value);
u8 port_read(u16 port);

/*
 * Yours to write. An instruction was about to touch a port. It is not allowed to, so the processor
 * raised #GP and Xen handed us the registers, as they were before the instruction; RIP points to it.
 *
 * Do what the instruction would have done, to the registers too, and return 1: the program then
 * goes on with these registers. Return 0 for any other instruction, and change nothing.
 *
 *      ec       in  %dx, %al       read the port in DX into AL
 *      ee       out %al, %dx       write AL to the port in DX
 *      e4 NN    in  $NN, %al       read port NN into AL
 *      e6 NN    out %al, $NN       write AL to port NN
 *
 * AL is the lowest byte of RAX, DX the lowest two of RDX.
 */
int emulate(struct registers *regs);

#endif

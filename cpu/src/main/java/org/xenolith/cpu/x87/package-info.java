/**
 * The x87 floating-point unit: 80-bit arithmetic to the bit, the register stack, MMX's view of it,
 * and the x87 part of the FXSAVE area. It touches no guest memory and depends on nothing but {@link
 * org.xenolith.cpu.GuestFault}; the interpreter moves operands. Implements Intel SDM vol. 1,
 * chapter 8, and the x87 instructions of vol. 2.
 *
 * <p>Where the SDM leaves a choice, the unit does what AMD processors were seen to do: FPREM and
 * FPREM1 keep C0 and C3 when invalid and reduce by 32 to 63 bits a step, FCMOVcc leaves C1 alone, a
 * FLD from an empty register onto a full stack is an underflow, F2XM1 and FYL2XP1 return an operand
 * out of range unchanged, and FYL2X always raises the precision exception. Two things follow the
 * SDM instead: FCOMI clears C1, and FFREE leaves it.
 */
package org.xenolith.cpu.x87;

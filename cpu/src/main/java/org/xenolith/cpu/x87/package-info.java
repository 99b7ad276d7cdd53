/**
 * The x87 floating-point unit: 80-bit arithmetic to the bit, the register stack, MMX's view of it,
 * and the x87 part of the FXSAVE area. It touches no guest memory and depends on nothing but {@link
 * org.xenolith.cpu.GuestFault}; the interpreter moves operands. Implements Intel SDM vol. 1,
 * chapter 8, and the x87 instructions of vol. 2.
 */
package org.xenolith.cpu.x87;

/**
 * The interpreter: code pages of decoded blocks, blocks of linked operation objects, and the loop
 * that runs them. A block is also the unit that a translator compiles. Nothing in a block refers to
 * a domain, a vCPU or a linear address: the page's linear base is a register of the vCPU, so that
 * one decoded page serves every mapping of its frame. The operations that run most are written by
 * {@code org.xenolith.cpu.generate}, in {@code src/main/generator}, into the build's folder.
 *
 * <p>Classes whose names begin with Compat are for 32-bit code, in compatibility mode: {@link
 * org.xenolith.cpu.interp.CompatFactory} says what of it is not as in 64-bit code.
 */
package org.xenolith.cpu.interp;

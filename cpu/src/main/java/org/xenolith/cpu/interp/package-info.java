/**
 * The interpreter: code pages of decoded blocks, blocks of linked operation objects, and the loop
 * that runs them. A block is also the unit that a translator compiles. Nothing in a block refers to
 * a domain, a vCPU or a linear address: the page's linear base is a register of the vCPU, so that
 * one decoded page serves every mapping of its frame. The operations that run most are written by
 * {@code org.xenolith.cpu.generate}, in {@code src/main/generator}, into the build's folder.
 */
package org.xenolith.cpu.interp;

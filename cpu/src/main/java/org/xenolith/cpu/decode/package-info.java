/**
 * From bytes to {@link org.xenolith.cpu.decode.Instruction}: the opcode tables in the notation of
 * SDM vol. 2, appendix A, the length and operand decoder that reads them, and the disassembler.
 * Knows 64-bit mode only. Depends on nothing.
 */
package org.xenolith.cpu.decode;

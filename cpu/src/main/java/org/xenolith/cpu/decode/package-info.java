/**
 * From bytes to {@link org.xenolith.cpu.decode.Instruction}: the opcode tables in the notation of
 * SDM vol. 2, appendix A, the length and operand decoder that reads them, and the disassembler.
 * Knows 64-bit mode and the 32-bit code of compatibility mode. Depends on nothing.
 */
package org.xenolith.cpu.decode;

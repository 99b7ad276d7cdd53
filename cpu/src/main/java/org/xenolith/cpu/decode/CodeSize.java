package org.xenolith.cpu.decode;

/**
 * How the processor reads the bytes of a code segment, as the L and D bits of its descriptor say.
 * SDM vol. 3A, 5.2.1 (code-segment descriptor in 64-bit mode). 16-bit code is unknown here.
 */
public enum CodeSize {
    /** L=1, D=0: 64-bit mode. */
    CODE_64,
    /** L=0, D=1: compatibility mode with operands and addresses of 32 bits. */
    CODE_32
}

/**
 * What the MMX and SSE instructions compute, as pure functions of values: SDM vol. 2. An XMM
 * register is two longs, the low half first; an MMX register is one. Floating point takes control
 * and sticky flags from an {@link org.xenolith.cpu.semantics.simd.Mxcsr}. {@link
 * org.xenolith.cpu.semantics.simd.SimdTable} has one row per encoding and binds it to its function.
 * Registers, memory and faults of operands belong to the caller.
 */
package org.xenolith.cpu.semantics.simd;

/**
 * The translator: a hot block and what it reaches by direct jumps inside its page become one Java
 * method of a hidden class, which HotSpot compiles. Guest registers and flags live in local
 * variables. A memory access is a TLB hit, or the unit is left in front of the instruction and the
 * interpreter executes it: so faults are precise, and no call stands in a loop. Semantics are those
 * of {@code cpu.semantics}; what is written as bytecode here instead has a differential test.
 */
package org.xenolith.cpu.translate;

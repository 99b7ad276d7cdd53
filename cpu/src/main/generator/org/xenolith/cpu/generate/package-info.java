/**
 * Writes the interpreter's operations that run most, before the module is compiled: a class for
 * each pair of semantics and operand form, so that each has a call site, a profile and machine code
 * of its own. The semantics have one home, {@code org.xenolith.cpu.semantics}; what is here only
 * multiplies the forms of their operands. The build runs {@link
 * org.xenolith.cpu.generate.OpGenerator} as a program in source form.
 */
package org.xenolith.cpu.generate;

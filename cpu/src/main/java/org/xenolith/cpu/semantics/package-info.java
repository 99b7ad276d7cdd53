/**
 * What instructions compute, as pure static functions of values: the one definition that
 * interpreter, translator and tests share. Operands narrower than 64 bits come sign-extended;
 * callers narrow the result. SDM vol. 2.
 */
package org.xenolith.cpu.semantics;

/**
 * Rules of the house that the compiler does not know, checked on the compiled classes of all
 * modules: who may use whom, and how large a method may be.
 */
package org.xenolith.bench.rules;

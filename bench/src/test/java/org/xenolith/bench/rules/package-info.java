/**
 * Rules of the house that the compiler does not know, checked on the compiled classes of all
 * modules: who may use whom, how large a method may be, and whether what the launcher tells
 * HotSpot's compilers is about methods that exist.
 */
package org.xenolith.bench.rules;

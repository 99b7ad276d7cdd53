/**
 * An x86-64 processor as a paravirtual guest sees it: state, run loop, and the contract with its
 * platform.
 */
package org.xenolith.cpu;

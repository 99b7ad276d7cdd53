/**
 * JMH benchmarks of single cost centres of the processor. Depends on the processor and on its flat
 * test machine; nothing depends on it. Each class names what it measures and what is expected.
 */
package org.xenolith.bench;

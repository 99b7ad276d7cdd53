/** Trace events: one definition of what can be watched, and the text that shows it. */
package org.xenolith.core.trace;

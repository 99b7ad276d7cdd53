/**
 * Trace events: one definition of what can be watched ({@code TraceEvent}), one place that takes
 * events apart ({@code TraceFields}), and the ways to show them: text, Chrome's trace format, JFR.
 */
package org.xenolith.core.trace;

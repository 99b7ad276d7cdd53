/**
 * vCPUs as tasks over a few host threads. A waiting vCPU is data: it costs no thread and no
 * wake-ups.
 */
package org.xenolith.core.sched;

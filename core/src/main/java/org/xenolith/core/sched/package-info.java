/**
 * vCPUs as tasks over a few host threads. A waiting vCPU is data: it costs no thread and no
 * wake-ups. {@link org.xenolith.core.sched.Scheduler} is the way in, and its lock guards the rest:
 * whose turn it is, who sleeps until when, virtual time, host threads, slices.
 */
package org.xenolith.core.sched;

/**
 * Guest time: system time in nanoseconds since the domain's start, the time-stamp counter that
 * ticks once a nanosecond, and their publication for pvclock. public/xen.h, {@code struct
 * vcpu_time_info}.
 */
package org.xenolith.core.time;

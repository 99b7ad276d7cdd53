/**
 * Many guests in one process: {@code vmm up}. Owns the files that describe a fleet, what becomes of
 * a guest that ended (xl.cfg(5), Event Actions) and when it may start again, the shared terminal,
 * and the way down. How a guest is built and run is {@code core.machine}'s, how memory is shared
 * out {@code core.balloon}'s. Depends on both, on {@code core.config} and {@code core.control}.
 */
package org.xenolith.core.fleet;

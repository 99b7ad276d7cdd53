/**
 * The PV console's backend: the shared page between a guest's hvc0 and a host console. Owns the
 * layout of {@code struct xencons_interface} (public/io/console.h); depends on the ring arithmetic
 * and on the console contracts of the devices module.
 */
package org.xenolith.pv.console;

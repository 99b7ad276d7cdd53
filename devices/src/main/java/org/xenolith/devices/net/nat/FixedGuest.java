package org.xenolith.devices.net.nat;

/**
 * A guest whose address and name the configuration decides.
 *
 * @param mac Ethernet address, the low 48 bits
 * @param address IPv4 address, network order as an {@code int}
 * @param name host name in lower case, or null
 */
record FixedGuest(long mac, int address, String name) {}

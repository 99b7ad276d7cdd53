/**
 * The network on the host side: a switch between guests and what leads out of the host. Frames in,
 * frames out: no guest memory, no ring. The only packages with Netty.
 *
 * <p>{@link org.xenolith.devices.net.NetworkLoop} is the one thread, {@link
 * org.xenolith.devices.net.VirtualSwitch} the switch on it, {@link
 * org.xenolith.devices.net.NetworkEndpoint} what is plugged in.
 */
package org.xenolith.devices.net;

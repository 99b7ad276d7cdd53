/**
 * The network on the host side: a switch between guests and what leads out of the host. Frames in,
 * frames out: no guest memory, no ring. The only module with Netty.
 */
package org.xenolith.devices.net;

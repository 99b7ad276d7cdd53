/**
 * Ports that lead out of the host: frames in UDP datagrams, frames on a stream socket, both as
 * QEMU's {@code -netdev} speaks them, and TAP devices. May use the switch, never the other way
 * round.
 *
 * @see <a href="https://www.qemu.org/docs/master/system/invocation.html">QEMU, -netdev dgram and
 *     stream</a>
 * @see <a href="https://docs.kernel.org/networking/tuntap.html">Linux, Universal TUN/TAP</a>
 */
package org.xenolith.devices.net.tunnel;

/**
 * A network for guests without privileges on the host: gateway, DHCP and name server on the switch,
 * with TCP and UDP ended here and carried on through sockets.
 *
 * <p>{@link org.xenolith.devices.net.nat.UserModeNat} is what others use. Behind it {@code
 * NatStack} is a machine without threads, sockets and clock of its own, so that tests run it packet
 * by packet and timer by timer; {@code NettyHost} gives it the host's sockets.
 *
 * <p>TCP and UDP stand on a {@code Path}, which is one over IPv4 or over IPv6. Ways from the host
 * to a guest are IPv4, whatever the host's socket is.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9293">RFC 9293: TCP</a>
 * @see <a href="https://www.rfc-editor.org/rfc/rfc5961">RFC 5961: blind attacks on TCP</a>
 * @see <a href="https://www.rfc-editor.org/rfc/rfc6298">RFC 6298: retransmission timer</a>
 * @see <a href="https://www.rfc-editor.org/rfc/rfc8200">RFC 8200: IPv6</a>
 * @see <a href="https://www.rfc-editor.org/rfc/rfc4861">RFC 4861: neighbour discovery</a>
 * @see <a href="https://www.rfc-editor.org/rfc/rfc2131">RFC 2131: DHCP</a>
 * @see <a href="https://www.rfc-editor.org/rfc/rfc1035">RFC 1035: DNS</a>
 */
package org.xenolith.devices.net.nat;

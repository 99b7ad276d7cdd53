/**
 * The network backend: frames from a guest's rings to a port of the switch and back. Owns the wire
 * records of public/io/netif.h; depends on {@code pv.host}, {@code pv.xenbus}, {@code pv.ring}, and
 * on the switch contracts of the devices module, whose frames it sees as plain bytes.
 *
 * <p>Rings and frames' bytes are touched on the domain's own threads. The switch's thread only
 * queues. Linux's drivers/net/xen-netback is the model of behaviour.
 */
package org.xenolith.pv.netback;

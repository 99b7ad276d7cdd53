/**
 * The host side of every device: memory, terminal, disk images and networks. Buffers in, buffers
 * out: nothing here sees guest memory, and nothing here knows Xen.
 */
package org.xenolith.devices;

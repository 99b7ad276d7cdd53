/**
 * Virtual disks on the host side: what a block backend reads and writes. Buffers in, buffers out:
 * no guest memory, no ring. Depends on nothing of ours.
 */
package org.xenolith.devices.block;

/**
 * The block backend: requests from a guest's ring to a {@code BlockImage} and back. Owns the wire
 * records of public/io/blkif.h (x86-64 ABI); depends on {@code pv.host}, {@code pv.xenbus}, {@code
 * pv.ring}, and on the disk contract of the devices module.
 *
 * <p>Two kinds of threads meet here. The domain's own threads read the ring, copy data between
 * granted frames and buffers, and answer. I/O threads see a buffer and the image, nothing of the
 * guest. Linux's drivers/block/xen-blkback is the model of behaviour.
 */
package org.xenolith.pv.blkback;

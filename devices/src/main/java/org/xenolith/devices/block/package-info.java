/**
 * Virtual disks on the host side: what a block backend reads and writes. Buffers in, buffers out:
 * no guest memory, no ring. Uses {@code libc} and nothing else of ours.
 *
 * <p>{@link org.xenolith.devices.block.DiskImage} opens raw files, block devices and qcow2 images;
 * {@link org.xenolith.devices.block.Qcow2} makes the latter. There is no kept-up Java library that
 * writes qcow2, so the format is implemented here, from QEMU's specification.
 *
 * <p><b>Why a crash does no harm to a qcow2 image.</b> The file may lose any subset of the sectors
 * written since the last sync. Two orders are kept at all times:
 *
 * <ul>
 *   <li>A reference becomes stable only after what it refers to, and after the count of that
 *       cluster. Data is written at once and counted, tables change in memory only; a commit writes
 *       counts and tables that nothing refers to yet, syncs, writes the references, syncs.
 *   <li>A cluster is free only after the last reference to it is gone from stable storage: released
 *       clusters wait for the end of the commit.
 * </ul>
 *
 * So in the file counts are never too low and no two owners share a cluster; at worst clusters are
 * counted that nobody uses. Opening for writing finds those and frees them. The alternative, lazy
 * refcounts under the dirty bit, saves one of two syncs of a flush that allocated, but exists in
 * version 3 only, and makes each image useless to others until it is repaired. A flush without new
 * allocations needs one sync in either.
 *
 * <p><b>Trust.</b> An image may come from anywhere: sizes and offsets in it are checked before use,
 * and a writable image whose tables overlap anything is refused. But a qcow2 header may name any
 * file as its backing file, and the guest reads that file then: whoever hands over an image chooses
 * what its guest may read, as with QEMU.
 *
 * <p>Threads that use an image must not be interrupted: Java closes a file whose reader is.
 *
 * @see <a href="https://gitlab.com/qemu-project/qemu/-/blob/master/docs/interop/qcow2.rst">The
 *     specification of qcow2</a>
 */
package org.xenolith.devices.block;

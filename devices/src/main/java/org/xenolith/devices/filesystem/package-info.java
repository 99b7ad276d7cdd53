/**
 * Reads files from disk images, to boot what is on them: partition tables (MBR, GPT), ext2, ext3,
 * ext4, FAT, and the configurations of GRUB and extlinux. Nothing is ever written.
 *
 * <p>{@link org.xenolith.devices.filesystem.BootFiles} finds kernel and initrd; {@link
 * org.xenolith.devices.filesystem.FileSystem} reads any file. Uses {@code block} for the disk.
 *
 * <p>A disk is written by its guest, so everything on it may be wrong. Whatever it says is checked
 * against the size of the disk; chains, trees, links and directories end at fixed limits; memory is
 * taken only for what could be read. A damaged file system is reported as one sentence.
 */
package org.xenolith.devices.filesystem;

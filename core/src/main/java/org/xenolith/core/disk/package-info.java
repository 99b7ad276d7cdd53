/**
 * Disks as the host sees them before a guest has them: what one holds and boots, as pygrub finds
 * it, and an image made of a directory. Owns the files that it takes out of disks, which go with
 * the process. Depends on {@code devices.block} and {@code devices.filesystem}, on {@code
 * core.config} for what users write about disks, and on {@code core.image}; knows no guest.
 */
package org.xenolith.core.disk;

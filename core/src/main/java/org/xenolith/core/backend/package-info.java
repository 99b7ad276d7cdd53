/**
 * Disks and network interfaces of domains: makes their directories in the store as Xen's toolstack
 * does, and gives the backends of {@code pv.*} the grants, event channels and threads of the
 * frontend's domain. Owns the life of a device from attaching to the closing of what is behind it.
 */
package org.xenolith.core.backend;

/**
 * Makes the boot input of {@code vmm boot debian} and {@code vmm boot lamp} from Debian's own
 * packages.
 *
 * <p>The kernel is Debian's cloud kernel, unmodified; initial RAM disks are built here from the
 * static BusyBox, the kernel's Xen frontends and small scripts. Everything comes through the
 * machine's apt, which checks Debian's signatures, with folders of our own so that no root is
 * needed.
 *
 * <p>The disk of the LAMP guest is made by debootstrap, or mmdebstrap where there is no root, and
 * by mke2fs, without mounting anything; what goes onto it beside packages is {@link
 * org.xenolith.guests.LampRecipe}. Depends on {@link org.xenolith.core.image} and the guests
 * module.
 */
package org.xenolith.core.image.debian;

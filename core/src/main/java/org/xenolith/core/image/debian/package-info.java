/**
 * Makes the boot input of {@code vmm boot debian} from Debian's own packages.
 *
 * <p>The kernel is Debian's cloud kernel, unmodified; the initial RAM disk is built here from the
 * static BusyBox, the kernel's Xen frontends and a small {@code /init}. Everything comes through
 * the machine's apt, which checks Debian's signatures, with folders of our own so that no root is
 * needed. Depends on {@link org.xenolith.core.image} only.
 */
package org.xenolith.core.image.debian;

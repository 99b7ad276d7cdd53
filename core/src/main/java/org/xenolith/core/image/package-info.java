/**
 * Everything of the domain builder that looks at files: kernels, their notes, initial RAM disks.
 *
 * <p>Owns the recognition of bzImage (Linux, Documentation/arch/x86/boot.rst), ELF64 (System V
 * gABI, chapters 4 and 5), compressed payloads, Xen's ELF notes (public/elfnote.h) and the cpio
 * "newc" format (Linux, Documentation/driver-api/early-userspace/buffer-format.rst). It reads files
 * into records and byte slices and never sees guest memory; it may depend on nothing else of this
 * project. Every refusal is an {@link org.xenolith.core.image.ImageException} whose message is one
 * sentence for the terminal.
 */
package org.xenolith.core.image;

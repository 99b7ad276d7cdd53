/**
 * Builds a PV domain's first memory: kernel, initrd, page tables, p2m list, start_info. The order
 * is that of Xen's own builder (tools/libs/guest), because kernels rely on it. Depends on the
 * kernel images, the frame table and the ABI constants.
 */
package org.xenolith.core.build;

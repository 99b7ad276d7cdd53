/**
 * The backend of folders of the host: Xen's 9pfs. Carries messages of 9P between the rings of a
 * frontend and a {@link org.xenolith.devices.p9.P9Server}, and looks at nothing of them but their
 * length. Uses {@code pv.ring}, {@code pv.xenbus} and the contracts of {@code pv.host}. Implements
 * public/io/9pfs.h and docs/misc/9pfs of Xen.
 */
package org.xenolith.pv.p9back;

/**
 * Arithmetic of the rings that a guest and the host share: free-running 32-bit indices, their one
 * sanity check, and the ordered accesses that publish them. Owns no ring's layout; every backend
 * brings its own offsets. Depends on the contract of a granted frame. Implements the conventions of
 * public/io/ring.h and of the byte streams in public/io/xs_wire.h and public/io/console.h.
 */
package org.xenolith.pv.ring;

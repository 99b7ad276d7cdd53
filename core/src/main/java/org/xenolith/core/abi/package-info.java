/**
 * Numbers and record layouts that guests see: Xen's public headers for 64-bit x86 PV guests, one
 * class per header or struct. Depends on nothing.
 */
package org.xenolith.core.abi;

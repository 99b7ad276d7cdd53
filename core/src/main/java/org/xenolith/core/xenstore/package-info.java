/**
 * Xenstore: the tree of names in which host and guests agree on devices, with permissions, watches
 * and transactions, and the wire protocol over a guest's shared page. Implements
 * docs/misc/xenstore.txt and public/io/xs_wire.h. Depends on the ring arithmetic of pv-drivers;
 * knows neither domains nor event channels, which are wired to it where a domain is built.
 */
package org.xenolith.core.xenstore;

/**
 * The handshake of split drivers: the states that frontend and backend write into the store, the
 * keys beside them, and what happens when one side goes, comes back or lies. Owns the backend's
 * state machine, one for all kinds of devices; each kind brings a {@link
 * org.xenolith.pv.xenbus.BackendDriver}. Depends on the contracts of {@code pv.host}. Implements
 * public/io/xenbus.h.
 */
package org.xenolith.pv.xenbus;

/**
 * How much memory each guest should have now: a policy over what guests say of themselves and what
 * the host has, carried out by the guests' own balloon drivers (docs/misc/xenstore-paths of Xen,
 * {@code memory/target}). Owns no memory and knows no frames; depends on nothing.
 */
package org.xenolith.core.balloon;

/**
 * What a backend needs of the hypervisor around it: the grants and event channels of the domain
 * that its frontend runs in, and the store. Contracts only; the VMM fulfils them. Depends on
 * nothing.
 */
package org.xenolith.pv.host;

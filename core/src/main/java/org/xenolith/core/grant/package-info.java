/**
 * Grants: a domain lends a frame to another domain or to a backend inside the hypervisor. The only
 * door in the wall between domains. Implements version 1 of public/grant_table.h; depends on the
 * frame tables and the ABI constants.
 */
package org.xenolith.core.grant;

/**
 * The virtual machine monitor: domains, their memory, hypercalls, events, grants and the command
 * line. Each sub-package implements one of Xen's public headers; they meet only where a domain is
 * built.
 */
package org.xenolith.core;

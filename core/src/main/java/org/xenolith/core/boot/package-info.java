/**
 * What the command line and the hypervisor say to each other: what to boot or restore, what becomes
 * of it, and how it ended. Owns no behaviour beyond the rules of its own values. Depends on the
 * records of {@code core.config}, {@code core.disk}, {@code core.trace} and {@code core.snapshot},
 * and on the console contract and the network names of {@code devices}.
 */
package org.xenolith.core.boot;

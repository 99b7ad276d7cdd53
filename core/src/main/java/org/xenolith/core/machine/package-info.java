/**
 * What the command line and the hypervisor say to each other: what to boot, and how it ended. Owns
 * no behaviour; depends on the console contract of {@code devices} only.
 */
package org.xenolith.core.machine;

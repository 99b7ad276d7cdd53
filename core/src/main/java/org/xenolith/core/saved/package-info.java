/**
 * What a snapshot says of its guest beside the domain: its name, its devices, the state of its
 * disks' files, and how it starts anew when it reboots. A text in JSON, the section CONFIGURATION
 * of {@code core.snapshot}; members that are not there have no effect. Depends on {@code core.boot}
 * and {@code core.config}, whose values it writes and reads, and knows no running guest.
 */
package org.xenolith.core.saved;

/**
 * The few functions of the C library that Java does not offer, called through JNA, and their errors
 * as sentences. Values are those of Linux on x86-64 with glibc.
 *
 * @see <a href="https://man7.org/linux/man-pages/dir_section_2.html">Linux manual, section 2</a>
 */
package org.xenolith.devices.libc;

/**
 * The user's terminal as a guest's console: raw mode, the key that leaves, and bytes in both
 * directions. Depends on {@code libc} and {@code console}. Implements termios(3) for Linux on
 * x86-64.
 */
package org.xenolith.devices.terminal;

/**
 * What a guest's console is on the host side: where its output goes ({@link
 * org.xenolith.devices.console.ConsoleSink}), where its input comes from ({@link
 * org.xenolith.devices.console.ConsoleSource}), and the pieces that are put between. Bytes only: no
 * guest memory, no terminal. Depends on nothing.
 */
package org.xenolith.devices.console;

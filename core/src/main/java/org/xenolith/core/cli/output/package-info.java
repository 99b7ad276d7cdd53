/**
 * What a command leaves behind: standard output and files that tell when they took nothing, a
 * status line on the terminal, the exit status. Knows no command; depends on {@code
 * devices.terminal} and on the words for errors of files.
 */
package org.xenolith.core.cli.output;

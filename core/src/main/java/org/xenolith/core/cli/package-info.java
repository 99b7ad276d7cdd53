/**
 * The {@code vmm} command line: options, help texts, exit codes, and failures as one sentence.
 * Turns what the user wrote into {@link org.xenolith.core.boot.BootOptions}; what it calls is
 * listed in {@link org.xenolith.core.cli.Services}.
 */
package org.xenolith.core.cli;

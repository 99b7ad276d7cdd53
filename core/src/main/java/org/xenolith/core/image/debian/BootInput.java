package org.xenolith.core.image.debian;

import java.nio.file.Path;

/**
 * What a domain is built from.
 *
 * @param defaultCommandLine kernel arguments to use when the caller has none of his own
 */
public record BootInput(Path kernel, Path initrd, String defaultCommandLine) {}

package org.xenolith.core.fleet;

import java.nio.file.Path;
import java.util.Optional;

/**
 * What a guest boots from.
 *
 * @param commandLine what the kernel needs in any case; the user's arguments come after it
 */
public record BootFiles(Path kernel, Optional<Path> initrd, String commandLine) {}

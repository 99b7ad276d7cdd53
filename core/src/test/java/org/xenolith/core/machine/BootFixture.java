package org.xenolith.core.machine;

import org.xenolith.core.boot.BootOptions;
import org.xenolith.core.image.debian.BootInput;
import org.xenolith.guests.GuestImages;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/** Boots guests for tests: our own one, and Debian's kernel. */
final class BootFixture {
    static final long MIB = 1 << 20;

    private BootFixture() {}

    static BootOptions options(
            Path kernel, Path initrd, String commandLine, long memory, int vcpus, boolean virtual) {
        return BootOptions.of("test", kernel, memory)
                .initrd(Optional.ofNullable(initrd))
                .commandLine(commandLine)
                .vcpus(vcpus)
                .timeout(Optional.of(Duration.ofSeconds(120)))
                .virtualTime(virtual)
                .statistics(true)
                .build();
    }

    static Path lantern(Path folder) {
        try {
            Path file = folder.resolve(GuestImages.LANTERN);
            Files.write(file, GuestImages.read(GuestImages.LANTERN));
            return file;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static BootOptions debian(BootInput input, String arguments, long memory, int vcpus) {
        return options(
                input.kernel(),
                input.initrd(),
                input.defaultCommandLine() + " " + arguments,
                memory,
                vcpus,
                false);
    }
}

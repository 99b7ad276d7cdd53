package org.xenolith.core.image.debian;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.xenolith.core.image.ImageException;
import org.xenolith.guests.GuestImages;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;

final class OwnKernelsTest {
    private static final FileTime LONG_AGO = FileTime.fromMillis(1000);

    @TempDir private Path folder;

    @Test
    void kernelIsAFileOfItsOwnThatIsMadeOnce() throws Exception {
        OwnKernels kernels = new OwnKernels(folder.resolve("kernels"));
        Path first = kernels.file(GuestImages.LANTERN);
        assertThat(first).hasBinaryContent(GuestImages.read(GuestImages.LANTERN));
        assertThat(first.getFileName().toString()).matches("lantern-[0-9a-f]{12}\\.elf");

        Files.setLastModifiedTime(first, LONG_AGO);
        assertThat(kernels.file(GuestImages.LANTERN)).isEqualTo(first);
        assertThat(Files.getLastModifiedTime(first)).isEqualTo(LONG_AGO);
        assertThat(kernels.file(GuestImages.HEARTH)).isNotEqualTo(first);
    }

    @Test
    void whereThereIsNoPlaceItIsOneSentence() throws Exception {
        Path file = Files.writeString(folder.resolve("file"), "");
        assertThatThrownBy(() -> new OwnKernels(file).file(GuestImages.LANTERN))
                .isInstanceOf(ImageException.class)
                .hasMessage("cannot make the folder of kernels in %s: %s is no folder", file, file);
    }

    @Test
    void placeThatTakesNoFoldersIsNamedWithTheReason() {
        assertThatThrownBy(
                        () ->
                                new OwnKernels(Path.of("/proc/xenolith/kernels"))
                                        .file(GuestImages.LANTERN))
                .isInstanceOf(ImageException.class)
                .hasMessage(
                        "cannot make the folder of kernels in /proc/xenolith/kernels: no folder can"
                                + " be made at /proc/xenolith");
    }
}
